#include "backup/http.h"

#include "backup/export.h"
#include "backup_sql.h"
#include "base/error.h"
#include "base/text.h"
#include "pg/connection.h"
#include "pg/dsn.h"
#include "redis/redis.h"

#include <string.h>

static json_t *
holder_json(const BackupLockHolder *holder)
{
  return json_pack("{s:o, s:o, s:o}", "operation", http_json_text(holder->operation), "holder",
                   http_json_text(holder->holder), "since", http_json_text(holder->since));
}

void
backup_http_explain_lock(HttpRequest *request, const BackupLockHolder *holder)
{
  http_request_set_error_details(request, text_get(TEXT_LOCK_DETAILS, http_request_language(request)));
  http_request_set_error_member(request, "holder", holder_json(holder));
}

void
backup_http_explain_size(HttpRequest *request, const Config *config, guint64 size_bytes)
{
  Language language = http_request_language(request);
  double mib = 1024.0 * 1024.0, limit = (double)config->max_upload_bytes / mib;
  g_autofree char *details = size_bytes > 0
                                 ? text_format(TEXT_FILE_SIZE_DETAILS, language, (double)size_bytes / mib, limit)
                                 : text_format(TEXT_FILE_SIZE_DETAILS_UNKNOWN, language, limit);
  http_request_set_error_details(request, details);
}

/* `excludeLogs`, and `mode`, which newer clients use for the same. */
static gboolean
read_exclude_logs(HttpRequest *request, gboolean *ret_exclude_logs, GError **error)
{
  const char *mode = http_request_query(request, "mode");
  if (mode == NULL)
    return http_request_query_boolean(request, "excludeLogs", FALSE, ret_exclude_logs, error);
  if (http_request_query(request, "excludeLogs") != NULL) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "give either mode or excludeLogs");
    return FALSE;
  }
  *ret_exclude_logs = strcmp(mode, "excludeLogs") == 0;
  if (*ret_exclude_logs || strcmp(mode, "full") == 0)
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "mode must be full or excludeLogs, not \"%.64s\"", mode);
  return FALSE;
}

typedef struct {
  BackupExport *export; /* NULL once it was read to its end */
} ExportStream;

static gssize
read_export(gpointer state, guint8 *buffer, gsize size, GError **error)
{
  ExportStream *stream = state;
  gssize n = backup_export_read(stream->export, buffer, size, error);
  if (n == 0)
    g_clear_pointer(&stream->export, backup_export_free); /* whoever sees the end may start the next operation */
  return n;
}

static void
export_stream_free(gpointer state)
{
  ExportStream *stream = state;
  backup_export_free(stream->export);
  g_free(stream);
}

static HttpResponse *
get_export(HttpRequest *request, gpointer context, GError **error)
{
  const BackupHttp *http = context;
  BackupExportOptions options = {
      .dsn = http->dsn,
      .redis_url = http->config->redis_url,
      .lock_ttl_ms = (guint)http->config->lock_ttl_ms,
      .pg_bin_dir = http->config->pg_bin_dir,
      .holder = http_request_who(request),
      .level = BACKUP_EXPORT_DEFAULT_LEVEL,
      .jobs = (guint)http->config->export_jobs,
  };
  if (!read_exclude_logs(request, &options.exclude_logs, error))
    return NULL;
  const char *content_type = "application/octet-stream";
  if (http_request_is_head(request)) {
    HttpResponse *head = http_response_empty(200);
    http_response_set_header(head, "Content-Type", content_type);
    return head;
  }
  g_auto(BackupLockHolder) holder = {0};
  g_autoptr(GError) problem = NULL;
  BackupExport *export = backup_export_start(&options, http_request_cancellable(request), &holder, &problem);
  if (export == NULL) {
    if (error_code(problem) == CCH_ERROR_LOCK_HELD)
      backup_http_explain_lock(request, &holder);
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
  }
  g_autofree char *disposition = g_strdup_printf("attachment; filename=\"%s\"", backup_export_file_name(export));
  ExportStream *stream = g_new0(ExportStream, 1);
  stream->export = export;
  HttpResponse *response = http_response_stream(200, content_type, read_export, stream, export_stream_free);
  http_response_set_header(response, "Content-Disposition", disposition);
  http_response_set_header(response, "Cache-Control", "no-cache, no-store");
  return response;
}

static void
set(json_t *object, const char *name, json_t *value)
{
  json_object_set_new(object, name, value);
}

/* "15.20 (Debian 15.20-0+deb12u1)" → "15.20". */
static json_t *
short_version(const char *version)
{
  g_autofree char *first = g_strndup(version, strcspn(version, " "));
  return http_json_text(first);
}

/* As the reference: a database that is away is no failure of the question. */
static void
describe_database(json_t *status, const char *dsn)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(PgConnection) connection = pg_connection_open(dsn, "cch-data status", NULL, &error);
  const char *unknown = connection != NULL ? "Unknown" : "N/A";
  g_autoptr(PgResult) result =
      connection != NULL ? pg_connection_query(connection, &error, backup_status_sql, 0) : NULL;
  const char *version = connection != NULL ? pg_connection_parameter(connection, "server_version") : NULL;
  set(status, "isAvailable", json_boolean(connection != NULL));
  set(status, "databaseSize", http_json_text(result != NULL ? pg_result_text(result, 0, 0) : unknown));
  set(status, "tableCount", json_integer(result != NULL ? pg_result_int64(result, 0, 1) : 0));
  set(status, "postgresVersion", version != NULL ? short_version(version) : json_string(unknown));
  const char *log_rows = result != NULL ? pg_result_text(result, 0, 2) : NULL;
  set(status, "logRows", log_rows != NULL ? json_integer(pg_result_int64(result, 0, 2)) : json_null());
  if (error != NULL)
    set(status, "error", http_json_text(error->message));
}

static void
describe_target(json_t *status, const char *dsn)
{
  g_auto(DsnDisplay) display = {0};
  dsn_parse_display(dsn, &display, NULL);
  g_autofree char *address = g_strdup_printf("%s:%s", display.host, display.port);
  set(status, "containerName", http_json_text(address));
  set(status, "databaseName", http_json_text(display.database));
}

static json_t *
describe_pg_dump(const Config *config)
{
  int version = 0;
  g_autofree char *path = NULL;
  if (!backup_find_pg_dump(config->pg_bin_dir, &path, &version, NULL))
    return json_null();
  g_autofree char *text = g_strdup_printf("%d.%d", version / 10000, version % 10000);
  return json_string(text);
}

static json_t *
describe_operation(const BackupHttp *http)
{
  BackupLockOptions options = {http->dsn, http->config->redis_url, (guint)http->config->lock_ttl_ms};
  g_auto(BackupLockHolder) holder = {0};
  backup_lock_inspect(&options, &holder, NULL); /* on failure nobody is known to hold it */
  json_t *operation = holder_json(&holder);
  set(operation, "running", json_boolean(holder.is_held));
  return operation;
}

static json_t *
describe_redis(const Config *config)
{
  g_autoptr(RedisConnection) connection =
      config->redis_url != NULL ? redis_connection_open(config->redis_url, NULL) : NULL;
  g_autoptr(RedisReply) reply = connection != NULL ? redis_command(connection, NULL, 1, "PING") : NULL;
  return json_pack("{s:b, s:b}", "configured", config->redis_url != NULL, "available", reply != NULL);
}

static HttpResponse *
get_status(HttpRequest *request, gpointer context, GError **error)
{
  (void)request;
  (void)error;
  const BackupHttp *http = context;
  json_t *status = json_object();
  describe_database(status, http->dsn);
  describe_target(status, http->dsn);
  set(status, "pgDumpVersion", describe_pg_dump(http->config));
  set(status, "operation", describe_operation(http));
  set(status, "redis", describe_redis(http->config));
  set(status, "maxUploadBytes", json_integer((json_int_t)http->config->max_upload_bytes));
  return http_response_json(200, status);
}

static const char *const export_query[] = {"excludeLogs", "mode", NULL};

const HttpRoute backup_http_routes[] = {
    {
        .method = "GET",
        .path = "/api/admin/database/export",
        .flags = HTTP_ROUTE_ADMIN | HTTP_ROUTE_COSTLY,
        .handler = get_export,
        .query = export_query,
    },
    {
        .method = "POST",
        .path = "/api/admin/database/import",
        .flags = HTTP_ROUTE_ADMIN | HTTP_ROUTE_CHANGES,
        .upload = &backup_http_import,
    },
    {
        .method = "GET",
        .path = "/api/admin/database/status",
        .flags = HTTP_ROUTE_ADMIN,
        .handler = get_status,
    },
};
const guint backup_http_n_routes = G_N_ELEMENTS(backup_http_routes);
