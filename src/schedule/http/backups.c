#include "schedule/http/context.h"
#include "schedule/http/endpoints.h"

#include "base/error.h"
#include "schedule/run/fetch.h"

#include <string.h>

#define BACKUPS "/api/admin/backups"

enum { DEFAULT_LIMIT = 100, MAX_LIMIT = 1000, MAX_OFFSET = 1000000 };

static json_t *
known_number(gint64 number)
{
  return number >= 0 ? json_integer(number) : json_null();
}

/* [{rule, rank, isOfProven}]: why it is kept. */
static json_t *
reasons_to_json(const CatalogBackup *backup, const RetentionVerdict *verdict)
{
  json_t *reasons = json_array();
  const struct {
    gboolean applies;
    const char *name;
  } others[] = {{backup->is_pinned, "pinned"},
                {backup->is_found, "found"},
                {verdict->is_within, "within"},
                {verdict->is_minimum, "minimum"},
                {verdict->is_newest_good, "newest"}};
  for (guint rule = 0; rule < RETENTION_N_RULES; rule++)
    if (verdict->rank[rule] > 0)
      json_array_append_new(
          reasons, json_pack("{s:s, s:i}", "rule", retention_rule_name(rule), "rank", (int)verdict->rank[rule]));
  for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
    if (others[i].applies)
      json_array_append_new(reasons, json_pack("{s:s}", "rule", others[i].name));
  return reasons;
}

/* `verdict` NULL: its job is gone, and nothing is pruned. */
static json_t *
backup_to_json(const CatalogBackup *backup, const RetentionVerdict *verdict)
{
  json_t *json = json_pack("{s:I, s:I, s:o, s:s, s:s, s:s, s:o, s:s, s:I, s:o, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:o}",
                           "id", (json_int_t)backup->id, "destinationId", (json_int_t)backup->destination_id,
                           "destination", http_json_text(backup->destination_name), "job", backup->job_name, "name",
                           backup->name, "state", backup->state, "proof", http_json_text(backup->proof), "madeAt",
                           backup->made_at, "bytes", (json_int_t)backup->bytes, "rows", known_number(backup->row_count),
                           "isEncrypted", backup->is_encrypted, "isPinned", backup->is_pinned, "hasManifest",
                           backup->has_manifest, "storedAt", http_json_text(backup->stored_at), "verifiedAt",
                           http_json_text(backup->verified_at), "provenAt", http_json_text(backup->proven_at),
                           "recoveryMs", known_number(backup->recovery_ms), "problem", http_json_text(backup->problem));
  if (verdict == NULL) {
    json_object_update_new(json, json_pack("{s:b, s:[], s:n}", "isKept", TRUE, "reasons", "goesAt"));
    return json;
  }
  json_object_update_new(json,
                         json_pack("{s:b, s:b, s:o, s:o}", "isKept", verdict->is_kept, "isKeptAsProven",
                                   verdict->is_of_proven, "reasons", reasons_to_json(backup, verdict), "goesAt",
                                   schedule_http_time(verdict->goes_s == RETENTION_FOREVER ? 0 : verdict->goes_s)));
  return json;
}

static gboolean
is_in_group(const CatalogBackup *backup, const CatalogBackup *first)
{
  return backup->destination_id == first->destination_id && strcmp(backup->job_name, first->job_name) == 0;
}

static const CatalogJob *
job_of(const GPtrArray *jobs, const CatalogBackup *backup)
{
  for (guint i = 0; i < jobs->len; i++) {
    const CatalogJob *job = jobs->pdata[i];
    if (strcmp(job->name, backup->job_name) == 0)
      return job;
  }
  return NULL;
}

/* Judges each group of a job and a destination as a whole; `verdicts` and `has_verdict` are in the order of
 * `backups`. */
static void
judge_all(const GPtrArray *backups, const GPtrArray *jobs, RetentionVerdict *verdicts, gboolean *has_verdict)
{
  gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
  g_autofree gboolean *is_done = g_new0(gboolean, backups->len);
  for (guint i = 0; i < backups->len; i++) {
    const CatalogBackup *first = backups->pdata[i];
    const CatalogJob *job = job_of(jobs, first);
    if (is_done[i] || job == NULL)
      continue;
    g_autoptr(GPtrArray) group = g_ptr_array_new();
    g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(guint));
    for (guint j = i; j < backups->len; j++)
      if (!is_done[j] && is_in_group(backups->pdata[j], first)) {
        is_done[j] = TRUE;
        g_ptr_array_add(group, backups->pdata[j]);
        g_array_append_val(places, j);
      }
    g_autofree RetentionVerdict *judged = catalog_judge(group, job->settings, now_s);
    for (guint j = 0; j < group->len; j++) {
      verdicts[g_array_index(places, guint, j)] = judged[j];
      has_verdict[g_array_index(places, guint, j)] = TRUE;
    }
  }
}

static HttpResponse *
list_backups(HttpRequest *request, gpointer context, GError **error)
{
  guint limit = 0, offset = 0, destination = 0;
  if (!http_request_query_number(request, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT, &limit, error) ||
      !http_request_query_number(request, "offset", 0, 0, MAX_OFFSET, &offset, error) ||
      !http_request_query_number(request, "destinationId", 0, 1, G_MAXINT, &destination, error))
    return NULL;
  g_autoptr(PgConnection) connection = schedule_http_connect(request, context, error);
  g_autoptr(GPtrArray) jobs = connection != NULL ? catalog_jobs(connection, NULL, error) : NULL;
  g_autoptr(GPtrArray) backups =
      jobs != NULL ? catalog_backups(connection, http_request_query_given(request, "job"), destination, error) : NULL;
  if (backups == NULL)
    return NULL;
  g_autofree RetentionVerdict *verdicts = g_new0(RetentionVerdict, backups->len);
  g_autofree gboolean *has_verdict = g_new0(gboolean, backups->len);
  judge_all(backups, jobs, verdicts, has_verdict);
  json_t *list = json_array();
  for (guint i = offset; i < backups->len && i - offset < limit; i++)
    json_array_append_new(list, backup_to_json(backups->pdata[i], has_verdict[i] ? &verdicts[i] : NULL));
  return http_response_json(200, json_pack("{s:o, s:i}", "backups", list, "total", (int)backups->len));
}

static CatalogBackup *
find_backup(HttpRequest *request, PgConnection *connection, GError **error)
{
  gint64 id = 0;
  return connection != NULL && schedule_http_id(request, &id, error) ? catalog_find_backup(connection, id, error)
                                                                     : NULL;
}

static HttpResponse *
show_manifest(HttpRequest *request, gpointer context, GError **error)
{
  g_autofree char *json = NULL;
  g_autoptr(PgConnection) connection = schedule_http_connect(request, context, error);
  g_autoptr(CatalogBackup) backup = find_backup(request, connection, error);
  if (backup == NULL || !catalog_read_manifest(connection, backup->id, &json, error))
    return NULL;
  if (json != NULL)
    return http_response_json_text(200, g_steal_pointer(&json));
  error_set(error, CCH_ERROR_NOT_FOUND, "no manifest lies beside %s", backup->name);
  return NULL;
}

static HttpResponse *
pin_backup(HttpRequest *request, gpointer context, GError **error)
{
  json_t *body = http_request_json(request, error);
  const json_t *is_pinned = json_object_get(body, "isPinned");
  if (body == NULL)
    return NULL;
  if (!json_is_boolean(is_pinned) || json_object_size(body) != 1) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "isPinned: true or false");
    return NULL;
  }
  g_autoptr(PgConnection) connection = schedule_http_connect(request, context, error);
  g_autoptr(CatalogBackup) backup = find_backup(request, connection, error);
  if (backup == NULL || !catalog_pin(connection, backup->id, json_is_true(is_pinned), error))
    return NULL;
  return http_response_empty(204);
}

/* The newest good backup of a job at a destination stays, whoever asks; so does a pinned one. */
static gboolean
check_deletable(PgConnection *connection, const CatalogBackup *backup, GError **error)
{
  gint64 newest = 0;
  if (backup->is_pinned) {
    error_set(error, CCH_ERROR_BACKUP_PINNED, "%s", backup->name);
    return FALSE;
  }
  if (!catalog_newest_good(connection, backup->job_name, backup->destination_id, &newest, error))
    return FALSE;
  if (newest != backup->id)
    return TRUE;
  error_set(error, CCH_ERROR_BACKUP_LAST_GOOD, "%s", backup->name);
  return FALSE;
}

static HttpResponse *
delete_backup(HttpRequest *request, gpointer context, GError **error)
{
  const ScheduleHttp *http = context;
  GCancellable *cancellable = http_request_cancellable(request);
  g_autoptr(PgConnection) connection = schedule_http_connect(request, http, error);
  g_autoptr(CatalogBackup) backup = find_backup(request, connection, error);
  if (backup == NULL || !check_deletable(connection, backup, error))
    return NULL;
  g_autoptr(CatalogDestination) destination = catalog_find_destination(connection, backup->destination_id, error);
  g_autoptr(Storage) storage =
      destination != NULL ? catalog_open_destination(destination, http->config->data_dir, error) : NULL;
  if (storage == NULL || !fetch_delete(storage, backup->job_name, backup->name, cancellable, error) ||
      !catalog_forget_backup(connection, backup->id, error))
    return NULL;
  schedule_http_audit(request, connection, "backup.delete", backup->name,
                      json_pack("{s:s, s:s}", "job", backup->job_name, "destination", destination->name));
  return http_response_empty(204);
}

static HttpResponse *
queue_proof(HttpRequest *request, const ScheduleHttp *http, const char *kind, GError **error)
{
  g_autoptr(PgConnection) connection = schedule_http_connect(request, http, error);
  g_autoptr(CatalogBackup) backup = find_backup(request, connection, error);
  if (backup == NULL)
    return NULL;
  if (backup->is_encrypted && strcmp(kind, "drill") == 0) {
    error_set(error, CCH_ERROR_AGE_NO_KEY, "this server cannot read %s; run: cch-data backup drill --identity FILE",
              backup->name);
    return NULL;
  }
  Run run = {.kind = (char *)kind, .job_name = backup->job_name, .backup_id = backup->id};
  return schedule_http_queue(request, http, connection, &run, error);
}

static HttpResponse *
verify_backup(HttpRequest *request, gpointer context, GError **error)
{
  return queue_proof(request, context, "verify", error);
}

static HttpResponse *
drill_backup(HttpRequest *request, gpointer context, GError **error)
{
  return queue_proof(request, context, "drill", error);
}

static const char *const list_query[] = {"job", "destinationId", "limit", "offset", NULL};

const HttpRoute schedule_http_backup_routes[] = {
    {.method = "GET", .path = BACKUPS, .flags = HTTP_ROUTE_ADMIN, .handler = list_backups, .query = list_query},
    {.method = "GET", .path = BACKUPS "/{id}/manifest", .flags = HTTP_ROUTE_ADMIN, .handler = show_manifest},
    {.method = "PATCH", .path = BACKUPS "/{id}", .flags = SCHEDULE_CHANGES, .handler = pin_backup},
    {.method = "DELETE", .path = BACKUPS "/{id}", .flags = SCHEDULE_CHANGES, .handler = delete_backup},
    {.method = "POST", .path = BACKUPS "/{id}/verify", .flags = SCHEDULE_CHANGES, .handler = verify_backup},
    {.method = "POST", .path = BACKUPS "/{id}/drill", .flags = SCHEDULE_CHANGES, .handler = drill_backup},
    HTTP_ROUTES_END,
};
