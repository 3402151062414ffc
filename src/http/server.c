#include "http/server.h"

#include "base/error.h"
#include "base/log.h"
#include "http/internal.h"
#include "http/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTION_MEMORY_BYTES (64 * 1024) /* bounds the headers; the rest is the buffer of bodies */
#define STREAM_BLOCK_BYTES      (64 * 1024)
#define STOP_PATIENCE_US        (3 * G_USEC_PER_SEC)
#define LINGER_MS               30000
#define LINGER_IDLE_MS          10000 /* a client may have a lot to prepare between headers and body */

struct HttpServer {
  HttpServerOptions options;
  char *url;
  HttpRouter *router;
  HttpGuard guard;
  gpointer guard_data;
  HttpWatch *watch;
  struct MHD_Daemon *daemon;
  GCancellable *stopping;
  GMutex mutex;
  GCond all_ended;
  guint n_requests; /* between their first line and their end */
};

/* A download over HTTP/1.0 ends with its connection: only a reset tells that it is not whole. Disconnecting sends one
 * at once, whereas libmicrohttpd would say a proper goodbye first. */
static void
reset_connection(int fd)
{
  const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
  const struct linger hard = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  if (connect(fd, &nowhere, sizeof nowhere) != 0)
    shutdown(fd, SHUT_RDWR);
}

/* libmicrohttpd sends them behind the last chunk, if it sends chunks. */
static void
add_trailers(HttpResponse *response)
{
  for (guint i = 0; response->trailers != NULL && i < response->trailers->len; i++) {
    const HttpHeader *trailer = &g_array_index(response->trailers, HttpHeader, i);
    MHD_add_response_footer(response->sent, trailer->name, trailer->value);
  }
}

static ssize_t
on_stream_read(void *cls, uint64_t position, char *buffer, size_t size)
{
  (void)position;
  HttpRequest *request = cls;
  g_autoptr(GError) error = NULL;
  gssize n = request->response->read(request->response->stream, (guint8 *)buffer, size, &error);
  if (n > 0) {
    request->sent_bytes += (guint64)n;
    return n;
  }
  if (n == 0) {
    add_trailers(request->response);
    return MHD_CONTENT_READER_END_OF_STREAM;
  }
  request->failure = g_strdup(error->message);
  if (request->is_http_1_0)
    reset_connection(request->fd);
  return MHD_CONTENT_READER_END_WITH_ERROR;
}

static gboolean
has_header(const GArray *headers, const char *name)
{
  for (guint i = 0; i < headers->len; i++) {
    if (g_ascii_strcasecmp(g_array_index(headers, HttpHeader, i).name, name) == 0)
      return TRUE;
  }
  return FALSE;
}

/* What every reply carries unless it says otherwise itself. */
static void
add_default_headers(HttpRequest *request, HttpResponse *response)
{
  static const HttpHeader defaults[] = {
      {(char *)"Cache-Control", (char *)"no-store"},
      {(char *)"X-Content-Type-Options", (char *)"nosniff"},
      {(char *)"Referrer-Policy", (char *)"no-referrer"},
      {(char *)"X-Frame-Options", (char *)"DENY"},
      {(char *)"Content-Security-Policy", (char *)"default-src 'none'; frame-ancestors 'none'"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(defaults); i++) {
    if (!has_header(response->headers, defaults[i].name) && !has_header(request->reply_headers, defaults[i].name))
      http_response_set_header(response, defaults[i].name, defaults[i].value);
  }
  http_response_set_header(response, "X-Request-Id", request->id);
}

static struct MHD_Response *
make_mhd_response(HttpRequest *request, HttpResponse *response)
{
  struct MHD_Response *made =
      response->read != NULL
          ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, on_stream_read, request, NULL)
          : MHD_create_response_from_buffer(response->body_size, response->body, MHD_RESPMEM_PERSISTENT);
  const GArray *all[] = {request->reply_headers, response->headers};
  for (gsize i = 0; i < G_N_ELEMENTS(all); i++) {
    for (guint j = 0; j < all[i]->len; j++) {
      const HttpHeader *header = &g_array_index(all[i], HttpHeader, j);
      MHD_add_response_header(made, header->name, header->value);
    }
  }
  return made;
}

/* The request keeps the response: libmicrohttpd lets go of its own only after the request was completed. */
static enum MHD_Result
send_response(HttpRequest *request, HttpResponse *response)
{
  add_default_headers(request, response);
  request->response = response;
  request->status = response->status;
  request->sent_bytes = http_request_is_head(request) ? 0 : response->body_size;
  http_watched_set_deadline(request->watched, response->read != NULL ? 0 : HTTP_REPLY_TIMEOUT_MS, NULL, NULL);
  struct MHD_Response *made = make_mhd_response(request, response);
  response->sent = made;
  enum MHD_Result result = MHD_queue_response(request->connection, response->status, made);
  MHD_destroy_response(made);
  return result;
}

static HttpResponse *
error_response(HttpRequest *request, const GError *error)
{
  if (request->failure == NULL)
    request->failure = g_strdup(error->message);
  return http_response_for_error(request, error);
}

static gboolean
may_have_body(HttpRequest *request)
{
  return http_request_content_length(request) > 0 || http_request_header(request, "Transfer-Encoding") != NULL;
}

/* Answers before the body was read. A small body is read all the same, which keeps the connection; a large one is not,
 * and finish_unread then sees to it that the client gets the answer. */
static enum MHD_Result
refuse_early(HttpRequest *request, const GError *error)
{
  HttpResponse *response = error_response(request, error);
  gint64 length = http_request_content_length(request);
  if (!may_have_body(request) || (length > 0 && length <= HTTP_MAX_BODY_BYTES)) {
    request->body_state = BODY_DISCARD;
    request->pending = response;
    http_watched_set_deadline(request->watched, HTTP_HEADER_TIMEOUT_MS, NULL, NULL);
    return MHD_YES;
  }
  request->is_body_unread = TRUE;
  return send_response(request, response);
}

/* libmicrohttpd takes no response in the middle of a body: this writes it to the socket itself. */
static void
send_directly(HttpRequest *request, const GError *error)
{
  g_autoptr(HttpResponse) response = error_response(request, error);
  add_default_headers(request, response);
  request->status = response->status;
  request->sent_bytes = response->body_size;
  request->is_body_unread = TRUE;
  GString *text = http_response_as_text(request, response);
  /* It fits an empty send buffer; a client for which it does not gets none. */
  if (send(request->fd, text->str, text->len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
    request->sent_bytes = 0;
  g_string_free(text, TRUE);
}

/* On the watch's thread, while the connection's own waits for the client; that one wakes up and ends the request. */
static void
on_upload_stalled(gpointer user_data)
{
  HttpRequest *request = user_data;
  g_atomic_int_set(&request->is_timed_out, TRUE);
}

static void
answer_stalled(HttpRequest *request)
{
  g_autoptr(GError) error = NULL;
  error_set(&error, CCH_ERROR_REQUEST_TIMEOUT, "nothing was received for %u seconds",
            request->server->options.upload_idle_timeout_s);
  send_directly(request, error);
}

static void
expect_upload(HttpRequest *request)
{
  http_watched_set_deadline(request->watched, request->server->options.upload_idle_timeout_s * 1000, on_upload_stalled,
                            request);
}

/* A client that can send neither PATCH nor DELETE sends a POST and names them in a header. */
static gboolean
find_overridden_route(HttpRequest *request)
{
  const char *method = http_request_header(request, "X-HTTP-Method-Override");
  g_autofree char *allow = NULL;
  if (method == NULL || strcmp(request->method, "POST") != 0 ||
      !http_router_match(request->server->router, method, request->path, &request->match, &allow, NULL))
    return FALSE;
  if (request->match.route->flags & HTTP_ROUTE_OVERRIDE)
    return TRUE;
  http_match_clear(&request->match);
  return FALSE;
}

static gboolean
find_route(HttpRequest *request, GError **error)
{
  g_autofree char *allow = NULL;
  if (find_overridden_route(request) ||
      http_router_match(request->server->router, request->method, request->path, &request->match, &allow, error))
    return TRUE;
  if (allow != NULL)
    http_request_set_reply_header(request, "Allow", allow);
  return FALSE;
}

/* `route` may be NULL, while the body of a request that was refused is thrown away. */
static gboolean
check_body_size(const HttpRoute *route, gint64 bytes, GError **error)
{
  gint64 limit = route != NULL && route->max_body_bytes > 0 ? (gint64)route->max_body_bytes : HTTP_MAX_BODY_BYTES;
  if (bytes <= limit)
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_TOO_LARGE, "the limit is %" G_GINT64_FORMAT " bytes", limit);
  return FALSE;
}

/* Everything that can be decided from the headers alone. */
static gboolean
admit(HttpRequest *request, GError **error)
{
  HttpServer *server = request->server;
  if (!find_route(request, error))
    return FALSE;
  const HttpRoute *route = request->match.route;
  if (server->guard != NULL && !server->guard(request, route->flags, server->guard_data, error))
    return FALSE;
  request->query = http_query_parse(request->query_text, route->query, error);
  if (request->query == NULL)
    return FALSE;
  if (route->upload != NULL) {
    request->upload = route->upload->begin(request, request->match.context, error);
    request->body_state = BODY_UPLOAD;
    return request->upload != NULL;
  }
  if (!check_body_size(route, http_request_content_length(request), error))
    return FALSE;
  request->body_state = BODY_COLLECT;
  return TRUE;
}

static enum MHD_Result
begin_request(HttpRequest *request, const char *method, const char *version)
{
  http_request_read_headers(request, method, request->server->options.trust_proxy);
  request->is_http_1_0 = strcmp(version, "HTTP/1.0") == 0;
  http_watched_set_deadline(request->watched, 0, NULL, NULL);
  g_autoptr(GError) error = NULL;
  if (!admit(request, &error))
    return refuse_early(request, error);
  if (request->body_state == BODY_UPLOAD)
    expect_upload(request);
  else
    http_watched_set_deadline(request->watched, HTTP_HEADER_TIMEOUT_MS, NULL, NULL);
  return MHD_YES;
}

static gboolean
take_body(HttpRequest *request, const guint8 *data, gsize size, GError **error)
{
  request->body_bytes += size;
  if (request->body_state == BODY_UPLOAD)
    return request->match.route->upload->write(request->upload, data, size, error);
  if (!check_body_size(request->match.route, (gint64)request->body_bytes, error))
    return FALSE;
  if (request->body_state == BODY_COLLECT) {
    if (request->body == NULL)
      request->body = g_byte_array_new();
    g_byte_array_append(request->body, data, (guint)size);
  }
  return TRUE;
}

static enum MHD_Result
receive_body(HttpRequest *request, const char *data, size_t *size)
{
  if (request->body_state == BODY_UPLOAD) {
    http_watched_set_deadline(request->watched, 0, NULL, NULL); /* our own slowness does not count */
    if (g_atomic_int_get(&request->is_timed_out))
      return MHD_NO;
  }
  g_autoptr(GError) error = NULL;
  if (!take_body(request, (const guint8 *)data, *size, &error)) {
    send_directly(request, error);
    return MHD_NO;
  }
  *size = 0;
  if (request->body_state == BODY_UPLOAD)
    expect_upload(request);
  return MHD_YES;
}

static enum MHD_Result
answer_request(HttpRequest *request)
{
  http_watched_set_deadline(request->watched, 0, NULL, NULL);
  if (g_atomic_int_get(&request->is_timed_out))
    return MHD_NO;
  if (request->pending != NULL)
    return send_response(request, g_steal_pointer(&request->pending));
  const HttpRoute *route = request->match.route;
  g_autoptr(GError) error = NULL;
  HttpResponse *response = request->body_state == BODY_UPLOAD ? route->upload->end(request->upload, &error)
                                                              : route->handler(request, request->match.context, &error);
  if (response == NULL)
    response = error_response(request, error);
  return send_response(request, response);
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
           const char *upload_data, size_t *upload_data_size, void **con_cls)
{
  (void)cls;
  (void)connection;
  (void)url;
  HttpRequest *request = *con_cls;
  if (!request->is_started) {
    request->is_started = TRUE;
    return begin_request(request, method, version);
  }
  if (*upload_data_size > 0)
    return receive_body(request, upload_data, upload_data_size);
  return answer_request(request);
}

static void *
on_request_line(void *cls, const char *target, struct MHD_Connection *connection)
{
  HttpServer *server = cls;
  HttpWatched *watched = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
  g_mutex_lock(&server->mutex);
  server->n_requests++;
  g_mutex_unlock(&server->mutex);
  return http_request_new(server, connection, watched, target, server->stopping);
}

static void
log_request(const HttpRequest *request, enum MHD_RequestTerminationCode how)
{
  char status[8], ms[24], bytes_in[24], bytes_out[24];
  g_snprintf(status, sizeof status, "%u", request->status);
  g_snprintf(ms, sizeof ms, "%" G_GINT64_FORMAT, (g_get_monotonic_time() - request->started_us) / 1000);
  g_snprintf(bytes_in, sizeof bytes_in, "%" G_GUINT64_FORMAT, request->body_bytes);
  g_snprintf(bytes_out, sizeof bytes_out, "%" G_GUINT64_FORMAT, request->sent_bytes);
  gboolean is_cut = request->response != NULL && how != MHD_REQUEST_TERMINATED_COMPLETED_OK;
  gboolean is_ours = request->status >= 500;
  log_event(is_ours ? LOG_WARNING : LOG_INFO, "request", "id", request->id, "method", request->method, "path",
            request->path, "status", status, "ms", ms, "in", bytes_in, "out", bytes_out, "ip", request->client_ip,
            "who", request->who, "ended", request->status == 0 || is_cut ? "broken off" : NULL, "reason",
            request->failure, NULL);
}

/* The client may still be sending a body that nobody reads. Closing now would reset the connection, and the reset could
 * overtake the answer: so say that nothing more comes, and let the client notice while we throw away what it sends. */
static void
finish_unread(HttpServer *server, int fd)
{
  shutdown(fd, SHUT_WR);
  char discarded[64 * 1024];
  gint64 now_us = g_get_monotonic_time(), end_us = now_us + LINGER_MS * 1000, idle_us = now_us;
  while (now_us < end_us && now_us - idle_us < LINGER_IDLE_MS * 1000 && !g_cancellable_is_cancelled(server->stopping)) {
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    if (poll(&readable, 1, 100) > 0) {
      ssize_t n = recv(fd, discarded, sizeof discarded, MSG_DONTWAIT);
      if (n <= 0)
        return;
      idle_us = g_get_monotonic_time();
    }
    now_us = g_get_monotonic_time();
  }
}

static void
on_completed(void *cls, struct MHD_Connection *connection, void **con_cls, enum MHD_RequestTerminationCode how)
{
  (void)connection;
  HttpServer *server = cls;
  HttpRequest *request = g_steal_pointer(con_cls);
  if (request == NULL)
    return;
  HttpWatched *watched = request->watched;
  http_watched_set_deadline(watched, HTTP_HEADER_TIMEOUT_MS, NULL, NULL);
  if (how != MHD_REQUEST_TERMINATED_COMPLETED_OK)
    g_cancellable_cancel(request->cancellable);
  if (request->upload != NULL)
    request->match.route->upload->free(request->upload);
  if (g_atomic_int_get(&request->is_timed_out) && request->status == 0)
    answer_stalled(request);
  log_request(request, how);
  int unread_fd = request->is_body_unread ? request->fd : -1;
  http_response_free(request->response);
  http_request_free(request);
  if (unread_fd >= 0)
    finish_unread(server, unread_fd);
  g_mutex_lock(&server->mutex);
  server->n_requests--;
  g_cond_signal(&server->all_ended);
  g_mutex_unlock(&server->mutex);
}

/* A peer whose machine vanished must not keep a stalled download for ever. */
static void
keep_alive(int fd)
{
  const int on = 1, idle_s = 30, interval_s = 10, probes = 3;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

static void
on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
              enum MHD_ConnectionNotificationCode what)
{
  HttpServer *server = cls;
  if (what == MHD_CONNECTION_NOTIFY_STARTED) {
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    keep_alive(fd);
    *socket_context = http_watch_add(server->watch, fd);
    http_watched_set_deadline(*socket_context, HTTP_HEADER_TIMEOUT_MS, NULL, NULL);
  } else {
    http_watch_remove(g_steal_pointer(socket_context));
  }
}

/* The router decodes, after it has split. */
static size_t
keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
  (void)cls;
  (void)connection;
  return strlen(text);
}

HttpServer *
http_server_new(const HttpServerOptions *options)
{
  HttpServer *server = g_new0(HttpServer, 1);
  server->options = *options;
  server->options.address = g_strdup(options->address);
  server->router = http_router_new();
  server->watch = http_watch_new();
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
  guint flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC;
  if (server->options.address != NULL) {
    fd = http_listen(server->options.address, server->options.port, &server->url, error);
    if (fd < 0)
      return FALSE;
  } else {
    flags |= MHD_USE_NO_LISTEN_SOCKET;
  }
  /* Timeouts are the watch's. */
  server->daemon = MHD_start_daemon(
      flags, 0, NULL, NULL, on_request, server, MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_MAX_CONNECTIONS,
      MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
      MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
      MHD_OPTION_URI_LOG_CALLBACK, on_request_line, server, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
      MHD_OPTION_STRICT_FOR_CLIENT, 1, fd >= 0 ? MHD_OPTION_LISTEN_SOCKET : MHD_OPTION_END, fd, MHD_OPTION_END);
  if (server->daemon != NULL)
    return TRUE;
  if (fd >= 0)
    close(fd);
  error_set(error, CCH_ERROR_INTERNAL, "the HTTP server could not be started");
  return FALSE;
}

const char *
http_server_url(const HttpServer *server)
{
  return server->url;
}

gboolean
http_server_adopt(HttpServer *server, int fd)
{
  struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return MHD_add_connection(server->daemon, fd, (struct sockaddr *)&nobody, sizeof nobody) == MHD_YES;
}

void
http_server_stop(HttpServer *server)
{
  if (server->daemon == NULL)
    return;
  if (server->options.address != NULL) {
    MHD_socket fd = MHD_quiesce_daemon(server->daemon);
    if (fd != MHD_INVALID_SOCKET)
      close(fd);
  }
  g_cancellable_cancel(server->stopping);
  /* Whoever can still be told why, is told; a client that reads nothing is cut off by the stop, which waits for every
   * request's end. */
  gint64 until_us = g_get_monotonic_time() + STOP_PATIENCE_US;
  g_mutex_lock(&server->mutex);
  while (server->n_requests > 0 && g_cond_wait_until(&server->all_ended, &server->mutex, until_us))
    continue;
  g_mutex_unlock(&server->mutex);
  MHD_stop_daemon(g_steal_pointer(&server->daemon));
}

void
http_server_free(HttpServer *server)
{
  if (server == NULL)
    return;
  http_server_stop(server);
  http_watch_free(server->watch);
  http_router_free(server->router);
  g_object_unref(server->stopping);
  g_mutex_clear(&server->mutex);
  g_cond_clear(&server->all_ended);
  g_free((char *)server->options.address);
  g_free(server->url);
  g_free(server);
}
