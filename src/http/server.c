#include "http/server.h"

#include "http/internal.h"
#include "http/server_state.h"

#define STOP_PATIENCE_US (3 * G_USEC_PER_SEC)

HttpServer *
http_server_new(const HttpServerOptions *options)
{
  HttpServer *server = g_new0(HttpServer, 1);
  server->options = *options;
  server->options.address = g_strdup(options->address);
  server->options.base_path = g_strdup(options->base_path);
  server->router = http_router_new();
  server->stopping = g_cancellable_new();
  g_mutex_init(&server->mutex);
  g_cond_init(&server->all_ended);
  return server;
}

void
http_server_add_routes(HttpServer *server, const HttpRoute *const *tables, gpointer context)
{
  http_router_add(server->router, tables, context);
}

void
http_server_set_guard(HttpServer *server, HttpGuard guard, gpointer user_data)
{
  server->guard = guard;
  server->guard_data = user_data;
}

gboolean
http_server_start(HttpServer *server, GError **error)
{
  int fd = -1;
  if (server->options.address != NULL) {
    fd = http_listen(server->options.address, server->options.port, &server->url, error);
    if (fd < 0)
      return FALSE;
  }
  server->loop = http_loop_new(fd, &http_exchange_functions, server);
  return TRUE;
}

const char *
http_server_url(const HttpServer *server)
{
  return server->url;
}

void
http_server_adopt(HttpServer *server, int fd)
{
  http_loop_adopt(server->loop, fd);
}

gboolean
http_server_turns(HttpServer *server, guint timeout_ms)
{
  return http_loop_turns(server->loop, timeout_ms);
}

static void
stop_server(HttpServer *server)
{
  if (server->loop == NULL)
    return;
  http_loop_quiesce(server->loop);
  g_cancellable_cancel(server->stopping);
  /* Clients that still read get their last replies; others are cut off. */
  gint64 until_us = g_get_monotonic_time() + STOP_PATIENCE_US;
  g_mutex_lock(&server->mutex);
  while (server->n_requests > 0 && g_cond_wait_until(&server->all_ended, &server->mutex, until_us))
    continue;
  g_mutex_unlock(&server->mutex);
  http_loop_cut(server->loop);
  g_mutex_lock(&server->mutex);
  while (server->n_requests > 0)
    g_cond_wait(&server->all_ended, &server->mutex);
  g_mutex_unlock(&server->mutex);
  g_clear_pointer(&server->loop, http_loop_free);
}

void
http_server_free(HttpServer *server)
{
  if (server == NULL)
    return;
  stop_server(server);
  http_router_free(server->router);
  g_object_unref(server->stopping);
  g_mutex_clear(&server->mutex);
  g_cond_clear(&server->all_ended);
  g_free((char *)server->options.address);
  g_free((char *)server->options.base_path);
  g_free(server->url);
  g_free(server);
}
