#include "schedule/run/execute.h"

#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"
#include "schedule/run/steps.h"

#include <string.h>

enum { PAUSE_FACTOR = 4, MAX_PAUSE_S = 3600, RUN_LIMIT_S = 24 * 3600, END_TRIES = 20, END_PAUSE_MS = 3000 };

/* Trying again would give the same answer. */
static gboolean
is_final(const GError *problem)
{
  switch (error_code(problem)) {
  case CCH_ERROR_CANCELLED:
  case CCH_ERROR_NOT_FOUND:
  case CCH_ERROR_REQUEST_PARAMETER:
  case CCH_ERROR_STORAGE_SETTINGS:
  case CCH_ERROR_STORAGE_TOOL_MISSING:
  case CCH_ERROR_SECRET_KEY_LOST:
  case CCH_ERROR_AGE_RECIPIENT:
  case CCH_ERROR_EXPORT_PG_DUMP:
    return TRUE;
  default:
    return FALSE;
  }
}

/* After the failure of the `n`th try: waits, and returns TRUE for another one; or returns FALSE with the problem as the
 * error, or CANCELLED. Takes the problem. */
static gboolean
try_again(RunWork *work, const CatalogJob *job, guint n, GError *problem, GError **error)
{
  if (n >= job->settings->tries || is_final(problem)) {
    g_propagate_error(error, problem);
    return FALSE;
  }
  guint pause_s = (guint)work->config->backup_retry_pause_s;
  for (guint i = 1; i < n; i++)
    pause_s = MIN(pause_s * PAUSE_FACTOR, MAX_PAUSE_S);
  json_t *details = run_work_problem(problem);
  g_error_free(problem);
  json_object_update_new(details, json_pack("{s:i, s:i}", "try", (int)n, "nextInSeconds", (int)pause_s));
  run_work_log(work, "try_failed", details);
  run_work_progress(work, "pause", 0, 0);
  return sleep_ms(pause_s * 1000, work->cancellable, error);
}

static gboolean
is_drill_due(RunWork *work, const CatalogJob *job, gboolean *ret_is_due, GError **error)
{
  g_autoptr(PgConnection) connection = run_work_connect(work, error);
  return connection != NULL &&
         catalog_is_proof_due(connection, job->name, 0, job->settings->drill_days, ret_is_due, error);
}

static gboolean
make_with_tries(RunWork *work, const CatalogJob *job, MadeBackup *made, GError **error)
{
  gboolean has_drill = FALSE;
  if (!is_drill_due(work, job, &has_drill, error))
    return FALSE;
  for (guint n = 1;; n++) {
    GError *problem = NULL;
    if (make_backup(work, job, has_drill, made, &problem))
      return TRUE;
    if (!try_again(work, job, n, problem, error))
      return FALSE;
  }
}

static gboolean
keep_with_tries(RunWork *work, const CatalogJob *job, gint64 destination_id, const MadeBackup *made, GError **error)
{
  for (guint n = 1;; n++) {
    GError *problem = NULL;
    if (keep_backup(work, job, destination_id, made, &problem))
      return TRUE;
    if (!try_again(work, job, n, problem, error))
      return FALSE;
  }
}

static gboolean
queue_proof(PgConnection *connection, const char *kind, const CatalogJob *job, gint64 destination_id, GError **error)
{
  Run run = {.kind = (char *)kind, .job_id = job->id, .job_name = job->name, .asked_by = (char *)"schedule"};
  if (!catalog_newest_good(connection, job->name, destination_id, &run.backup_id, error))
    return FALSE;
  return run.backup_id == 0 || run_queue(connection, &run, NULL, error);
}

/* An encrypted backup is restored for a trial before its encryption. */
static gboolean
queue_proofs(RunWork *work, const CatalogJob *job, GError **error)
{
  g_autoptr(PgConnection) connection = run_work_connect(work, error);
  if (connection == NULL)
    return FALSE;
  gboolean is_due = FALSE;
  for (guint i = 0; i < job->settings->destinations->len; i++) {
    gint64 destination = g_array_index(job->settings->destinations, gint64, i);
    if (!catalog_is_proof_due(connection, job->name, destination, job->settings->verify_days, &is_due, error) ||
        (is_due && !queue_proof(connection, "verify", job, destination, error)))
      return FALSE;
  }
  if (*job->settings->recipients != NULL)
    return TRUE;
  return catalog_is_proof_due(connection, job->name, 0, job->settings->drill_days, &is_due, error) &&
         (!is_due || queue_proof(connection, "drill", job, 0, error));
}

/* Ignores problems that are not the destination's, such as an unreachable database. */
static void
tell_destination(RunWork *work, gint64 id, const GError *problem)
{
  if (problem != NULL && !g_str_has_prefix(error_info(problem)->code, "storage."))
    return;
  g_autoptr(PgConnection) connection = run_work_connect(work, NULL);
  g_autoptr(CatalogDestination) destination =
      connection != NULL ? catalog_find_destination(connection, id, NULL) : NULL;
  g_clear_pointer(&connection, pg_connection_free);
  if (destination != NULL)
    run_work_tell(work, NOTIFY_DESTINATION_AWAY, "destination", destination->name, problem);
}

/* Every destination gets its try; the first failure is the run's. */
static gboolean
keep_everywhere(RunWork *work, const CatalogJob *job, const MadeBackup *made, GError **error)
{
  g_autoptr(GError) first = NULL;
  for (guint i = 0; i < job->settings->destinations->len; i++) {
    gint64 destination = g_array_index(job->settings->destinations, gint64, i);
    g_autoptr(GError) problem = NULL;
    guint deleted = 0;
    if (keep_with_tries(work, job, destination, made, &problem))
      prune_destination(work, job, destination, made->name, &deleted, &problem);
    tell_destination(work, destination, problem);
    if (problem == NULL)
      continue;
    json_t *details = run_work_problem(problem);
    json_object_set_new(details, "destinationId", json_integer(destination));
    run_work_log(work, "destination_failed", details);
    if (first == NULL)
      first = g_steal_pointer(&problem);
    if (error_code(first) == CCH_ERROR_CANCELLED)
      break;
  }
  if (first == NULL)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&first));
  return FALSE;
}

static CatalogJob *
find_job(RunWork *work, GError **error)
{
  g_autoptr(PgConnection) connection = run_work_connect(work, error);
  return connection != NULL ? catalog_find_job(connection, work->run.job_id, error) : NULL;
}

static gboolean
execute_backup(RunWork *work, RunOutcome *outcome, char **ret_name, GError **error)
{
  g_autoptr(CatalogJob) job = find_job(work, error);
  g_auto(MadeBackup) made = {0};
  if (job == NULL)
    return FALSE;
  run_work_limit(work, job->settings->limit_s);
  if (!make_with_tries(work, job, &made, error))
    return FALSE;
  RowTotals totals = manifest_totals(made.manifest);
  *ret_name = g_strdup(made.name);
  outcome->bytes = (gint64)made.bytes;
  outcome->rows = (gint64)totals.rows;
  outcome->recovery_ms = made.recovery_ms;
  return keep_everywhere(work, job, &made, error) && queue_proofs(work, job, error);
}

static CatalogBackup *
find_backup(RunWork *work, GError **error)
{
  gint64 id = work->run.backup_id;
  g_autoptr(PgConnection) connection = run_work_connect(work, error);
  if (connection == NULL ||
      (id == 0 && !catalog_newest_good(connection, work->run.job_name, work->run.destination_id, &id, error)))
    return NULL;
  if (id != 0)
    return catalog_find_backup(connection, id, error);
  error_set(error, CCH_ERROR_BACKUP_NONE, "job %s has no good backup", work->run.job_name);
  return NULL;
}

static gboolean
execute_proof(RunWork *work, const char *identity, RunOutcome *outcome, char **ret_name, GError **error)
{
  const char *proof = NULL;
  g_autoptr(CatalogBackup) backup = find_backup(work, error);
  if (backup == NULL)
    return FALSE;
  *ret_name = g_strdup(backup->name);
  outcome->bytes = (gint64)backup->bytes;
  outcome->rows = backup->row_count;
  gboolean is_drill = strcmp(work->run.kind, "drill") == 0;
  if (!prove_backup(work, backup, is_drill, identity, &proof, &outcome->recovery_ms, error))
    return FALSE;
  run_work_log(
      work, "proven",
      json_pack("{s:s, s:s, s:s}", "proof", proof, "name", backup->name, "destination", backup->destination_name));
  return TRUE;
}

static gboolean
execute_prune(RunWork *work, GError **error)
{
  g_autoptr(CatalogJob) job = find_job(work, error);
  for (guint i = 0; job != NULL && i < job->settings->destinations->len; i++) {
    guint deleted = 0;
    if (!prune_destination(work, job, g_array_index(job->settings->destinations, gint64, i), NULL, &deleted, error))
      return FALSE;
  }
  return job != NULL;
}

static gboolean
execute_scan(RunWork *work, GError **error)
{
  guint found = 0;
  g_autoptr(PgConnection) connection = run_work_connect(work, error);
  g_autoptr(CatalogDestination) destination =
      connection != NULL ? catalog_find_destination(connection, work->run.destination_id, error) : NULL;
  g_clear_pointer(&connection, pg_connection_free);
  g_autoptr(Storage) storage =
      destination != NULL ? catalog_open_destination(destination, work->config->data_dir, error) : NULL;
  if (storage == NULL || !scan_destination(work, destination, storage, NULL, NULL, &found, error))
    return FALSE;
  run_work_log(work, "scanned", json_pack("{s:s, s:i}", "destination", destination->name, "found", (int)found));
  return TRUE;
}

/* The end is recorded even if the database is away for a while. */
static void
record_end(RunWork *work, RunOutcome *outcome, const char *name)
{
  outcome->backup_name = name;
  for (guint n = 0; n < END_TRIES; n++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(PgConnection) connection = run_work_connect(work, &error);
    if (connection != NULL && run_end(connection, work->run.id, work->runner, outcome, &error))
      return;
    if (error_code(error) == CCH_ERROR_BACKUP_RUN_LOST || !sleep_ms(END_PAUSE_MS, work->outer, NULL))
      return;
  }
}

/* That a backup was made is an event for those who want it; everything else is a state. */
static void
tell_success(RunWork *work, const RunOutcome *outcome, gint64 start_us)
{
  g_autoptr(PgConnection) connection = run_work_connect(work, NULL);
  if (connection == NULL)
    return;
  g_autofree char *subject = g_strconcat("job:", work->run.job_name, NULL);
  g_autoptr(json_t) details = json_pack("{s:s, s:s*, s:I, s:I}", "name", work->run.job_name, "backup",
                                        outcome->backup_name, "bytes", (json_int_t)MAX(outcome->bytes, 0), "durationMs",
                                        (json_int_t)((g_get_monotonic_time() - start_us) / 1000));
  notify_state(work->notify, connection, subject, NOTIFY_BACKUP_SUCCEEDED, FALSE, details, NULL);
}

static void
tell_end(RunWork *work, const RunOutcome *outcome, gint64 start_us)
{
  const char *kind = work->run.kind, *job = work->run.job_name;
  gboolean is_put_off = outcome->problem != NULL && error_code(outcome->problem) == CCH_ERROR_BACKUP_BUSY;
  if (job == NULL || is_put_off)
    return;
  if (strcmp(kind, "backup") != 0) {
    run_work_tell(work, strcmp(kind, "drill") == 0 ? NOTIFY_DRILL_FAILED : NOTIFY_VERIFY_FAILED, kind, job,
                  outcome->problem);
    return;
  }
  run_work_tell(work, NOTIFY_BACKUP_FAILED, "job", job, outcome->problem);
  if (outcome->problem == NULL)
    tell_success(work, outcome, start_us);
}

static void
log_end(const RunWork *work, const RunOutcome *outcome, gint64 start_us)
{
  char seconds[24];
  g_snprintf(seconds, sizeof seconds, "%.1f", (double)(g_get_monotonic_time() - start_us) / G_USEC_PER_SEC);
  log_event(outcome->problem == NULL ? LOG_INFO : LOG_WARNING,
            outcome->problem == NULL ? "backup run succeeded" : "backup run failed", "kind", work->run.kind, "job",
            work->run.job_name, "backup", outcome->backup_name, "seconds", seconds, "code",
            outcome->problem != NULL ? error_info(outcome->problem)->code : NULL, "reason",
            outcome->problem != NULL ? outcome->problem->message : NULL, NULL);
}

/* A run that could not begin, for instance because the disk is full. */
static void
record_no_begin(const ExecuteOptions *options, gint64 id, const char *job, const GError *problem)
{
  const RunOutcome outcome = {.problem = problem, .bytes = -1, .rows = -1, .recovery_ms = -1};
  RunWork work = {.pool = options->pool, .notify = options->notify};
  g_autoptr(PgConnection) connection = run_work_connect(&work, NULL);
  if (connection != NULL)
    run_end(connection, id, options->runner, &outcome, NULL);
  if (job != NULL)
    run_work_tell(&work, NOTIFY_BACKUP_FAILED, "job", job, problem);
  log_event(LOG_WARNING, "backup run did not begin", "code", error_info(problem)->code, "reason", problem->message,
            NULL);
}

gboolean
run_execute(const ExecuteOptions *options, Run *run, GCancellable *cancellable, GError **error)
{
  gint64 start_us = g_get_monotonic_time();
  g_autofree char *name = NULL;
  g_autoptr(GError) problem = NULL;
  RunOutcome outcome = {.bytes = -1, .rows = -1, .recovery_ms = -1};
  gint64 id = run->id;
  g_autofree char *job = g_strdup(run->job_name);
  g_autoptr(RunWork) work = run_work_new(options->config, options->pool, options->runner, run, cancellable, &problem);
  if (work == NULL) {
    record_no_begin(options, id, job, problem);
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
  }
  run_work_limit(work, RUN_LIMIT_S); /* a job has its own */
  work->notify = options->notify;
  const char *kind = work->run.kind;
  gboolean is_done = strcmp(kind, "backup") == 0  ? execute_backup(work, &outcome, &name, &problem)
                     : strcmp(kind, "prune") == 0 ? execute_prune(work, &problem)
                     : strcmp(kind, "scan") == 0  ? execute_scan(work, &problem)
                                                  : execute_proof(work, options->identity, &outcome, &name, &problem);
  if (!is_done)
    run_work_explain(work, &problem);
  outcome.problem = problem;
  if (options->gives_back && !is_done && g_cancellable_is_cancelled(cancellable)) {
    g_autoptr(PgConnection) connection = run_work_connect(work, NULL);
    if (connection != NULL)
      run_give_back(connection, work->run.id, work->runner);
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
  }
  record_end(work, &outcome, name);
  tell_end(work, &outcome, start_us);
  log_end(work, &outcome, start_us);
  if (!is_done)
    g_propagate_error(error, g_steal_pointer(&problem));
  return is_done;
}
