#include "storage/rclone_run.h"

#include "base/error.h"
#include "base/os/write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM           "rclone"
#define POLL_MS           500
#define END_GRACE_MS      5000 /* it aborts unfinished uploads of parts */
#define OBSCURE_LIMIT_MS  20000
#define MAX_LINE_BYTES    (64 * 1024)
#define MAX_OUTPUT_PIECES 16

Rclone *
rclone_new(RcloneConfig *config, guint64 bandwidth_bytes_s)
{
  Rclone *rclone = g_new(Rclone, 1);
  *rclone = (Rclone){.config = config, .bandwidth_bytes_s = bandwidth_bytes_s};
  return rclone;
}

void
rclone_free(Rclone *rclone)
{
  rclone_config_free(rclone->config);
  g_strfreev(rclone->environment);
  g_strfreev(rclone->unset);
  g_free(rclone);
}

/* "NAME=secret" becomes "NAME=what rclone makes of it". */
static char *
obscure_entry(const char *entry, GCancellable *cancellable, GError **error)
{
  const char *value = strchr(entry, '=') + 1;
  int fd = memory_file_new("rclone", value, strlen(value), error);
  if (fd < 0)
    return NULL;
  const ChildOptions options = {.argv = (const char *const[]){PROGRAM, "obscure", "-", NULL},
                                .environment = (const char *const[]){"RCLONE_CONFIG=/dev/null", NULL},
                                .stdin_fd = fd,
                                .run_timeout_ms = OBSCURE_LIMIT_MS};
  g_autofree char *output = child_process_run(&options, cancellable, error);
  close(fd);
  if (output == NULL)
    return NULL;
  g_autofree char *name = g_strndup(entry, (gsize)(value - entry));
  return g_strconcat(name, g_strchomp(output), NULL);
}

/* Everything that could change what rclone does is ours, except for a remote of the operator's. Amazon's library in it
 * reads AWS_…, too, and fails if AWS_CA_BUNDLE is set. */
static void
unset_others(Rclone *rclone)
{
  g_autoptr(GPtrArray) unset = g_ptr_array_new();
  g_auto(GStrv) names = g_listenv();
  for (char **name = names; rclone->config->is_own && *name != NULL; name++)
    if (g_str_has_prefix(*name, "RCLONE_") || g_str_has_prefix(*name, "AWS_"))
      g_ptr_array_add(unset, g_strdup(*name));
  g_ptr_array_add(unset, NULL);
  rclone->unset = (char **)g_ptr_array_free(g_steal_pointer(&unset), FALSE);
}

static gboolean
prepare(Rclone *rclone, GCancellable *cancellable, GError **error)
{
  if (rclone->environment != NULL)
    return TRUE;
  g_autofree char *path = g_find_program_in_path(PROGRAM);
  if (path == NULL) {
    error_set_explained(error, CCH_ERROR_STORAGE_TOOL_MISSING, TEXT_STORAGE_NO_RCLONE, PROGRAM " is not installed");
    return FALSE;
  }
  const RcloneConfig *config = rclone->config;
  g_autoptr(GPtrArray) environment = g_ptr_array_new_with_free_func(g_free);
  if (config->is_own)
    g_ptr_array_add(environment, g_strdup("RCLONE_CONFIG=/dev/null"));
  for (guint i = 0; i < config->environment->len; i++)
    g_ptr_array_add(environment, g_strdup(config->environment->pdata[i]));
  for (guint i = 0; i < config->to_obscure->len; i++) {
    char *entry = obscure_entry(config->to_obscure->pdata[i], cancellable, error);
    if (entry == NULL)
      return FALSE;
    g_ptr_array_add(environment, entry);
  }
  g_ptr_array_add(environment, NULL);
  g_ptr_array_set_free_func(environment, NULL);
  rclone->environment = (char **)g_ptr_array_free(g_steal_pointer(&environment), FALSE);
  unset_others(rclone);
  return TRUE;
}

static ChildProcess *
spawn(Rclone *rclone, const char *const *args, int stdin_fd, gboolean capture, GCancellable *cancellable,
      GError **error)
{
  static const char *const common[] = {"--ask-password=false",
                                       "--use-json-log",
                                       "--log-level",
                                       "NOTICE",
                                       "--contimeout",
                                       "15s",
                                       "--timeout",
                                       "60s",
                                       "--retries-sleep",
                                       "2s",
                                       "--transfers",
                                       "1",
                                       "--low-level-retries",
                                       "4",
                                       "--stats-log-level",
                                       "NOTICE"};
  if (!prepare(rclone, cancellable, error))
    return NULL;
  g_autofree char *limit = g_strdup_printf("%" G_GUINT64_FORMAT "B", rclone->bandwidth_bytes_s);
  g_autoptr(GPtrArray) argv = g_ptr_array_new();
  g_ptr_array_add(argv, PROGRAM);
  for (guint i = 0; i < G_N_ELEMENTS(common); i++)
    g_ptr_array_add(argv, (gpointer)common[i]);
  if (rclone->bandwidth_bytes_s > 0) {
    g_ptr_array_add(argv, "--bwlimit");
    g_ptr_array_add(argv, limit);
  }
  for (const char *const *arg = args; *arg != NULL; arg++)
    g_ptr_array_add(argv, (gpointer)*arg);
  g_ptr_array_add(argv, NULL);
  int known_hosts_fd = 0;
  if (rclone->config->known_hosts != NULL &&
      (known_hosts_fd =
           memory_file_new("rclone", rclone->config->known_hosts, strlen(rclone->config->known_hosts), error)) < 0)
    return NULL;
  const ChildOptions options = {.argv = (const char *const *)argv->pdata,
                                .environment = (const char *const *)rclone->environment,
                                .unset = (const char *const *)rclone->unset,
                                .stdin_fd = stdin_fd,
                                .extra_fd = known_hosts_fd,
                                .capture_stdout = capture};
  ChildProcess *child = child_process_spawn(&options, error);
  if (known_hosts_fd > 0)
    close(known_hosts_fd);
  return child;
}

ChildProcess *
rclone_start(Rclone *rclone, const char *const *args, GCancellable *cancellable, GError **error)
{
  return spawn(rclone, args, 0, TRUE, cancellable, error);
}

/* The bytes in the last line of statistics. */
static guint64
bytes_carried(ChildProcess *child)
{
  g_autofree char *text = child_process_stderr(child);
  const char *stats = g_strrstr(text, "\"stats\":{\"bytes\":");
  return stats != NULL ? g_ascii_strtoull(stats + strlen("\"stats\":{\"bytes\":"), NULL, 10) : 0;
}

/* A running rclone. */
typedef struct {
  const RcloneRun *run;
  ChildProcess *child;
  GString *output; /* an unfinished line */
  gint64 end_us, moved_us;
  guint64 done_bytes;
} Running;

/* Hands on the lines that have arrived. */
static gboolean
take_output(Running *running, GError **error)
{
  int fd = child_process_stdout(running->child);
  char buffer[16 * 1024];
  ssize_t n = 1;
  for (guint i = 0; fd >= 0 && n > 0 && i < MAX_OUTPUT_PIECES; i++) {
    n = read(fd, buffer, sizeof buffer);
    if (n > 0)
      g_string_append_len(running->output, buffer, n);
    char *line = running->output->str;
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
      *end = '\0';
      if (!running->run->line(line, running->run->line_data, error))
        return FALSE;
    }
    g_string_erase(running->output, 0, line - running->output->str);
    if (running->output->len > MAX_LINE_BYTES) {
      error_set(error, CCH_ERROR_STORAGE_FAILED, "rclone: a line is too long");
      return FALSE;
    }
    if (n > 0)
      running->moved_us = g_get_monotonic_time();
  }
  return TRUE;
}

static gboolean
check_limits(Running *running, GError **error)
{
  gint64 now_us = g_get_monotonic_time();
  const RcloneRun *run = running->run;
  gint64 silence_s = RCLONE_SILENCE_S + (gint64)(run->total_bytes / RCLONE_SLOWEST_HASH_BYTES_S);
  if (run->progress != NULL || run->limit_s == 0) {
    guint64 done = bytes_carried(running->child);
    if (done != running->done_bytes) {
      running->moved_us = now_us;
      running->done_bytes = done;
      if (run->progress != NULL)
        run->progress(MIN(done, run->total_bytes), run->total_bytes, run->progress_data);
    }
  }
  if (run->limit_s > 0 && now_us > running->end_us)
    error_set(error, CCH_ERROR_STORAGE_AWAY, "no answer within %u s", run->limit_s);
  else if (run->limit_s == 0 && now_us - running->moved_us > silence_s * G_USEC_PER_SEC)
    error_set(error, CCH_ERROR_STORAGE_AWAY, "nothing has been carried for %" G_GINT64_FORMAT " s", silence_s);
  else
    return TRUE;
  return FALSE;
}

/* Waits until the run ends, is cancelled, or fails. */
static gboolean
follow(Running *running, GCancellable *cancellable, GError **error)
{
  int fd = child_process_stdout(running->child);
  if (fd >= 0)
    fcntl(fd, F_SETFL, O_NONBLOCK);
  for (;;) {
    gboolean has_ended = child_process_wait(running->child, fd >= 0 ? 0 : POLL_MS, NULL);
    if (!take_output(running, error))
      return FALSE;
    if (has_ended)
      return TRUE;
    if (error_if_cancelled(cancellable, error) || !check_limits(running, error))
      return FALSE;
    struct pollfd more = {.fd = fd, .events = POLLIN};
    if (fd >= 0 && poll(&more, 1, POLL_MS / 5) > 0 && (more.revents & POLLIN) == 0)
      child_process_wait(running->child, POLL_MS / 5, NULL); /* it has closed its output, and is about to end */
  }
}

gboolean
rclone_run(Rclone *rclone, const RcloneRun *run, int *ret_exit_code, GCancellable *cancellable, GError **error)
{
  if (ret_exit_code != NULL)
    *ret_exit_code = -1;
  if (error_if_cancelled(cancellable, error))
    return FALSE;
  g_autoptr(ChildProcess) child = spawn(rclone, run->args, run->stdin_fd, run->line != NULL, cancellable, error);
  if (child == NULL)
    return FALSE;
  g_autoptr(GString) output = g_string_new(NULL);
  gint64 now_us = g_get_monotonic_time();
  Running running = {.run = run,
                     .child = child,
                     .output = output,
                     .end_us = now_us + (gint64)run->limit_s * G_USEC_PER_SEC,
                     .moved_us = now_us};
  if (!follow(&running, cancellable, error)) {
    child_process_end(g_steal_pointer(&child), END_GRACE_MS);
    return FALSE;
  }
  int exit_code = 0;
  child_process_wait(child, -1, &exit_code);
  if (ret_exit_code != NULL)
    *ret_exit_code = exit_code;
  if (exit_code == 0)
    return TRUE;
  g_autofree char *complaint = child_process_stderr(child);
  if (exit_code > 128 && *complaint == '\0')
    error_set(error, CCH_ERROR_STORAGE_FAILED, "rclone was ended by signal %d", exit_code - 128);
  else
    rclone_set_error(rclone, exit_code, complaint, error);
  return FALSE;
}
