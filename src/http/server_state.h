/* The state of a server, used by the requests (exchange.c, request.c). */
#pragma once

#include "http/internal.h"
#include "http/server.h"

struct HttpServer {
  HttpServerOptions options;
  char *url;
  HttpRouter *router;
  HttpGuard guard;
  gpointer guard_data;
  HttpLoop *loop; /* NULL: not started */
  GCancellable *stopping;
  GMutex mutex;
  GCond all_ended;
  gint n_requests; /* between their heads and their ends */
  HttpStats stats;
};
