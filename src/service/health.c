#include "service/health.h"

#include "base/error.h"
#include "lock/redis_lock.h"

#include <string.h>

#define ANSWER_LIFE_US (1 * G_USEC_PER_SEC) /* anyone may ask; the database is asked at most once a second */

enum { ANSWER_TIMEOUT_MS = 2000 };

struct HealthHttp {
  PgPool *pool;
  char *redis_url, *bin_dirs, *dump_command;
  gint64 started_us;
  GMutex mutex; /* guards the members below */
  gint64 asked_us;
  gboolean is_database_up, is_redis_up;
  GError *no_client;         /* why exports are impossible; NULL: they are possible, or it is unknown */
  const char *redis_problem; /* errorCode; the message is only for administrators, in the status */
  gint64 database_ms, redis_ms;
};

HealthHttp *
health_http_new(PgPool *pool, const char *redis_url, const PgClientOptions *client)
{
  HealthHttp *health = g_new0(HealthHttp, 1);
  health->pool = pool;
  health->redis_url = g_strdup(redis_url);
  health->bin_dirs = g_strdup(client->bin_dirs);
  health->dump_command = g_strdup(client->command);
  health->started_us = g_get_monotonic_time();
  g_mutex_init(&health->mutex);
  return health;
}

void
health_http_free(HealthHttp *health)
{
  if (health == NULL)
    return;
  g_mutex_clear(&health->mutex);
  g_free(health->redis_url);
  g_free(health->bin_dirs);
  g_free(health->dump_command);
  g_clear_error(&health->no_client);
  g_free(health);
}

/* Also looks for a suitable pg_dump. */
static gboolean
ping_database(HealthHttp *health)
{
  g_clear_error(&health->no_client);
  g_autoptr(PgConnection) connection =
      pg_pool_take_within(health->pool, "cch-data health", ANSWER_TIMEOUT_MS, NULL, NULL);
  if (connection == NULL || !pg_connection_exec(connection, "SELECT 1", NULL))
    return FALSE;
  g_auto(PgClient) client = {0};
  const PgClientOptions options = {health->bin_dirs, health->dump_command};
  pg_client_choose(&options, pg_connection_server_version(connection), &client, &health->no_client);
  return TRUE;
}

static void
ask(HealthHttp *health)
{
  gint64 begin_us = g_get_monotonic_time();
  if (health->asked_us != 0 && begin_us - health->asked_us < ANSWER_LIFE_US)
    return;
  health->is_database_up = ping_database(health);
  gint64 between_us = g_get_monotonic_time();
  health->database_ms = (between_us - begin_us) / 1000;
  g_autoptr(GError) redis_error = NULL;
  health->is_redis_up = health->redis_url != NULL && redis_lock_probe(health->redis_url, &redis_error);
  health->redis_problem = redis_error != NULL ? error_info(redis_error)->code : NULL;
  health->asked_us = g_get_monotonic_time();
  health->redis_ms = (health->asked_us - between_us) / 1000;
}

static json_t *
now_text(void)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autofree char *text = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
  return json_string(text);
}

static json_t *
component(gboolean is_up, gint64 latency_ms)
{
  return json_pack("{s:s, s:I}", "status", is_up ? "up" : "down", "latencyMs", (json_int_t)latency_ms);
}

static json_t *
exporting(const HealthHttp *health, Language language)
{
  if (health->no_client == NULL)
    return json_pack("{s:s}", "status", health->is_database_up ? "up" : "unchecked");
  g_autofree char *reason = g_strdup_printf(language == LANGUAGE_ZH_CN ? "%s：%s" : "%s: %s",
                                            error_info(health->no_client)->text[language], health->no_client->message);
  return json_pack("{s:s, s:o}", "status", "down", "reason", http_json_text(reason));
}

static HttpResponse *
get_health(HttpRequest *request, gpointer context, GError **error)
{
  (void)error;
  HealthHttp *health = context;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&health->mutex);
  ask(health);
  gboolean is_whole = (health->is_redis_up || health->redis_url == NULL) && health->no_client == NULL;
  const char *status = !health->is_database_up ? "unhealthy" : is_whole ? "healthy" : "degraded";
  json_t *redis = health->redis_url != NULL ? component(health->is_redis_up, health->redis_ms)
                                            : json_pack("{s:s}", "status", "unchecked");
  if (health->redis_problem != NULL)
    json_object_set_new(redis, "errorCode", json_string(health->redis_problem));
  json_t *body =
      json_pack("{s:s, s:o, s:s, s:I, s:{s:o, s:o, s:o}}", "status", status, "timestamp", now_text(), "version",
                CCH_VERSION, "uptime", (json_int_t)((g_get_monotonic_time() - health->started_us) / G_USEC_PER_SEC),
                "components", "database", component(health->is_database_up, health->database_ms), "redis", redis,
                "export", exporting(health, http_request_language(request)));
  return http_response_json(health->is_database_up ? 200 : 503, body);
}

static HttpResponse *
get_live(HttpRequest *request, gpointer context, GError **error)
{
  (void)request;
  (void)context;
  (void)error;
  return http_response_json(200, json_pack("{s:s, s:o}", "status", "alive", "timestamp", now_text()));
}

static HttpResponse *
get_version(HttpRequest *request, gpointer context, GError **error)
{
  (void)request;
  (void)context;
  (void)error;
  return http_response_json(200, json_pack("{s:s, s:s}", "name", "cch-data", "version", CCH_VERSION));
}

static const HttpRoute routes[] = {
    {.method = "GET", .path = "/api/health", .handler = get_health},
    {.method = "GET", .path = "/api/health/ready", .handler = get_health},
    {.method = "GET", .path = "/api/health/live", .handler = get_live},
    {.method = "GET", .path = "/api/version", .handler = get_version},
    HTTP_ROUTES_END,
};

const HttpRoute *const health_http_routes[] = {routes, NULL};
