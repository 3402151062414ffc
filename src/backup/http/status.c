/* GET …/status: the database, the running operations, and how an import would be done. */
#include "backup/export/export.h"
#include "backup/http/endpoints.h"
#include "backup/http/undo.h"
#include "backup/hub_level/hub_level.h"
#include "backup/import/collations.h"
#include "backup/import/import.h"
#include "backup/undo/undo.h"
#include "backup_sql.h"
#include "base/error.h"
#include "base/text.h"
#include "lock/redis_lock.h"
#include "pg/connection/connection.h"
#include "pg/dsn/dsn.h"

#include <string.h>

enum {
  CONNECT_TIMEOUT_MS = 3000,
  SIZES_TIMEOUT_MS = 15000 /* the server looks at every file of the database */
};

static void
set_member(json_t *object, const char *name, json_t *value)
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

/* The method that an overwrite would use, and the databases that an undo could restore. */
static void
describe_overwriting(json_t *status, PgConnection *connection, PgPool *pool, Language language)
{
  BackupMethod method;
  g_autofree char *reason = NULL;
  gboolean is_known = backup_import_method(connection, pg_pool_dsn(pool), pool, language, &method, &reason, NULL);
  set_member(status, "importMethod", is_known ? json_string(backup_method_name(method)) : json_null());
  set_member(status, "importMethodReason", http_json_text(reason));
  g_autoptr(GPtrArray) kept = backup_undo_list(connection, NULL);
  set_member(status, "kept", kept != NULL ? backup_http_kept_json(kept) : json_array());
}

static void
describe_collations(json_t *status, PgConnection *connection, Language language)
{
  g_autofree char *hint = NULL;
  collations_find_stale(connection, language, &hint, NULL); /* unknown: null */
  set_member(status, "collationHint", http_json_text(hint));
}

/* Whether the full planner statistics of an import are still to be collected; null: unknown. */
static void
describe_statistics(json_t *status, PgConnection *connection)
{
  gboolean are_owed = FALSE;
  gboolean is_known = statistics_are_owed(connection, &are_owed, NULL);
  set_member(status, "statisticsPending", is_known ? json_boolean(are_owed) : json_null());
}

static json_t *
describe_operation(PgConnection *connection, const BackupHttp *http)
{
  g_auto(BackupLockHolder) holder = {0};
  backup_lock_inspect(connection, http->config->redis_url, &holder, NULL); /* on failure the holder is unknown */
  json_t *operation = backup_http_holder_json(http, &holder);
  set_member(operation, "running", json_boolean(holder.is_held));
  return operation;
}

/* `connection` NULL: the database cannot be reached, because of `away`. The status reports that; it is not an error. */
static void
describe_database(json_t *status, PgConnection *connection, const GError *away)
{
  g_autoptr(GError) failure = NULL;
  const char *unknown = connection != NULL ? "Unknown" : "N/A";
  g_autoptr(PgResult) result =
      connection != NULL ? pg_connection_query(connection, &failure, backup_status_sql, 0) : NULL;
  const char *version = connection != NULL ? pg_connection_parameter(connection, "server_version") : NULL;
  set_member(status, "isAvailable", json_boolean(connection != NULL));
  set_member(status, "databaseSize", http_json_text(result != NULL ? pg_result_text(result, 0, 0) : unknown));
  set_member(status, "databaseBytes", result != NULL ? json_integer(pg_result_int64(result, 0, 3)) : json_null());
  set_member(status, "tableCount", json_integer(result != NULL ? pg_result_int64(result, 0, 1) : 0));
  set_member(status, "postgresVersion", version != NULL ? short_version(version) : json_string(unknown));
  const char *log_rows = result != NULL ? pg_result_text(result, 0, 2) : NULL;
  set_member(status, "logRows", log_rows != NULL ? json_integer(pg_result_int64(result, 0, 2)) : json_null());
  gint64 hub_level = 0;
  if (connection != NULL && pg_connection_exec(connection, "SET lock_timeout = 200", NULL))
    hub_level_read_live(connection, &hub_level, NULL); /* unknown if an import has locked the record */
  set_member(status, "hubLevel", hub_level_to_json(hub_level));
  const GError *problem = connection != NULL ? failure : away;
  if (problem != NULL)
    set_member(status, "error", http_json_text(problem->message));
}

static void
describe_target(json_t *status, const char *dsn)
{
  g_auto(DsnDisplay) display = {0};
  dsn_parse_display(dsn, &display, NULL);
  g_autofree char *address = g_strdup_printf("%s:%s", display.host, display.port);
  set_member(status, "containerName", http_json_text(address));
  set_member(status, "databaseName", http_json_text(display.database));
}

/* The pg_dump that an export would use, the requirements of its archives, and the available compressions. */
static void
describe_exporting(json_t *status, const Config *config, int server_version, Language language)
{
  g_auto(PgClient) client = {0};
  g_autoptr(GError) failure = NULL;
  g_autofree char *version = NULL, *problem = NULL, *note = NULL;
  const PgClientOptions options = {config->pg_bin_dir, config->pg_dump_command};
  int server = server_version / 10000;
  if (pg_client_choose(&options, server_version, &client, &failure)) {
    version = g_strdup_printf("%d.%d", client.version / 10000, client.version % 10000);
    if (server != 0 && client.version / 10000 > server)
      note = text_format(TEXT_EXPORT_NEEDS_READER, language, client.version / 10000,
                         pg_client_oldest_reader(client.version), server);
  } else {
    problem = g_strdup_printf(language == LANGUAGE_ZH_CN ? "%s：%s" : "%s: %s", error_info(failure)->text[language],
                              failure->message);
  }
  json_t *compressions = json_array();
  for (ArchiveLevel level = 0; level < ARCHIVE_LEVEL_COUNT; level++)
    if (backup_export_level_fits(level, client.version))
      json_array_append_new(compressions, json_string(archive_level_name(level)));
  set_member(status, "pgDumpVersion", http_json_text(version));
  set_member(status, "pgRestoreMajor",
             version != NULL ? json_integer(pg_client_oldest_reader(client.version)) : json_null());
  set_member(status, "exportProblem", http_json_text(problem));
  set_member(status, "exportNote", http_json_text(note));
  set_member(status, "compressions", compressions);
}

/* "available" means that the lock could be taken now. */
static json_t *
describe_redis(const Config *config)
{
  g_autoptr(GError) error = NULL;
  gboolean is_available = config->redis_url != NULL && redis_lock_probe(config->redis_url, &error);
  json_t *redis = json_pack("{s:b, s:b}", "configured", config->redis_url != NULL, "available", is_available);
  if (error != NULL) {
    set_member(redis, "errorCode", json_string(error_info(error)->code));
    set_member(redis, "reason", http_json_text(error->message));
  }
  return redis;
}

static HttpResponse *
get_status(HttpRequest *request, gpointer context, GError **error)
{
  (void)error;
  const BackupHttp *http = context;
  Language language = http_request_language(request);
  json_t *status = json_object();
  g_autoptr(GError) away = NULL;
  g_autoptr(PgConnection) connection =
      pg_pool_take_within(http->pool, "cch-data status", CONNECT_TIMEOUT_MS, NULL, &away);
  int server_version = connection != NULL ? pg_connection_server_version(connection) : 0;
  if (connection != NULL)
    pg_connection_set_answer_timeout(connection, SIZES_TIMEOUT_MS);
  describe_database(status, connection, away);
  if (connection != NULL) {
    describe_overwriting(status, connection, http->pool, language);
    describe_collations(status, connection, language);
    describe_statistics(status, connection);
  }
  set_member(status, "operation", describe_operation(connection, http));
  g_clear_pointer(&connection, pg_connection_free);
  describe_target(status, pg_pool_dsn(http->pool));
  describe_exporting(status, http->config, server_version, language);
  set_member(status, "running", running_describe(http->running, FALSE));
  set_member(status, "redis", describe_redis(http->config));
  set_member(status, "maxUploadBytes", json_integer((json_int_t)http->config->max_upload_bytes));
  return http_response_json(200, status);
}

const HttpRoute backup_http_status_routes[] = {
    {
        .method = "GET",
        .path = "/api/admin/database/status",
        .flags = HTTP_ROUTE_ADMIN,
        .handler = get_status,
    },
    HTTP_ROUTES_END,
};
