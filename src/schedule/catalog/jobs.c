#include "schedule/catalog/catalog.h"

#include "base/error.h"
#include "schedule/catalog/rows.h"
#include "schedule_sql.h"

#define EPOCH(time) "floor(extract(epoch FROM " time "))::bigint"
#define JOB_SELECT                                                                                                     \
  "SELECT id, name, is_enabled, is_offered, settings, " EPOCH("handled_at") ", " EPOCH("next_at") ", " EPOCH(          \
      "created_at") ", (SELECT " EPOCH("max(b.made_at)") " FROM cch_data.backups AS b"                                 \
                                                         " WHERE b.job_name = j.name AND b.state IN ('stored', "       \
                                                         "'proven')) FROM cch_data.backup_jobs AS j "

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
  job->created_s = pg_result_int64(rows, row, 7);
  job->good_s = pg_result_int64(rows, row, 8);
  g_autoptr(json_t) settings = json_loads(pg_result_text(rows, row, 4), 0, NULL);
  job->settings = job_settings_parse(settings, error);
  if (job->settings == NULL) {
    g_prefix_error(error, "job %s: ", job->name);
    return NULL;
  }
  return g_steal_pointer(&job);
}

GPtrArray *
catalog_jobs(PgConnection *connection, GError **error)
{
  g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func((GDestroyNotify)catalog_job_free);
  g_autoptr(PgResult) rows = pg_connection_query(connection, error, JOB_SELECT "ORDER BY name", 0);
  if (rows == NULL)
    return NULL;
  for (guint row = 0; row < pg_result_rows(rows); row++) {
    CatalogJob *job = read_job(rows, row, error);
    if (job == NULL)
      return NULL;
    g_ptr_array_add(jobs, job);
  }
  return g_steal_pointer(&jobs);
}

static CatalogJob *
find_job(PgConnection *connection, const char *where, const char *value, GError **error)
{
  g_autofree char *sql = g_strconcat(JOB_SELECT, where, NULL);
  g_autoptr(PgResult) rows = pg_connection_query(connection, error, sql, 1, value);
  if (rows != NULL && pg_result_rows(rows) > 0)
    return read_job(rows, 0, error);
  if (rows != NULL)
    error_set(error, CCH_ERROR_NOT_FOUND, "there is no job %.64s", value);
  return NULL;
}

CatalogJob *
catalog_find_job(PgConnection *connection, gint64 id, GError **error)
{
  return find_job(connection, "WHERE id = $1", number_text(id).text, error);
}

CatalogJob *
catalog_find_job_named(PgConnection *connection, const char *name, GError **error)
{
  return find_job(connection, "WHERE name = $1", name, error);
}

static char *
settings_text(const JobSettings *settings)
{
  g_autoptr(json_t) object = job_settings_to_json(settings);
  return json_to_text(object);
}

/* The ids as an array, if all of them exist. */
static char *
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
    return NULL;
  if (missing != NULL) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "destinations: there is none with the id %s", missing);
    return NULL;
  }
  return g_string_free(g_steal_pointer(&ids), FALSE);
}

gboolean
catalog_add_job(PgConnection *connection, const char *name, gboolean is_enabled, const JobSettings *settings,
                gint64 *ret_id, GError **error)
{
  g_autofree char *destinations = check_destinations(connection, settings, error);
  if (destinations == NULL)
    return FALSE;
  g_autofree char *text = settings_text(settings);
  GError *failure = NULL;
  g_autoptr(PgResult) result =
      pg_connection_query(connection, &failure,
                          "INSERT INTO cch_data.backup_jobs (name, is_enabled, settings) VALUES ($1, $2, $3)"
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
  g_autofree char *destinations = check_destinations(connection, settings, error);
  if (destinations == NULL)
    return FALSE;
  g_autofree char *text = settings_text(settings);
  g_autoptr(PgResult) result = pg_connection_query(connection, error, schedule_change_job_sql, 3, number_text(id).text,
                                                   is_enabled ? "t" : "f", text);
  return found_row(result, "job", error);
}

gboolean
catalog_delete_job(PgConnection *connection, gint64 id, GError **error)
{
  g_autoptr(PgResult) result =
      pg_connection_query(connection, error, "DELETE FROM cch_data.backup_jobs WHERE id = $1", 1, number_text(id).text);
  return found_row(result, "job", error);
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
