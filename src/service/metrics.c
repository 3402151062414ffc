#include "service/metrics.h"

#include "base/error.h"
#include "monitor/figures.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define LIFE_US (2 * G_USEC_PER_SEC) /* where anybody may ask, the database is asked at most this often */

enum { CONNECT_TIMEOUT_MS = 3000 };

struct MetricsHttp {
  PgPool *pool;
  const Config *config;
  AuthHttp *auth;
  BackupHttp *backup;
  HttpServer *server;
  gint64 started_us; /* real time */
  GMutex making;     /* held by the one request that asks the database; the others do not wait for it */
  GMutex mutex;      /* guards the members below */
  gint64 made_us;
  char *text; /* the last; NULL: none yet */
};

MetricsHttp *
metrics_http_new(PgPool *pool, const Config *config, AuthHttp *auth, BackupHttp *backup)
{
  MetricsHttp *metrics = g_new0(MetricsHttp, 1);
  metrics->pool = pool;
  metrics->config = config;
  metrics->auth = auth;
  metrics->backup = backup;
  metrics->started_us = g_get_real_time();
  g_mutex_init(&metrics->making);
  g_mutex_init(&metrics->mutex);
  return metrics;
}

void
metrics_http_free(MetricsHttp *metrics)
{
  if (metrics == NULL)
    return;
  g_mutex_clear(&metrics->making);
  g_mutex_clear(&metrics->mutex);
  g_free(metrics->text);
  g_free(metrics);
}

void
metrics_http_set_server(MetricsHttp *metrics, HttpServer *server)
{
  metrics->server = server;
}

static void
add_requests(Samples *samples, HttpServer *server)
{
  static const char *const classes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
  HttpStats stats;
  guint64 total = 0;
  http_server_stats(server, &stats);
  for (gsize i = 0; i < G_N_ELEMENTS(classes); i++)
    samples_add(samples, METRIC_REQUESTS, (double)stats.by_class[i], "class", classes[i], NULL);
  for (gsize i = 0; i <= HTTP_STATS_N_BUCKETS; i++) {
    char bound[24] = "+Inf";
    if (i < HTTP_STATS_N_BUCKETS)
      g_snprintf(bound, sizeof bound, "%g", http_stats_bounds_s[i]);
    total += stats.buckets[i];
    samples_add_series(samples, METRIC_REQUEST_DURATION, "_bucket", (double)total, "le", bound, NULL);
  }
  samples_add_series(samples, METRIC_REQUEST_DURATION, "_sum", stats.sum_s, NULL);
  samples_add_series(samples, METRIC_REQUEST_DURATION, "_count", (double)total, NULL);
}

static void
add_operations(Samples *samples, Running *running)
{
  static const char *const kinds[] = {"export", "import", "preview", "undo"};
  g_autoptr(json_t) operations = running_describe(running, FALSE);
  for (gsize kind = 0; kind < G_N_ELEMENTS(kinds); kind++) {
    guint n = 0;
    gsize i;
    const json_t *operation;
    json_array_foreach(operations, i, operation)
      n += g_strcmp0(json_string_value(json_object_get(operation, "operation")), kinds[kind]) == 0 ? 1 : 0;
    samples_add(samples, METRIC_OPERATIONS, n, "operation", kinds[kind], NULL);
  }
}

static char *
make_text(MetricsHttp *metrics)
{
  g_autoptr(Samples) samples = samples_new();
  g_autoptr(PgConnection) connection =
      pg_pool_take_within(metrics->pool, "cch-data metrics", CONNECT_TIMEOUT_MS, NULL, NULL);
  figures_add_shared(samples, connection, metrics->config);
  g_clear_pointer(&connection, pg_connection_free);
  figures_add_process(samples, metrics->started_us);
  add_requests(samples, metrics->server);
  add_operations(samples, metrics->backup->running);
  return samples_text(samples);
}

/* The last text, if it is not older than `life_us`; free with g_free. */
static char *
kept_text(MetricsHttp *metrics, gint64 life_us)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&metrics->mutex);
  return g_get_monotonic_time() - metrics->made_us <= life_us ? g_strdup(metrics->text) : NULL;
}

static void
keep_text(MetricsHttp *metrics, const char *text)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&metrics->mutex);
  g_free(metrics->text);
  metrics->text = g_strdup(text);
  metrics->made_us = g_get_monotonic_time();
}

static gboolean
has_token(const HttpRequest *request, const char *token)
{
  const char *given = http_request_header(request, "Authorization");
  if (token == NULL || given == NULL || g_ascii_strncasecmp(given, "Bearer ", 7) != 0)
    return FALSE;
  given += 7 + strspn(given + 7, " ");
  return strlen(given) == strlen(token) && sodium_memcmp(given, token, strlen(token)) == 0;
}

static HttpResponse *
get_metrics(HttpRequest *request, gpointer context, GError **error)
{
  MetricsHttp *metrics = context;
  if (!metrics->config->metrics_public && !has_token(request, metrics->config->metrics_token) &&
      !auth_http_guard(request, HTTP_ROUTE_ADMIN, metrics->auth, error))
    return NULL;
  char *text = kept_text(metrics, LIFE_US);
  if (text == NULL && g_mutex_trylock(&metrics->making)) {
    text = make_text(metrics);
    keep_text(metrics, text);
    g_mutex_unlock(&metrics->making);
  }
  /* Behind a database that hangs, scrapes would take all workers. */
  if (text == NULL)
    text = kept_text(metrics, G_MAXINT64);
  if (text == NULL) {
    error_set(error, CCH_ERROR_DATABASE_UNAVAILABLE, "the first figures are still being asked for");
    return NULL;
  }
  return http_response_text(200, "text/plain; version=0.0.4; charset=utf-8", text);
}

static const HttpRoute routes[] = {
    {.method = "GET", .path = "/metrics", .handler = get_metrics},
    HTTP_ROUTES_END,
};

const HttpRoute *const metrics_http_routes[] = {routes, NULL};
