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
