#include "pg/programs/client.h"

#include "base/error.h"
#include "base/os/child.h"
#include "pg/programs/program.h"

#include <string.h>

enum { ASK_TIMEOUT_MS = 10000 };

#define ANSWER_LIFE_US (60 * G_USEC_PER_SEC)

typedef struct {
  int version;
  gint64 asked_us;
} Answer;

static GMutex answers_mutex;
static GHashTable *answers; /* command line → Answer; guarded by the mutex */

/* "pg_dump (PostgreSQL) 15.20 (Debian …)" → 150020; 0 if malformed. */
static int
parse_version(const char *text)
{
  const char *number = strstr(text, ") ");
  if (number == NULL)
    return 0;
  char *end;
  gint64 major = g_ascii_strtoll(number + 2, &end, 10);
  gint64 minor = *end == '.' ? g_ascii_strtoll(end + 1, NULL, 10) : 0;
  return major > 0 && major < 10000 && minor >= 0 && minor < 10000 ? (int)(major * 10000 + minor) : 0;
}

static int
known_version(const char *key)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&answers_mutex);
  const Answer *answer = answers != NULL ? g_hash_table_lookup(answers, key) : NULL;
  return answer != NULL && g_get_monotonic_time() - answer->asked_us < ANSWER_LIFE_US ? answer->version : 0;
}

static void
remember_version(const char *key, int version)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&answers_mutex);
  if (answers == NULL)
    answers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  Answer *answer = g_new(Answer, 1);
  *answer = (Answer){version, g_get_monotonic_time()};
  g_hash_table_replace(answers, g_strdup(key), answer);
}

/* 0 with CHILD_FAILED or EXPORT_PG_DUMP. */
static int
ask_version(char *const *argv, GError **error)
{
  g_autofree char *key = g_strjoinv("\n", (char **)argv);
  int version = known_version(key);
  if (version != 0)
    return version;
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  for (char *const *word = argv; *word != NULL; word++)
    g_strv_builder_add(builder, *word);
  g_strv_builder_add(builder, "--version");
  g_auto(GStrv) asking = g_strv_builder_end(builder);
  const ChildOptions options = {.argv = (const char *const *)asking, .run_timeout_ms = ASK_TIMEOUT_MS};
  g_autofree char *output = child_process_run(&options, NULL, error);
  if (output == NULL)
    return 0;
  version = parse_version(output);
  if (version == 0)
    error_set(error, CCH_ERROR_EXPORT_PG_DUMP, "%s does not tell its version", argv[0]);
  else
    remember_version(key, version);
  return version;
}

/* Which of two major versions suits a server better; `best` is 0 if there is none yet. */
static gboolean
fits_better(int candidate, int best, int server)
{
  if (server == 0)
    return candidate > best;
  return candidate >= server && (best == 0 || candidate < best);
}

static gboolean
refuse_old(int newest, int server, GError **error)
{
  if (newest == 0)
    error_set(error, CCH_ERROR_EXPORT_PG_DUMP,
              "there is no pg_dump here, and the server is PostgreSQL %d: install postgresql-client-%d", server,
              server);
  else
    error_set(error, CCH_ERROR_EXPORT_PG_DUMP,
              "the server is PostgreSQL %d, but the newest pg_dump here is version %d: install postgresql-client-%d",
              server, newest, server);
  return FALSE;
}

static gboolean
choose_command(const char *command, int server, PgClient *ret_client, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_auto(GStrv) argv = NULL;
  if (!g_shell_parse_argv(command, NULL, &argv, &failure)) {
    error_set(error, CCH_ERROR_CONFIG, "PG_DUMP_COMMAND: %s", failure->message);
    return FALSE;
  }
  int version = ask_version(argv, &failure);
  if (version == 0) {
    error_set(error, CCH_ERROR_EXPORT_PG_DUMP, "PG_DUMP_COMMAND: %s", failure->message);
    return FALSE;
  }
  if (version / 10000 < server)
    return refuse_old(version / 10000, server, error);
  *ret_client = (PgClient){.argv = g_steal_pointer(&argv), .version = version, .is_command = TRUE};
  return TRUE;
}

gboolean
pg_client_choose(const PgClientOptions *options, int server_version, PgClient *ret_client, GError **error)
{
  int server = server_version / 10000;
  if (options->command != NULL)
    return choose_command(options->command, server, ret_client, error);
  g_auto(GStrv) paths = pg_find_programs(options->bin_dirs, "pg_dump");
  const char *best_path = NULL;
  int best = 0, newest = 0;
  for (char **path = paths; *path != NULL; path++) {
    g_autoptr(GError) failure = NULL;
    char *const argv[] = {*path, NULL};
    int version = ask_version(argv, &failure); /* a program that does not run does not count */
    newest = MAX(newest, version);
    if (version != 0 && fits_better(version / 10000, best / 10000, server)) {
      best = version;
      best_path = *path;
    }
  }
  if (best == 0)
    return refuse_old(newest / 10000, server, error);
  g_autoptr(GStrvBuilder) argv = g_strv_builder_new();
  g_strv_builder_add(argv, best_path);
  *ret_client = (PgClient){.argv = g_strv_builder_end(argv), .version = best};
  return TRUE;
}

void
pg_client_clear(PgClient *client)
{
  g_clear_pointer(&client->argv, g_strfreev);
}

int
pg_client_oldest_reader(int version)
{
  return version >= 170000 ? 17 : version >= 160000 ? 16 : 12;
}
