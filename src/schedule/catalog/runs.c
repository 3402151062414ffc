#include "schedule/catalog/runs.h"

#include "base/error.h"
#include "base/json.h"
#include "schedule/catalog/rows.h"
#include "schedule_sql.h"

#define MAX_LOG_LINES 200

void
run_clear(Run *run)
{
  g_clear_pointer(&run->kind, g_free);
  g_clear_pointer(&run->job_name, g_free);
  g_clear_pointer(&run->asked_by, g_free);
}

static const char *
id_or_null(const NumberText *id)
{
  return g_strcmp0(id->text, "0") != 0 ? id->text : NULL;
}

static PgResult *
insert_run(PgConnection *connection, const char *sql, const Run *run, GError **error)
{
  NumberText job = number_text(run->job_id), backup = number_text(run->backup_id);
  NumberText destination = number_text(run->destination_id);
  return pg_connection_query(connection, error, sql, 6, run->kind, id_or_null(&job), run->job_name, id_or_null(&backup),
                             id_or_null(&destination), run->asked_by);
}

gboolean
run_queue(PgConnection *connection, const Run *run, gint64 *ret_id, GError **error)
{
  g_autoptr(PgResult) result = insert_run(connection, schedule_run_queue_sql, run, error);
  if (result == NULL)
    return FALSE;
  if (ret_id != NULL)
    *ret_id = pg_result_int64(result, 0, 0);
  return TRUE;
}

static gboolean
claim_locked(PgConnection *connection, const char *runner, const char *id, Run *ret_run, gboolean *ret_found,
             GError **error)
{
  g_autoptr(PgResult) dead = pg_connection_query(connection, error, schedule_run_bury_sql, 2, G_STRINGIFY(RUN_DEAD_S),
                                                 G_STRINGIFY(RUN_MAX_TRIES));
  g_autoptr(PgResult) rows =
      dead != NULL ? pg_connection_query(connection, error, schedule_run_claim_sql, 2, runner, id) : NULL;
  if (rows == NULL)
    return FALSE;
  *ret_found = pg_result_rows(rows) > 0;
  if (*ret_found)
    *ret_run = (Run){.id = pg_result_int64(rows, 0, 0),
                     .kind = g_strdup(pg_result_text(rows, 0, 1)),
                     .job_id = pg_result_int64(rows, 0, 2),
                     .job_name = g_strdup(pg_result_text(rows, 0, 3)),
                     .backup_id = pg_result_int64(rows, 0, 4),
                     .destination_id = pg_result_int64(rows, 0, 5),
                     .asked_by = g_strdup(pg_result_text(rows, 0, 6)),
                     .tries = (guint)pg_result_int64(rows, 0, 7)};
  return TRUE;
}

/* Under this lock no two runners find at once that nothing is under way. */
static gboolean
begin_locked(PgConnection *connection, GError **error)
{
  return pg_connection_exec(
      connection, "BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('cch_data backup_runs'))", error);
}

/* Without a commit the run that was claimed is not ours. */
static gboolean
end_locked(PgConnection *connection, gboolean is_fine, Run *run, gboolean *found, GError **error)
{
  if (is_fine && pg_connection_exec(connection, "COMMIT", error))
    return TRUE;
  pg_connection_rollback(connection);
  run_clear(run);
  *found = FALSE;
  return FALSE;
}

gboolean
run_claim(PgConnection *connection, const char *runner, gint64 id, Run *ret_run, gboolean *ret_found, GError **error)
{
  NumberText number = number_text(id);
  *ret_found = FALSE;
  gboolean is_fine = begin_locked(connection, error) &&
                     claim_locked(connection, runner, id_or_null(&number), ret_run, ret_found, error);
  return end_locked(connection, is_fine, ret_run, ret_found, error);
}

gboolean
run_begin(PgConnection *connection, const char *runner, const Run *run, Run *ret_run, gboolean *ret_found,
          GError **error)
{
  *ret_found = FALSE;
  g_autoptr(PgResult) added =
      begin_locked(connection, error) ? insert_run(connection, schedule_run_insert_sql, run, error) : NULL;
  gboolean is_fine =
      added != NULL && claim_locked(connection, runner, pg_result_text(added, 0, 0), ret_run, ret_found, error);
  if (is_fine && !*ret_found) {
    pg_connection_rollback(connection); /* takes the new run back */
    return TRUE;
  }
  return end_locked(connection, is_fine, ret_run, ret_found, error);
}

gboolean
run_beat(PgConnection *connection, gint64 id, const char *runner, const json_t *progress, gboolean *ret_is_cancelled,
         GError **error)
{
  g_autofree char *text = json_to_text(progress);
  g_autoptr(PgResult) result =
      pg_connection_query(connection, error,
                          "UPDATE cch_data.backup_runs SET alive_at = now(), progress = coalesce($3::jsonb, progress)"
                          " WHERE id = $1 AND runner = $2 AND state = 'running' RETURNING is_cancelled",
                          3, number_text(id).text, runner, text);
  if (result == NULL)
    return FALSE;
  if (pg_result_rows(result) == 0) {
    error_set(error, CCH_ERROR_BACKUP_RUN_LOST, "run %" G_GINT64_FORMAT, id);
    return FALSE;
  }
  *ret_is_cancelled = pg_result_bool(result, 0, 0);
  return TRUE;
}

void
run_log(PgConnection *connection, gint64 id, const char *runner, const json_t *line)
{
  g_autofree char *text = json_to_text(line);
  g_autoptr(PgResult) result = pg_connection_query(
      connection, NULL,
      "UPDATE cch_data.backup_runs SET log = log || pg_catalog.jsonb_build_array($3::jsonb"
      " || pg_catalog.jsonb_build_object('at', " UTC_TEXT(
          "pg_catalog.clock_timestamp()") "))"
                                          " WHERE id = $1 AND runner = $2 AND pg_catalog.jsonb_array_length(log) "
                                          "< " G_STRINGIFY(MAX_LOG_LINES),
      3, number_text(id).text, runner, text);
}

gboolean
run_end(PgConnection *connection, gint64 id, const char *runner, const RunOutcome *outcome, GError **error)
{
  const GError *problem = outcome->problem;
  const char *state = problem == NULL ? "succeeded"
                      : error_code(problem) == CCH_ERROR_CANCELLED || error_code(problem) == CCH_ERROR_BACKUP_BUSY
                          ? "cancelled"
                          : "failed";
  g_autofree char *message = problem != NULL ? g_utf8_make_valid(problem->message, -1) : NULL;
  g_autoptr(PgResult) result = pg_connection_query(
      connection, error, schedule_run_end_sql, 9, number_text(id).text, runner, state,
      problem != NULL ? error_info(problem)->code : NULL, message, outcome->backup_name,
      number_text(outcome->bytes).text, number_text(outcome->rows).text, number_text(outcome->recovery_ms).text);
  if (result == NULL)
    return FALSE;
  if (pg_result_affected(result) > 0)
    return TRUE;
  error_set(error, CCH_ERROR_BACKUP_RUN_LOST, "run %" G_GINT64_FORMAT, id);
  return FALSE;
}

void
run_give_back(PgConnection *connection, gint64 id, const char *runner)
{
  g_autoptr(PgResult) result = pg_connection_query(
      connection, NULL,
      "UPDATE cch_data.backup_runs SET state = 'queued', tries = tries - 1, runner = NULL, progress = NULL"
      " WHERE id = $1 AND runner = $2 AND state = 'running' AND NOT is_cancelled",
      2, number_text(id).text, runner);
}

gboolean
run_cancel(PgConnection *connection, gint64 id, GError **error)
{
  NumberText number = number_text(id);
  g_autoptr(PgResult) result = pg_connection_query(connection, error, schedule_run_cancel_sql, 1, number.text);
  if (result == NULL)
    return FALSE;
  if (pg_result_affected(result) > 0)
    return TRUE;
  g_autofree char *state = NULL;
  if (!pg_connection_value(connection, &state, error, "SELECT state FROM cch_data.backup_runs WHERE id = $1", 1,
                           number.text))
    return FALSE;
  error_set(error, state != NULL ? CCH_ERROR_BACKUP_RUN_ENDED : CCH_ERROR_NOT_FOUND, "run %" G_GINT64_FORMAT ": %s", id,
            state != NULL ? state : "there is none");
  return FALSE;
}

char *
run_list(PgConnection *connection, const char *job_name, guint limit, GError **error)
{
  char *json = NULL;
  return pg_connection_value(connection, &json, error, schedule_run_list_sql, 3, job_name, number_text(limit).text,
                             NULL)
             ? json
             : NULL;
}

char *
run_show(PgConnection *connection, gint64 id, GError **error)
{
  g_autofree char *list = NULL;
  if (!pg_connection_value(connection, &list, error, schedule_run_list_sql, 3, NULL, "1", number_text(id).text))
    return NULL;
  g_autoptr(json_t) runs = json_loads(list, 0, NULL);
  if (json_array_size(runs) > 0)
    return json_to_text(json_array_get(runs, 0));
  error_set(error, CCH_ERROR_NOT_FOUND, "there is no run %" G_GINT64_FORMAT, id);
  return NULL;
}
