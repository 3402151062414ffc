#include "load_databases.h"

#include "base/error.h"
#include "base/os/child.h"
#include "pg/connection/connection.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

enum { LEAVE_TIMEOUT_MS = 10000, LEAVE_POLL_MS = 20 };

char *
load_databases_dsn(const LoadDatabases *databases, const char *database)
{
  return g_strdup_printf("%s dbname=%s", test_postgres_dsn(databases->postgres), database);
}

/* Runs one of PostgreSQL's programs. Its exit code may be 1 when it reports ignored errors. */
static void
run_program(const char *const *argv, gboolean may_complain)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(ChildProcess) child = child_process_spawn(&(ChildOptions){.argv = argv}, &error);
  if (child == NULL)
    fail_msg("%s: %s", argv[0], error->message);
  int exit_code;
  assert_true(child_process_wait(child, -1, &exit_code));
  g_autofree char *complaint = child_process_stderr(child);
  if (exit_code != 0 && !(exit_code == 1 && may_complain))
    fail_msg("%s: %s", argv[0], complaint);
}

static PgConnection *
open_database(const LoadDatabases *databases, const char *database)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *dsn = load_databases_dsn(databases, database);
  PgConnection *connection = pg_connection_open(dsn, "unit", NULL, &error);
  if (connection == NULL)
    fail_msg("%s", error->message);
  return connection;
}

void
load_databases_exec(const LoadDatabases *databases, const char *database, const char *sql)
{
  g_autoptr(PgConnection) connection = open_database(databases, database);
  g_autoptr(GError) error = NULL;
  if (!pg_connection_exec(connection, "RESET search_path", &error) || !pg_connection_exec(connection, sql, &error))
    fail_msg("%s", error->message);
}

void
load_databases_exec_file(const LoadDatabases *databases, const char *database, const char *path)
{
  g_autofree char *dsn = load_databases_dsn(databases, database);
  const char *argv[] = {"psql",     "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file", path,
                        "--dbname", dsn,           NULL};
  run_program(argv, FALSE);
}

static char *
get_value(const LoadDatabases *databases, const char *database, const char *sql)
{
  g_autoptr(PgConnection) connection = open_database(databases, database);
  g_autoptr(GError) error = NULL;
  g_autofree char *value = NULL;
  if (!pg_connection_value(connection, &value, &error, sql, 0))
    fail_msg("%s: %s", sql, error->message);
  assert_non_null(value);
  return g_steal_pointer(&value);
}

LoadDatabases *
load_databases_start(void)
{
  LoadDatabases *databases = g_new0(LoadDatabases, 1);
  databases->postgres = test_postgres_start();
  databases->directory = test_directory_new();
  g_autofree char *version = get_value(databases, "postgres", "SHOW server_version_num");
  databases->strategy = strcmp(version, "150000") >= 0 ? "STRATEGY file_copy" : "";
  return databases;
}

void
load_databases_stop(LoadDatabases *databases)
{
  archive_reader_free(databases->reader);
  test_postgres_free(databases->postgres);
  test_directory_free(databases->directory);
  g_free(databases);
}

void
load_databases_assert_value(const LoadDatabases *databases, const char *database, const char *sql, const char *expected)
{
  g_autofree char *value = get_value(databases, database, sql);
  assert_string_equal(value, expected);
}

static char *
new_name(LoadDatabases *databases)
{
  return g_strdup_printf("load_%u", databases->n_names++);
}

char *
load_databases_create(LoadDatabases *databases, const char *options)
{
  char *name = new_name(databases);
  g_autofree char *sql =
      g_strdup_printf("CREATE DATABASE %s TEMPLATE template0 %s %s", name, databases->strategy, options);
  load_databases_exec(databases, "postgres", sql);
  return name;
}

static char *
new_path(LoadDatabases *databases)
{
  g_autofree char *name = new_name(databases);
  return g_build_filename(databases->directory, name, NULL);
}

static char *
dump_as(LoadDatabases *databases, const char *database, const char *format)
{
  char *path = new_path(databases);
  g_autofree char *dsn = load_databases_dsn(databases, database);
  const char *argv[] = {"pg_dump", "--file", path, format, "--dbname", dsn, NULL};
  run_program(argv, FALSE);
  return path;
}

char *
load_databases_dump(LoadDatabases *databases, const char *database)
{
  return dump_as(databases, database, "--format=custom");
}

char *
load_databases_build(LoadDatabases *databases, const ArchiveBuilder *builder)
{
  char *path = new_path(databases);
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  assert_true(g_file_set_contents(path, (const char *)bytes->data, (gssize)bytes->len, NULL));
  return path;
}

char *
load_databases_pg_restore(LoadDatabases *databases, const char *archive)
{
  char *database = load_databases_create(databases, "");
  g_autofree char *dsn = load_databases_dsn(databases, database);
  const char *argv[] = {"pg_restore", "--no-owner", "--dbname", dsn, archive, NULL};
  run_program(argv, TRUE);
  return database;
}

static gint
compare_lines(gconstpointer a, gconstpointer b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* pg_dump's text in sorted lines, without comments and the random keys of \restrict. */
static char *
describe(LoadDatabases *databases, const char *database)
{
  g_autofree char *path = dump_as(databases, database, "--format=plain");
  g_autofree char *text = NULL;
  gsize size = 0;
  assert_true(g_file_get_contents(path, &text, &size, NULL));
  g_autoptr(GPtrArray) kept = g_ptr_array_new();
  /* Not g_strsplit: under AddressSanitizer its strstr measures the whole remaining text for each line. */
  for (char *line = text, *end; line < text + size; line = end + 1) {
    end = memchr(line, '\n', (gsize)(text + size - line));
    *end = '\0'; /* pg_dump ends every line */
    if (!g_str_has_prefix(line, "--") && !g_str_has_prefix(line, "\\restrict") &&
        !g_str_has_prefix(line, "\\unrestrict"))
      g_ptr_array_add(kept, line);
  }
  g_ptr_array_sort(kept, compare_lines);
  g_ptr_array_add(kept, NULL);
  return g_strjoinv("\n", (char **)kept->pdata);
}

void
load_databases_assert_equal(LoadDatabases *databases, const char *database, const char *other)
{
  g_autofree char *one = describe(databases, database);
  g_autofree char *two = describe(databases, other);
  gsize same = 0;
  while (one[same] != '\0' && one[same] == two[same])
    same++;
  if (one[same] != two[same])
    fail_msg("they differ:\n%.300s\n---\n%.300s", one + same - MIN(same, 100), two + same - MIN(same, 100));
}

void
load_databases_assert_left(const LoadDatabases *databases, const char *database)
{
  g_autofree char *sql =
      g_strdup_printf("SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = '%s'", database);
  for (int waited_ms = 0;; waited_ms += LEAVE_POLL_MS) {
    g_autofree char *count = get_value(databases, "postgres", sql);
    if (strcmp(count, "0") == 0)
      return;
    if (waited_ms > LEAVE_TIMEOUT_MS)
      fail_msg("%s sessions are still there", count);
    g_usleep(LEAVE_POLL_MS * 1000);
  }
}

void
load_databases_ignore_event(const BackupEvent *event, gpointer user_data)
{
}

LoadResult *
load_databases_load(LoadDatabases *databases, const char *archive, const char *database, const LoadRun *run,
                    GError **error)
{
  int fd = open(archive, O_RDWR | O_CLOEXEC);
  assert_true(fd >= 0);
  g_clear_pointer(&databases->reader, archive_reader_free);
  ArchiveReader *reader = databases->reader = archive_reader_open(fd, error);
  assert_non_null(reader);
  assert_true(archive_reader_check(reader, NULL, NULL, NULL, error));
  g_autoptr(RestorePlan) plan = restore_plan_new(reader, &(RestorePlanOptions){.server_version = 150000}, error);
  assert_non_null(plan);
  if (run->before != NULL)
    run->before(fd);
  g_autoptr(BackupProgress) progress =
      backup_progress_new(run->func != NULL ? run->func : load_databases_ignore_event, run->user_data, LANGUAGE_EN);
  backup_progress_totals(progress, plan->rows, plan->bytes);
  g_autofree char *dsn = load_databases_dsn(databases, database);
  LoadOptions options = {.dsn = dsn, .jobs = run->jobs, .hash_rows = run->hash_rows};
  LoadResult *result = backup_load(reader, plan, &options, progress, run->cancellable, error);
  close(fd);
  return result;
}
