/* GET …/export, and the records of exports: …/exports, …/exports/{id}/manifest. */
#include "backup/export/export.h"
#include "backup/http/endpoints.h"
#include "backup/http/export_query.h"
#include "backup_sql.h"
#include "base/error.h"
#include "base/log.h"
#include "pg/connection/connection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ARCHIVE_TYPE       "application/octet-stream"
#define TRAILERS           "X-Content-SHA256, X-Manifest-Bytes, X-Manifest-Rows, X-Manifest-Tables"
#define REPORT_INTERVAL_US (250 * 1000)

/* An export being sent to a client. */
typedef struct {
  HttpRequest *request; /* outlives the export */
  HttpResponse *response;
  BackupExport *export; /* NULL once it was read completely */
  RunningOperation *running;
  gint64 reported_us;
} Download;

/* The members of an import's events that exports have, too. */
static json_t *
describe_progress(Download *download, const char *type)
{
  BackupExportProgress progress;
  backup_export_progress(download->export, &progress);
  double share =
      progress.relation_bytes > 0 ? (double)progress.relation_bytes_done / (double)progress.relation_bytes : 0;
  json_t *event =
      json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:f, s:o}", "type", type, "message", "", "phase", "data", "rows",
                (json_int_t)progress.rows, "bytes", (json_int_t)progress.data_bytes, "archiveBytes",
                (json_int_t)progress.archive_bytes, "percent", round(MIN(share, 1) * 1000) / 10, "secondsLeft",
                progress.left_s >= 0 ? json_integer((json_int_t)ceil(progress.left_s)) : json_null());
  if (progress.table[0] != '\0')
    json_object_set_new(event, "table", http_json_text(progress.table));
  return event;
}

static char *
event_text(json_t *event)
{
  char *text = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(6));
  json_decref(event);
  char *copy = g_strdup(text);
  free(text);
  return copy;
}

static void
download_report(Download *download)
{
  gint64 now_us = g_get_monotonic_time();
  if (now_us < download->reported_us + REPORT_INTERVAL_US)
    return;
  download->reported_us = now_us;
  g_autofree char *json = event_text(describe_progress(download, "progress"));
  running_report(download->running, json, FALSE);
}

static void
set_trailers(HttpResponse *response, const Manifest *manifest)
{
  char bytes[24], rows[24], tables[16];
  g_snprintf(bytes, sizeof bytes, "%" G_GUINT64_FORMAT, manifest->archive_bytes);
  g_snprintf(rows, sizeof rows, "%" G_GUINT64_FORMAT, manifest_totals(manifest).rows);
  g_snprintf(tables, sizeof tables, "%u", manifest->tables->len);
  http_response_set_trailer(response, "X-Content-SHA256", manifest->archive_sha256);
  http_response_set_trailer(response, "X-Manifest-Bytes", bytes);
  http_response_set_trailer(response, "X-Manifest-Rows", rows);
  http_response_set_trailer(response, "X-Manifest-Tables", tables);
}

/* Frees the export before the last event, so that a watcher of that event may start the next operation. */
static void
download_finish(Download *download)
{
  const Manifest *manifest = backup_export_manifest(download->export);
  set_trailers(download->response, manifest);
  json_t *event = describe_progress(download, "complete");
  json_object_set_new(event, "exitCode", json_integer(0));
  json_object_set_new(event, "phase", json_string("done"));
  json_object_set_new(event, "percent", json_real(100));
  json_object_set_new(event, "fileName", json_string(backup_export_file_name(download->export)));
  json_object_set_new(event, "sha256", json_string(manifest->archive_sha256));
  json_object_set_new(event, "archiveBytes", json_integer((json_int_t)manifest->archive_bytes));
  g_auto(GStrv) warnings = backup_export_warnings(download->export, http_request_language(download->request));
  if (warnings != NULL) {
    json_t *list = json_array();
    for (char **warning = warnings; *warning != NULL; warning++)
      json_array_append_new(list, http_json_text(*warning));
    json_object_set_new(event, "warnings", list);
    log_event(LOG_WARNING, "export.invalid_text", "what", warnings[0], NULL);
  }
  g_autofree char *last = event_text(event);
  g_clear_pointer(&download->export, backup_export_free);
  running_end(g_steal_pointer(&download->running), last);
}

static void
download_fail(Download *download, const GError *error)
{
  const ErrorInfo *info = error_info(error);
  json_t *event = describe_progress(download, "error");
  g_autofree char *message =
      g_strdup_printf("%s: %s", error_text(error, http_request_language(download->request)), error->message);
  json_object_set_new(event, "message", http_json_text(message));
  json_object_set_new(event, "exitCode", json_integer(info->exit_code));
  json_object_set_new(event, "errorCode", json_string(info->code));
  g_autofree char *last = event_text(event);
  g_clear_pointer(&download->export, backup_export_free);
  running_end(g_steal_pointer(&download->running), last);
}

static gssize
download_read(gpointer state, guint8 *buffer, gsize size, GError **error)
{
  Download *download = state;
  g_autoptr(GError) problem = NULL;
  gssize n = backup_export_read(download->export, buffer, size, &problem);
  if (n > 0)
    download_report(download);
  else if (n == 0)
    download_finish(download);
  else {
    download_fail(download, problem);
    g_propagate_error(error, g_steal_pointer(&problem));
  }
  return n;
}

static void
download_free(gpointer state)
{
  Download *download = state;
  if (download->export != NULL) {
    g_autoptr(GError) gone = NULL;
    error_set(&gone, CCH_ERROR_CANCELLED, "the client went away");
    download_fail(download, gone);
  }
  g_free(download);
}

static HttpResponse *
start_download(HttpRequest *request, const BackupHttp *http, const char *id, BackupExport *export)
{
  g_autofree char *disposition = g_strdup_printf("attachment; filename=\"%s\"", backup_export_file_name(export));
  Download *download = g_new0(Download, 1);
  download->request = request;
  download->export = export;
  download->running = running_begin(http->running, "export", id, http_request_who(request));
  download->response = http_response_stream(200, ARCHIVE_TYPE, download_read, download, download_free);
  http_response_set_header(download->response, "Content-Disposition", disposition);
  http_response_set_header(download->response, "Cache-Control", "no-cache, no-store");
  http_response_set_header(download->response, "X-Operation-Id", running_id(download->running));
  http_response_announce_trailers(download->response, TRAILERS);
  return download->response;
}

/* Reports a refusal to the watchers of the operation, because a download cannot show it. */
static void
tell_refusal(HttpRequest *request, const BackupHttp *http, const char *id, const GError *problem)
{
  const ErrorInfo *info = error_info(problem);
  g_autofree char *message = g_strdup_printf("%s: %s", info->text[http_request_language(request)], problem->message);
  json_t *event = json_pack("{s:s, s:o, s:i, s:s}", "type", "error", "message", http_json_text(message), "exitCode",
                            (int)info->exit_code, "errorCode", info->code);
  g_autofree char *last = event_text(event);
  running_end(running_begin(http->running, "export", id, http_request_who(request)), last);
}

static HttpResponse *
get_export(HttpRequest *request, gpointer context, GError **error)
{
  const BackupHttp *http = context;
  g_auto(HttpExportQuery) query = {0};
  if (!http_export_query_read(request, &query, error))
    return NULL;
  BackupExportOptions options = {
      .dsn = pg_pool_dsn(http->pool),
      .redis_url = http->config->redis_url,
      .lock_ttl_ms = (guint)http->config->lock_ttl_ms,
      .client = {http->config->pg_bin_dir, http->config->pg_dump_command},
      .holder = http_request_who(request),
      .exclude_logs = query.exclude_logs,
      .ledger_only = query.ledger_only,
      .exclude_table_data = (const char *const *)query.exclude_table_data,
      .level = query.level,
      .jobs = (guint)http->config->export_jobs,
  };
  if (http_request_is_head(request)) {
    HttpResponse *head = http_response_empty(200);
    http_response_set_header(head, "Content-Type", ARCHIVE_TYPE);
    return head;
  }
  g_auto(BackupLockHolder) holder = {0};
  g_autoptr(GError) problem = NULL;
  BackupExport *export = backup_export_start(&options, http_request_cancellable(request), &holder, &problem);
  if (export != NULL) {
    const char *away_reason = backup_export_without_redis(export);
    HttpResponse *response = start_download(request, http, query.operation_id, export);
    if (response != NULL && away_reason != NULL)
      http_response_set_header(response, "X-Lock-Warning", error_info_of(CCH_ERROR_REDIS_UNAVAILABLE)->code);
    return response;
  }
  if (query.operation_id != NULL)
    tell_refusal(request, http, query.operation_id, problem);
  if (error_code(problem) == CCH_ERROR_LOCK_HELD)
    backup_http_explain_lock(request, http, &holder);
  g_propagate_error(error, g_steal_pointer(&problem));
  return NULL;
}

/* `ret_is_there` is FALSE, and no error set, if the table of exports does not exist yet. */
static PgResult *
query_kept(PgConnection *connection, const char *sql, const char *id, gboolean *ret_is_there, GError **error)
{
  g_autofree char *table = NULL;
  if (!pg_connection_value(connection, &table, error, "SELECT to_regclass('cch_data.exports')", 0))
    return NULL;
  *ret_is_there = table != NULL;
  if (table == NULL)
    return NULL;
  return id != NULL ? pg_connection_query(connection, error, sql, 1, id)
                    : pg_connection_query(connection, error, sql, 0);
}

static json_t *
number_or_null(const char *text)
{
  return text != NULL ? json_integer((json_int_t)g_ascii_strtoll(text, NULL, 10)) : json_null();
}

static json_t *
describe_kept(const PgResult *result, guint row)
{
  const char *excludes_logs = pg_result_text(result, row, 7);
  return json_pack(
      "{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:b, s:o}", "id", (json_int_t)pg_result_int64(result, row, 0),
      "fileName", http_json_text(pg_result_text(result, row, 1)), "sha256",
      http_json_text(pg_result_text(result, row, 2)), "madeBy", http_json_text(pg_result_text(result, row, 3)),
      "madeAt", http_json_text(pg_result_text(result, row, 4)), "bytes", number_or_null(pg_result_text(result, row, 5)),
      "compression", http_json_text(pg_result_text(result, row, 6)), "excludeLogs",
      g_strcmp0(excludes_logs, "true") == 0, "snapshotTime", http_json_text(pg_result_text(result, row, 8)), "rows",
      number_or_null(pg_result_text(result, row, 9)), "ledgerOnly",
      g_strcmp0(pg_result_text(result, row, 10), "true") == 0, "excludedTables",
      json_loads(pg_result_text(result, row, 11), 0, NULL));
}

static HttpResponse *
list_exports(HttpRequest *request, gpointer context, GError **error)
{
  const BackupHttp *http = context;
  gboolean is_there = FALSE;
  g_autoptr(GError) problem = NULL;
  g_autoptr(PgConnection) connection =
      pg_pool_take(http->pool, "cch-data exports", http_request_cancellable(request), &problem);
  g_autoptr(PgResult) result =
      connection != NULL ? query_kept(connection, backup_exports_list_sql, NULL, &is_there, &problem) : NULL;
  if (problem != NULL) {
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
  }
  json_t *exports = json_array();
  for (guint row = 0; result != NULL && row < pg_result_rows(result); row++)
    json_array_append_new(exports, describe_kept(result, row));
  return http_response_json(200, json_pack("{s:o}", "exports", exports));
}

static HttpResponse *
get_manifest(HttpRequest *request, gpointer context, GError **error)
{
  const BackupHttp *http = context;
  gboolean is_there = FALSE;
  g_autoptr(GError) problem = NULL;
  g_autoptr(PgConnection) connection =
      pg_pool_take(http->pool, "cch-data exports", http_request_cancellable(request), &problem);
  g_autoptr(PgResult) result = connection != NULL
                                   ? query_kept(connection, backup_exports_manifest_sql,
                                                http_request_parameter(request, "id"), &is_there, &problem)
                                   : NULL;
  if (problem == NULL && (result == NULL || pg_result_rows(result) == 0))
    error_set(&problem, CCH_ERROR_NOT_FOUND, "no manifest of such an export is kept");
  if (problem != NULL) {
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
  }
  json_t *manifest = json_loads(pg_result_text(result, 0, 1), 0, NULL);
  HttpResponse *response = http_response_json(200, manifest != NULL ? manifest : json_null());
  g_autofree char *disposition =
      g_strdup_printf("attachment; filename=\"%s" MANIFEST_SUFFIX "\"", pg_result_text(result, 0, 0));
  http_response_set_header(response, "Content-Disposition", disposition);
  return response;
}

const HttpRoute backup_http_export_routes[] = {
    {
        .method = "GET",
        .path = "/api/admin/database/export",
        .flags = HTTP_ROUTE_ADMIN | HTTP_ROUTE_COSTLY,
        .handler = get_export,
        .query = http_export_query,
    },
    {
        .method = "GET",
        .path = "/api/admin/database/exports",
        .flags = HTTP_ROUTE_ADMIN,
        .handler = list_exports,
    },
    {
        .method = "GET",
        .path = "/api/admin/database/exports/{id}/manifest",
        .flags = HTTP_ROUTE_ADMIN,
        .handler = get_manifest,
    },
    HTTP_ROUTES_END,
};
