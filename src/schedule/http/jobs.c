#include "schedule/http/context.h"
#include "schedule/http/endpoints.h"

#include "backup/export/export.h"
#include "base/error.h"
#include "storage/age.h"

#define JOBS "/api/admin/backup-jobs"

enum { N_NEXT_TIMES = 5 };

static json_t *
next_times(const JobSettings *settings)
{
  json_t *times = json_array();
  gint64 time_s = g_get_real_time() / G_USEC_PER_SEC;
  for (guint i = 0; i < N_NEXT_TIMES && (time_s = cron_next(settings->cron, time_s)) >= 0; i++)
    json_array_append_new(times, schedule_http_time(time_s));
  return times;
}

static json_t *
job_to_json(const CatalogJob *job)
{
  return json_pack("{s:I, s:s, s:b, s:b, s:o, s:o, s:o}", "id", (json_int_t)job->id, "name", job->name, "isEnabled",
                   job->is_enabled, "isOffered", job->is_offered, "settings", job_settings_to_json(job->settings),
                   "nextTimes", next_times(job->settings), "lastGoodAt", schedule_http_time(job->good_s));
}

static HttpResponse *
list_jobs(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(PgConnection) connection = schedule_http_connect(request, context, error);
  g_autoptr(GPtrArray) jobs = connection != NULL ? catalog_jobs(connection, NULL, error) : NULL;
  if (jobs == NULL)
    return NULL;
  json_t *list = json_array();
  for (guint i = 0; i < jobs->len; i++)
    json_array_append_new(list, job_to_json(jobs->pdata[i]));
  return http_response_json(200, json_pack("{s:o}", "jobs", list));
}

static gboolean
check_body(const json_t *body, const char *const *members, GError **error)
{
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)body, key, value)
    if (!g_strv_contains(members, key)) {
      error_set(error, CCH_ERROR_REQUEST_PARAMETER, "unknown member \"%.64s\"", key);
      return FALSE;
    }
  const json_t *is_enabled = json_object_get(body, "isEnabled");
  if (is_enabled == NULL || json_is_boolean(is_enabled))
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "isEnabled: true or false");
  return FALSE;
}

/* age is asked whether these are keys. */
static JobSettings *
parse_settings(const json_t *object, GError **error)
{
  g_autoptr(JobSettings) settings = job_settings_parse(object, error);
  for (char **recipient = settings != NULL ? settings->recipients : NULL; recipient != NULL && *recipient != NULL;
       recipient++)
    if (!age_recipient_check(*recipient, error))
      return NULL;
  return g_steal_pointer(&settings);
}

static HttpResponse *
answer_job(HttpRequest *request, PgConnection *connection, gint64 id, guint status, const char *type, GError **error)
{
  g_autoptr(CatalogJob) job = catalog_find_job(connection, id, error);
  if (job == NULL)
    return NULL;
  json_t *json = job_to_json(job);
  schedule_http_audit(request, connection, type, job->name, json_incref(json));
  return http_response_json(status, json);
}

static HttpResponse *
add_job(HttpRequest *request, gpointer context, GError **error)
{
  static const char *const members[] = {"name", "isEnabled", "settings", NULL};
  const ScheduleHttp *http = context;
  json_t *body = http_request_json(request, error);
  if (body == NULL || !check_body(body, members, error))
    return NULL;
  const char *name = json_string_value(json_object_get(body, "name"));
  if (!job_name_check(name != NULL ? name : "", error))
    return NULL;
  const json_t *given = json_object_get(body, "settings"), *is_enabled = json_object_get(body, "isEnabled");
  g_autoptr(JobSettings) settings = parse_settings(given, error);
  g_autoptr(PgConnection) connection = settings != NULL ? schedule_http_connect(request, http, error) : NULL;
  gint64 id = 0;
  if (connection == NULL || !backup_export_check_tables(connection, settings->excluded_tables, error) ||
      !catalog_add_job(connection, name, is_enabled == NULL || json_is_true(is_enabled), settings, &id, error))
    return NULL;
  scheduler_wake(http->scheduler);
  return answer_job(request, connection, id, 201, "backup.job_create", error);
}

/* Members of the settings that are not given stay. */
static HttpResponse *
change_job(HttpRequest *request, gpointer context, GError **error)
{
  static const char *const members[] = {"isEnabled", "settings", NULL};
  const ScheduleHttp *http = context;
  gint64 id = 0;
  json_t *body = http_request_json(request, error);
  if (body == NULL || !check_body(body, members, error) || !schedule_http_id(request, &id, error))
    return NULL;
  g_autoptr(PgConnection) connection = schedule_http_connect(request, http, error);
  g_autoptr(CatalogJob) job = connection != NULL ? catalog_find_job(connection, id, error) : NULL;
  if (job == NULL)
    return NULL;
  g_autoptr(json_t) merged = job_settings_to_json(job->settings);
  json_t *given = json_object_get(body, "settings");
  if (given != NULL && json_object_update(merged, given) != 0) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "settings: an object");
    return NULL;
  }
  const json_t *is_enabled = json_object_get(body, "isEnabled");
  g_autoptr(JobSettings) settings = parse_settings(merged, error);
  /* A table that is gone since keeps nobody from changing something else. */
  gboolean has_tables = settings != NULL && !g_strv_equal((const char *const *)settings->excluded_tables,
                                                          (const char *const *)job->settings->excluded_tables);
  if (settings == NULL || (has_tables && !backup_export_check_tables(connection, settings->excluded_tables, error)) ||
      !catalog_change_job(connection, id, is_enabled != NULL ? json_is_true(is_enabled) : job->is_enabled, settings,
                          error))
    return NULL;
  scheduler_wake(http->scheduler);
  return answer_job(request, connection, id, 200, "backup.job_update", error);
}

static HttpResponse *
delete_job(HttpRequest *request, gpointer context, GError **error)
{
  gint64 id = 0;
  if (!schedule_http_id(request, &id, error))
    return NULL;
  g_autoptr(PgConnection) connection = schedule_http_connect(request, context, error);
  g_autofree char *name = NULL;
  if (connection == NULL || !catalog_delete_job(connection, id, &name, error))
    return NULL;
  schedule_http_audit(request, connection, "backup.job_delete", name, NULL);
  return http_response_empty(204);
}

/* What settings mean, without keeping them. */
static HttpResponse *
check_job(HttpRequest *request, gpointer context, GError **error)
{
  (void)context;
  json_t *body = http_request_json(request, error);
  g_autoptr(JobSettings) settings = body != NULL ? parse_settings(body, error) : NULL;
  if (settings == NULL)
    return NULL;
  return http_response_json(
      200, json_pack("{s:o, s:o}", "settings", job_settings_to_json(settings), "nextTimes", next_times(settings)));
}

static HttpResponse *
queue_for_job(HttpRequest *request, const ScheduleHttp *http, const char *kind, GError **error)
{
  gint64 id = 0;
  if (!schedule_http_id(request, &id, error))
    return NULL;
  g_autoptr(PgConnection) connection = schedule_http_connect(request, http, error);
  g_autoptr(CatalogJob) job = connection != NULL ? catalog_find_job(connection, id, error) : NULL;
  if (job == NULL)
    return NULL;
  Run run = {.kind = (char *)kind, .job_id = id, .job_name = job->name};
  return schedule_http_queue(request, http, connection, &run, error);
}

static HttpResponse *
run_job(HttpRequest *request, gpointer context, GError **error)
{
  return queue_for_job(request, context, "backup", error);
}

static HttpResponse *
prune_job(HttpRequest *request, gpointer context, GError **error)
{
  return queue_for_job(request, context, "prune", error);
}

const HttpRoute schedule_http_job_routes[] = {
    {.method = "GET", .path = JOBS, .flags = HTTP_ROUTE_ADMIN, .handler = list_jobs},
    {.method = "POST", .path = JOBS, .flags = SCHEDULE_CHANGES, .handler = add_job},
    {.method = "POST", .path = JOBS ":check", .flags = SCHEDULE_CHANGES, .handler = check_job},
    {.method = "PATCH", .path = JOBS "/{id}", .flags = SCHEDULE_CHANGES, .handler = change_job},
    {.method = "DELETE", .path = JOBS "/{id}", .flags = SCHEDULE_CHANGES, .handler = delete_job},
    {.method = "POST", .path = JOBS "/{id}/run", .flags = SCHEDULE_CHANGES, .handler = run_job},
    {.method = "POST", .path = JOBS "/{id}/prune", .flags = SCHEDULE_CHANGES, .handler = prune_job},
    HTTP_ROUTES_END,
};
