/* The HTTP server.
 *
 * An event loop (loop.h) holds the connections that wait for their clients. Threads process the requests: a handler
 * may wait, a slow download slows its source, and a cancelled operation is awaited where it was started. Bounded:
 * connections, requests in progress, header and body sizes, the time for headers, small bodies and replies, the
 * pauses of an upload or a download. An event stream may pause as long as its client stays, because nobody waits for
 * it. */
#pragma once

#include "http/handler.h"

typedef struct HttpServer HttpServer;

#define HTTP_MAX_BODY_BYTES (64 * 1024) /* for a route that is not an upload and has no limit of its own */

typedef struct {
  const char *address; /* NULL: no listening socket; connections come from http_server_adopt */
  guint16 port;
  guint upload_idle_timeout_s;
  guint download_idle_timeout_s; /* 0: no limit */
  gboolean trust_proxy;
  const char *base_path; /* "/cch"; NULL: from a trusted proxy's X-Forwarded-Prefix, or none */
} HttpServerOptions;

/* Decides about access before the first byte of the body is used; sets the actor. */
typedef gboolean (*HttpGuard)(HttpRequest *request, guint route_flags, gpointer user_data, GError **error);

HttpServer *http_server_new(const HttpServerOptions *options);
/* Call before start; as http_router_add. */
void http_server_add_routes(HttpServer *server, const HttpRoute *const *tables, gpointer context);
void http_server_set_guard(HttpServer *server, HttpGuard guard, gpointer user_data);

/* Whether `path` is a valid base path: "", or segments of unreserved characters, "/a/b". */
gboolean http_base_path_is_valid(const char *path);

/* CONFIG */
gboolean http_server_start(HttpServer *server, GError **error);
const char *http_server_url(const HttpServer *server); /* once started */
/* Serves a connected socket, which it owns from now on. */
void http_server_adopt(HttpServer *server, int fd);

/* Whether connections are looked after, however many requests are in progress: for a watchdog. */
gboolean http_server_turns(HttpServer *server, guint timeout_ms);

/* The requests since the start. */
#define HTTP_STATS_N_BUCKETS 9
extern const double http_stats_bounds_s[HTTP_STATS_N_BUCKETS]; /* of the buckets; there is one more above them */
typedef struct {
  guint64 by_class[6]; /* of the status, 1xx to 5xx; 0: broken off before an answer */
  guint64
      buckets[HTTP_STATS_N_BUCKETS + 1]; /* requests that took no longer than the bound, and longer than those before */
  double sum_s;
} HttpStats;
void http_server_stats(HttpServer *server, HttpStats *ret_stats);

/* Stops accepting, cancels every request's cancellable, and waits until all have ended. NULL is ignored. */
void http_server_free(HttpServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpServer, http_server_free)
