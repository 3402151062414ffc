#include "schedule/catalog/catalog.h"

#include "base/error.h"
#include "schedule/catalog/rows.h"
#include "schedule_sql.h"

void
catalog_job_free(CatalogJob *job)
{
  if (job == NULL)
    return;
  g_free(job->name);
  job_settings_free(job->settings);
  g_free(job);
}

static CatalogJob *
read_job(const PgResult *rows, guint row, GError **error)
{
  g_autoptr(CatalogJob) job = g_new0(CatalogJob, 1);
  job->id = pg_result_int64(rows, row, 0);
  job->name = g_strdup(pg_result_text(rows, row, 1));
  job->is_enabled = pg_result_bool(rows, row, 2);
  job->is_offered = pg_result_bool(rows, row, 3);
  job->handled_s = pg_result_int64(rows, row, 5);
  job->next_s = pg_result_int64(rows, row, 6);
  job->owes_s = pg_result_int64(rows, row, 7);
  job->good_s = pg_result_int64(rows, row, 8);
  job->has_died = pg_result_bool(rows, row, 9);
  g_autoptr(json_t) settings = json_loads(pg_result_text(rows, row, 4), 0, NULL);
  job->settings = job_settings_parse(settings, error);
  if (job->settings == NULL) {
    g_prefix_error(error, "job %s: ", job->name);
    return NULL;
  }
  return g_steal_pointer(&job);
}

GPtrArray *
catalog_jobs(PgConnection *connection, GError **ret_unreadable, GError **error)
{
  g_autoptr(PgResult) rows = pg_connection_query(connection, error, schedule_jobs_sql, 2, NULL, NULL);
  if (rows == NULL)
    return NULL;
  GPtrArray *jobs = g_ptr_array_new_with_free_func((GDestroyNotify)catalog_job_free);
  for (guint row = 0; row < pg_result_rows(rows); row++) {
    GError **problem = ret_unreadable != NULL && *ret_unreadable == NULL ? ret_unreadable : NULL;
    CatalogJob *job = read_job(rows, row, problem);
    if (job != NULL)
      g_ptr_array_add(jobs, job);
  }
  return jobs;
}

static CatalogJob *
find_job(PgConnection *connection, const char *id, const char *name, GError **error)
{
  g_autoptr(PgResult) rows = pg_connection_query(connection, error, schedule_jobs_sql, 2, id, name);
  if (rows != NULL && pg_result_rows(rows) > 0)
    return read_job(rows, 0, error);
  if (rows != NULL)
    error_set(error, CCH_ERROR_NOT_FOUND, "there is no job %.64s", id != NULL ? id : name);
  return NULL;
}

CatalogJob *
catalog_find_job(PgConnection *connection, gint64 id, GError **error)
{
  return find_job(connection, number_text(id).text, NULL, error);
}

CatalogJob *
catalog_find_job_named(PgConnection *connection, const char *name, GError **error)
{
  return find_job(connection, NULL, name, error);
}

static char *
settings_text(const JobSettings *settings)
{
  g_autoptr(json_t) object = job_settings_to_json(settings);
  return json_to_text(object);
}

static gboolean
check_destinations(PgConnection *connection, const JobSettings *settings, GError **error)
{
  g_autoptr(GString) ids = g_string_new("{");
  for (guint i = 0; i < settings->destinations->len; i++)
    g_string_append_printf(ids, "%s%" G_GINT64_FORMAT, i > 0 ? "," : "",
                           g_array_index(settings->destinations, gint64, i));
  g_string_append_c(ids, '}');
  g_autofree char *missing = NULL;
  if (!pg_connection_value(connection, &missing, error,
                           "SELECT id FROM pg_catalog.unnest($1::bigint[]) AS id"
                           " WHERE id NOT IN (SELECT d.id FROM cch_data.backup_destinations AS d) LIMIT 1",
                           1, ids->str))
    return FALSE;
  if (missing != NULL)
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "destinations: there is none with the id %s", missing);
  return missing == NULL;
}

gboolean
catalog_add_job(PgConnection *connection, const char *name, gboolean is_enabled, const JobSettings *settings,
                gint64 *ret_id, GError **error)
{
  if (!check_destinations(connection, settings, error))
    return FALSE;
  g_autofree char *text = settings_text(settings);
  GError *failure = NULL;
  g_autoptr(PgResult) result =
      pg_connection_query(connection, &failure,
                          "INSERT INTO cch_data.backup_jobs (name, is_enabled, settings, enabled_at)"
                          " VALUES ($1, $2, $3, CASE WHEN $2::boolean THEN now() END)"
                          " RETURNING id",
                          3, name, is_enabled ? "t" : "f", text);
  if (result == NULL) {
    explain_taken(name, failure, error);
    return FALSE;
  }
  *ret_id = pg_result_int64(result, 0, 0);
  return TRUE;
}

gboolean
catalog_change_job(PgConnection *connection, gint64 id, gboolean is_enabled, const JobSettings *settings,
                   GError **error)
{
  if (!check_destinations(connection, settings, error))
    return FALSE;
  g_autofree char *text = settings_text(settings);
  g_autoptr(PgResult) result = pg_connection_query(connection, error, schedule_change_job_sql, 3, number_text(id).text,
                                                   is_enabled ? "t" : "f", text);
  return found_row(result, "job", error);
}

gboolean
catalog_delete_job(PgConnection *connection, gint64 id, char **ret_name, GError **error)
{
  g_autoptr(PgResult) result = pg_connection_query(
      connection, error, "DELETE FROM cch_data.backup_jobs WHERE id = $1 RETURNING name", 1, number_text(id).text);
  if (!found_row(result, "job", error))
    return FALSE;
  *ret_name = g_strdup(pg_result_text(result, 0, 0));
  return TRUE;
}

gboolean
catalog_accept_offers(PgConnection *connection, GError **error)
{
  return pg_connection_exec(connection, schedule_offered_on_sql, error);
}

gboolean
catalog_note_due(PgConnection *connection, const CatalogJob *job, gint64 until_s, gint64 next_s, gboolean *ret_is_first,
                 GError **error)
{
  g_autoptr(PgResult) result = pg_connection_query(
      connection, error,
      "UPDATE cch_data.backup_jobs SET handled_at = pg_catalog.to_timestamp($3::float8),"
      " next_at = pg_catalog.to_timestamp($4::float8)"
      " WHERE id = $1 AND is_enabled AND floor(extract(epoch FROM handled_at))::bigint = $2::bigint",
      4, number_text(job->id).text, number_text(job->handled_s).text, number_text(until_s).text,
      number_text(next_s).text);
  if (result == NULL)
    return FALSE;
  *ret_is_first = pg_result_affected(result) > 0;
  return TRUE;
}
