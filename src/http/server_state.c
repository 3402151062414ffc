#include "http/server_state.h"

const HttpServerOptions *
http_server_options(const HttpServer *server)
{
  return &server->options;
}

const HttpRouter *
http_server_router(const HttpServer *server)
{
  return server->router;
}

gboolean
http_server_guard(HttpServer *server, HttpRequest *request, guint flags, GError **error)
{
  return server->guard == NULL || server->guard(request, flags, server->guard_data, error);
}

GCancellable *
http_server_stopping(HttpServer *server)
{
  return server->stopping;
}

void
http_server_count_request(HttpServer *server, int difference)
{
  g_mutex_lock(&server->mutex);
  server->n_requests += difference;
  g_cond_signal(&server->all_ended);
  g_mutex_unlock(&server->mutex);
}

const double http_stats_bounds_s[HTTP_STATS_N_BUCKETS] = {0.005, 0.025, 0.1, 0.5, 1, 5, 30, 300, 3600};

void
http_server_note_request(HttpServer *server, guint status, double duration_s)
{
  gsize bucket = 0;
  while (bucket < HTTP_STATS_N_BUCKETS && duration_s > http_stats_bounds_s[bucket])
    bucket++;
  g_mutex_lock(&server->mutex);
  server->stats.by_class[status / 100 < G_N_ELEMENTS(server->stats.by_class) ? status / 100 : 0]++;
  server->stats.buckets[bucket]++;
  server->stats.sum_s += duration_s;
  g_mutex_unlock(&server->mutex);
}

void
http_server_stats(HttpServer *server, HttpStats *ret_stats)
{
  g_mutex_lock(&server->mutex);
  *ret_stats = server->stats;
  g_mutex_unlock(&server->mutex);
}
