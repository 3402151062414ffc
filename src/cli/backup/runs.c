#include "base/error.h"
#include "base/json.h"
#include "base/random_id.h"
#include "base/text.h"
#include "cli/backup/state.h"
#include "cli/command/progress_bar.h"
#include "schedule/run/execute.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { LOOK_MS = 200 };

#define AWAY_US (60 * G_TIME_SPAN_SECOND)

/* A run that this process may execute. */
typedef struct {
  ExecuteOptions options;
  Run run;
  GCancellable *cancellable;
  GThread *thread; /* NULL: it does not execute it, or not yet */
} Execution;

static gpointer
execute_thread(gpointer data)
{
  Execution *execution = data;
  run_execute(&execution->options, &execution->run, execution->cancellable, NULL); /* its row has the outcome */
  return NULL;
}

static void
show_progress(ProgressBar *bar, const json_t *run)
{
  const json_t *progress = json_object_get(run, "progress");
  double done = (double)json_integer_value(json_object_get(progress, "done"));
  double total = (double)json_integer_value(json_object_get(progress, "total"));
  const ProgressState state = {.label = json_string_value(json_object_get(progress, "phase")),
                               .percent = total > 0 ? 100 * done / total : -1};
  progress_bar_update(bar, &state);
}

static json_t *
read_run(BackupCommand *command, gint64 id, GError **error)
{
  g_autoptr(PgConnection) connection = pg_pool_take(command->pool, "cch-data backup", NULL, error);
  g_autofree char *text = connection != NULL ? run_show(connection, id, error) : NULL;
  return text != NULL ? json_loads(text, 0, NULL) : NULL;
}

static gboolean
is_over(const json_t *run)
{
  return json_is_string(json_object_get(run, "endedAt"));
}

/* The run's own error, by its code. */
static gboolean
report_run(const BackupCommand *command, const json_t *run, GError **error)
{
  const char *state = json_string_value(json_object_get(run, "state"));
  const char *message = json_string_value(json_object_get(run, "message"));
  if (command->context->is_json) {
    g_autofree char *text = json_to_text(run);
    printf("%s\n", text);
  }
  if (strcmp(state, "succeeded") == 0) {
    const char *name = json_string_value(json_object_get(run, "backup"));
    if (!command->context->is_json && name != NULL) {
      g_autofree char *size = g_format_size((guint64)json_integer_value(json_object_get(run, "bytes")));
      printf("%s  %s\n", name, size);
    }
    return TRUE;
  }
  if (strcmp(state, "cancelled") == 0) {
    error_set_cancelled(error);
    return FALSE;
  }
  const char *code = json_string_value(json_object_get(run, "errorCode"));
  for (guint i = 0; code != NULL && i < CCH_ERROR_COUNT; i++)
    if (strcmp(error_info_of(i)->code, code) == 0) {
      error_set(error, i, "%s", message != NULL ? message : state);
      return FALSE;
    }
  error_set(error, CCH_ERROR_INTERNAL, "%s", message != NULL ? message : state);
  return FALSE;
}

/* While nobody has it, somebody must take it: this process, if no other run is under way. */
static gboolean
take_queued(BackupCommand *command, gint64 id, Execution *execution, GError **error)
{
  gboolean found = FALSE;
  g_autoptr(PgConnection) connection = pg_pool_take(command->pool, "cch-data backup", NULL, error);
  if (connection == NULL || !run_claim(connection, execution->options.runner, id, &execution->run, &found, error))
    return FALSE;
  if (found)
    execution->thread = g_thread_new("backup", execute_thread, execution);
  return TRUE;
}

static gboolean
cancel(BackupCommand *command, gint64 id, GError **error)
{
  g_autoptr(PgConnection) connection = pg_pool_take(command->pool, "cch-data backup", NULL, error);
  return connection != NULL && run_cancel(connection, id, error);
}

/* One look. `ret_run` is the run, which may have ended. */
static gboolean
look(BackupCommand *command, gint64 id, Execution *execution, gboolean *is_cancelled, json_t **ret_run, GError **error)
{
  g_autoptr(json_t) run = read_run(command, id, error);
  if (run == NULL)
    return FALSE;
  if (!is_over(run) && !*is_cancelled && g_cancellable_is_cancelled(command->context->cancellable)) {
    if (!cancel(command, id, error))
      return FALSE;
    *is_cancelled = TRUE;
  } else if (g_strcmp0(json_string_value(json_object_get(run, "state")), "queued") == 0 && execution->thread == NULL &&
             !take_queued(command, id, execution, error)) {
    return FALSE;
  }
  *ret_run = g_steal_pointer(&run);
  return TRUE;
}

/* Follows the run to its end, whoever executes it. A database that is away for a while, as during a swap, ends nothing.
 */
static gboolean
follow(BackupCommand *command, gint64 id, Execution *execution, GError **error)
{
  g_autoptr(ProgressBar) bar = progress_bar_new();
  gboolean is_cancelled = FALSE;
  gint64 seen_us = g_get_monotonic_time();
  for (;;) {
    g_autoptr(json_t) run = NULL;
    g_autoptr(GError) problem = NULL;
    if (look(command, id, execution, &is_cancelled, &run, &problem)) {
      seen_us = g_get_monotonic_time();
      if (is_over(run)) {
        g_clear_pointer(&bar, progress_bar_free);
        return report_run(command, run, error);
      }
      show_progress(bar, run);
    } else if (error_info(problem)->http_status != 503 || g_get_monotonic_time() - seen_us > AWAY_US) {
      g_propagate_error(error, g_steal_pointer(&problem));
      return FALSE;
    }
    g_usleep(LOOK_MS * 1000);
  }
}

/* With a secret key only this process can execute it, so it must begin at once. */
static gboolean
begin(PgConnection *connection, Run *run, Execution *execution, gint64 *ret_id, GError **error)
{
  gboolean found = FALSE;
  if (execution->options.identity == NULL)
    return run_queue(connection, run, ret_id, error);
  if (!run_begin(connection, execution->options.runner, run, &execution->run, &found, error))
    return FALSE;
  if (!found) {
    error_set(error, CCH_ERROR_LOCK_HELD, "another backup run is under way; see cch-data backup runs");
    return FALSE;
  }
  *ret_id = execution->run.id;
  execution->thread = g_thread_new("backup", execute_thread, execution);
  return TRUE;
}

gboolean
backup_command_run(BackupCommand *command, PgConnection *connection, Run *run, GError **error)
{
  const CliContext *context = command->context;
  g_autofree char *runner = random_id_new(16), *identity = NULL, *holder = cli_holder("backup");
  if (!backup_command_identity(command, &identity, error))
    return FALSE;
  Execution execution = {
      .options = {.config = context->config, .pool = command->pool, .runner = runner, .identity = identity},
      .cancellable = context->cancellable};
  gint64 id = 0;
  run->asked_by = holder;
  gboolean is_done = begin(connection, run, &execution, &id, error) && follow(command, id, &execution, error);
  g_clear_pointer(&execution.thread, g_thread_join);
  run_clear(&execution.run);
  if (identity != NULL)
    sodium_memzero(identity, strlen(identity));
  return is_done;
}

static gboolean
run_of_job(BackupCommand *command, const char *kind, GError **error)
{
  g_autoptr(PgConnection) connection = backup_command_connect(command, error);
  g_autoptr(CatalogJob) job =
      connection != NULL ? catalog_find_job_named(connection, command->operands[0], error) : NULL;
  if (job == NULL)
    return FALSE;
  Run run = {.kind = (char *)kind, .job_id = job->id, .job_name = job->name};
  return backup_command_run(command, connection, &run, error);
}

gboolean
backup_command_make(gpointer command, GError **error)
{
  return run_of_job(command, "backup", error);
}

/* What would go, and why the rest stays. */
static gboolean
show_prune(BackupCommand *command, GError **error)
{
  g_autoptr(PgConnection) connection = backup_command_connect(command, error);
  g_autoptr(CatalogJob) job =
      connection != NULL ? catalog_find_job_named(connection, command->operands[0], error) : NULL;
  for (guint i = 0; job != NULL && i < job->settings->destinations->len; i++) {
    g_autoptr(GPtrArray) backups =
        catalog_backups(connection, job->name, g_array_index(job->settings->destinations, gint64, i), error);
    if (backups == NULL)
      return FALSE;
    g_autofree RetentionVerdict *verdicts = catalog_judge(backups, job->settings, 0);
    for (guint j = 0; j < backups->len; j++) {
      const CatalogBackup *backup = backups->pdata[j];
      printf("%-4s  %s  %s\n", verdicts[j].is_kept ? "keep" : "go", backup->destination_name, backup->name);
    }
  }
  return job != NULL;
}

gboolean
backup_command_prune(gpointer data, GError **error)
{
  BackupCommand *command = data;
  return command->is_dry_run ? show_prune(command, error) : run_of_job(command, "prune", error);
}

/* The named backup, or the newest good one, of --job or of any. */
static gboolean
prove(BackupCommand *command, const char *kind, GError **error)
{
  g_autoptr(PgConnection) connection = backup_command_connect(command, error);
  if (connection == NULL)
    return FALSE;
  g_autoptr(GPtrArray) backups = catalog_backups(connection, command->job, 0, error);
  const char *name = command->operands[0];
  for (guint i = 0; backups != NULL && i < backups->len; i++) {
    CatalogBackup *backup = backups->pdata[i];
    if (name != NULL && strcmp(name, "latest") != 0 ? strcmp(name, backup->name) != 0 : !catalog_backup_is_good(backup))
      continue;
    Run run = {.kind = (char *)kind, .job_name = backup->job_name, .backup_id = backup->id};
    return backup_command_run(command, connection, &run, error);
  }
  if (backups != NULL)
    error_set(error, CCH_ERROR_BACKUP_NONE, "%s", name != NULL ? name : "latest");
  return FALSE;
}

gboolean
backup_command_verify(gpointer command, GError **error)
{
  return prove(command, "verify", error);
}

gboolean
backup_command_drill(gpointer command, GError **error)
{
  return prove(command, "drill", error);
}

gboolean
backup_command_cancel(gpointer data, GError **error)
{
  BackupCommand *command = data;
  guint64 id = 0;
  if (!g_ascii_string_to_unsigned(command->operands[0], 10, 1, G_MAXINT64, &id, NULL)) {
    error_set(error, CCH_ERROR_USAGE, "the number of a run, as cch-data backup runs shows it, not \"%s\"",
              command->operands[0]);
    return FALSE;
  }
  g_autoptr(PgConnection) connection = backup_command_connect(command, error);
  return connection != NULL && run_cancel(connection, (gint64)id, error);
}

gboolean
backup_command_runs(gpointer data, GError **error)
{
  BackupCommand *command = data;
  g_autoptr(PgConnection) connection = backup_command_connect(command, error);
  g_autofree char *text = connection != NULL ? run_list(connection, command->job, 50, error) : NULL;
  if (text == NULL)
    return FALSE;
  if (command->context->is_json) {
    printf("{\"runs\":%s}\n", text);
    return TRUE;
  }
  g_autoptr(json_t) runs = json_loads(text, 0, NULL);
  gsize i;
  const json_t *run;
  json_array_foreach(runs, i, run) {
    const char *job = json_string_value(json_object_get(run, "job"));
    const char *message = json_string_value(json_object_get(run, "message"));
    g_autofree char *visible = text_visible(message != NULL ? message : "");
    printf("%6" JSON_INTEGER_FORMAT "  %s  %-6s  %-16s  %-9s  %s\n", json_integer_value(json_object_get(run, "id")),
           json_string_value(json_object_get(run, "createdAt")), json_string_value(json_object_get(run, "kind")),
           job != NULL ? job : "-", json_string_value(json_object_get(run, "state")), visible);
  }
  return TRUE;
}
