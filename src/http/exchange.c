/* One request and its reply. A worker runs the steps: admit and receive, handle, end. Between them the loop may hold
 * the connection, until a body has come or a reply has been read. */
#include "base/error.h"
#include "base/log.h"
#include "http/internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define UPLOAD_BLOCK_BYTES (256 * 1024)

/* --- end --- */

static void
log_request(const HttpRequest *request, gboolean is_broken)
{
  char status[8], ms[24], bytes_in[24], bytes_out[24];
  g_snprintf(status, sizeof status, "%u", request->status);
  g_snprintf(ms, sizeof ms, "%" G_GINT64_FORMAT, (g_get_monotonic_time() - request->started_us) / 1000);
  g_snprintf(bytes_in, sizeof bytes_in, "%" G_GUINT64_FORMAT, request->body_bytes);
  g_snprintf(bytes_out, sizeof bytes_out, "%" G_GUINT64_FORMAT, request->sent_bytes);
  gboolean is_ours = request->status >= 500;
  log_event(is_ours ? LOG_WARNING : LOG_INFO, "request", "id", request->id, "method", http_request_method(request),
            "path", request->path, "status", status, "ms", ms, "in", bytes_in, "out", bytes_out, "ip",
            request->client_ip, "who", request->who, "ended", request->status == 0 || is_broken ? "broken off" : NULL,
            "reason", request->failure, NULL);
}

static void
end_request(HttpConnection *connection)
{
  HttpRequest *request = connection->request;
  HttpServer *server = request->server;
  gboolean is_broken = connection->is_broken;
  if (is_broken)
    g_cancellable_cancel(request->cancellable);
  if (request->upload != NULL)
    request->match.route->upload->free(request->upload);
  log_request(request, is_broken);
  http_server_note_request(server, request->status, (double)(g_get_monotonic_time() - request->started_us) / 1e6);
  g_clear_pointer(&request->response, http_response_free); /* its stream may refer to the request */
  gboolean must_close = request->must_close || request->framing.state != HTTP_BODY_COMPLETE;
  http_request_free(request);
  connection->request = NULL;
  http_loop_give_back(connection, is_broken ? HTTP_NEXT_CLOSE : must_close ? HTTP_NEXT_LINGER : HTTP_NEXT_HEAD);
  http_server_count_request(server, -1);
}

/* --- replies --- */

static gboolean
has_header(const GArray *headers, const char *name)
{
  for (guint i = 0; i < headers->len; i++) {
    if (g_ascii_strcasecmp(g_array_index(headers, HttpHeader, i).name, name) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Headers of every reply that does not set them itself. */
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

static HttpResponse *
error_response(HttpRequest *request, const GError *error)
{
  if (request->failure == NULL)
    request->failure = g_strdup(error->message);
  return http_response_for_error(request, error);
}

/* Makes this the request's reply, with head and body as the connection's output. A streamed reply has no body yet. */
static void
prepare_reply(HttpRequest *request, HttpResponse *response)
{
  HttpConnection *connection = request->connection;
  add_default_headers(request, response);
  request->response = response;
  request->phase = HTTP_PHASE_ANSWERED;
  request->status = response->status;
  if (request->framing.state != HTTP_BODY_COMPLETE)
    request->must_close = TRUE; /* the rest of the body would be read as a request */
  http_output_clear(&connection->output);
  connection->output.text = http_response_head(request, response);
  if (!http_request_is_head(request) && response->read == NULL && response->events == NULL) {
    connection->output.body = response->body;
    connection->output.body_size = response->body_size;
    request->sent_bytes = response->body_size;
  }
}

static void
send_download(HttpRequest *request)
{
  HttpConnection *connection = request->connection;
  connection->is_broken = !http_download_send(request);
  if (!http_response_is_chunked(request, request->response))
    request->must_close = TRUE;
  end_request(connection);
}

static void
send_reply(HttpRequest *request, HttpResponse *response)
{
  HttpConnection *connection = request->connection;
  prepare_reply(request, response);
  if (response->read != NULL) {
    send_download(request);
    return;
  }
  if (response->events != NULL && !http_request_is_head(request)) {
    http_loop_give_back(connection, HTTP_NEXT_EVENTS);
    return;
  }
  HttpOutputResult result = http_output_send(&connection->output, connection->fd);
  if (result == HTTP_OUTPUT_BLOCKED) {
    http_loop_give_back(connection, HTTP_NEXT_WRITE);
    return;
  }
  connection->is_broken = result == HTTP_OUTPUT_BROKEN;
  end_request(connection);
}

static void
reply_error(HttpRequest *request, const GError *error)
{
  send_reply(request, error_response(request, error));
}

/* --- access --- */

/* A client that can send neither PATCH nor DELETE sends a POST with the method in a header. */
static gboolean
find_overridden_route(HttpRequest *request)
{
  const char *method = http_request_header(request, "X-HTTP-Method-Override");
  g_autofree char *allow = NULL;
  if (method == NULL || strcmp(http_request_method(request), "POST") != 0 ||
      !http_router_match(http_server_router(request->server), method, request->path, &request->match, &allow, NULL))
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
      http_router_match(http_server_router(request->server), http_request_method(request), request->path,
                        &request->match, &allow, error))
    return TRUE;
  if (allow != NULL)
    http_request_set_reply_header(request, "Allow", allow);
  return FALSE;
}

static gboolean
check_body_size(const HttpRoute *route, gint64 bytes, GError **error)
{
  gint64 limit = route->max_body_bytes > 0 ? (gint64)route->max_body_bytes : HTTP_MAX_BODY_BYTES;
  if (bytes <= limit)
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_TOO_LARGE, "the limit is %" G_GINT64_FORMAT " bytes", limit);
  return FALSE;
}

/* All checks that need only the head. */
static gboolean
check_head(HttpRequest *request, GError **error)
{
  if (!find_route(request, error))
    return FALSE;
  const HttpRoute *route = request->match.route;
  if (!http_server_guard(request->server, request, route->flags, error))
    return FALSE;
  request->query = http_query_parse(request->head->query, route->query, error);
  if (request->query == NULL)
    return FALSE;
  return route->upload != NULL || check_body_size(route, http_request_content_length(request), error);
}

/* --- bodies --- */

static gboolean
keep_body(HttpRequest *request, const guint8 *piece, gsize size, GError **error)
{
  if (!check_body_size(request->match.route, (gint64)request->body_bytes, error))
    return FALSE;
  if (request->body == NULL)
    request->body = g_byte_array_new();
  g_byte_array_append(request->body, piece, (guint)size);
  return TRUE;
}

/* Passes on the received part of the body; discards it if the request is refused. */
static gboolean
take_body(HttpRequest *request, const guint8 *data, gsize size, gsize *ret_taken, GError **error)
{
  const HttpUpload *upload = request->upload != NULL ? request->match.route->upload : NULL;
  gsize taken = 0;
  while (taken < size && request->framing.state != HTTP_BODY_COMPLETE) {
    const guint8 *piece;
    gsize piece_size;
    gssize n = http_body_take(&request->framing, data + taken, size - taken, &piece, &piece_size, error);
    if (n < 0)
      return FALSE;
    taken += (gsize)n;
    request->body_bytes += piece_size;
    if (piece_size == 0)
      continue;
    if (upload != NULL ? !upload->write(request->upload, piece, piece_size, error)
                       : request->query != NULL && !keep_body(request, piece, piece_size, error))
      return FALSE;
  }
  *ret_taken = taken;
  return TRUE;
}

/* Uses the bytes that the connection has received already. */
static gboolean
take_received(HttpRequest *request, GError **error)
{
  GByteArray *in = request->connection->in;
  gsize taken = 0;
  if (in->len == 0)
    return TRUE;
  if (!take_body(request, in->data, in->len, &taken, error))
    return FALSE;
  if (taken > 0)
    g_byte_array_remove_range(in, 0, (guint)taken);
  return TRUE;
}

static gboolean
collect_body(HttpConnection *connection)
{
  HttpRequest *request = connection->request;
  return !take_received(request, &request->body_error) || request->framing.state == HTTP_BODY_COMPLETE;
}

static void
invite_body(HttpRequest *request)
{
  static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
  if (!request->head->expects_continue || request->is_continue_sent || request->body_bytes > 0)
    return;
  request->is_continue_sent = TRUE;
  /* It fits into an empty send buffer. If it does not, the client sends its body without it. */
  if (send(request->connection->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
    return;
}

/* REQUEST_TIMEOUT if the client stalls, CANCELLED if the service stops; -1 with CANCELLED and a broken connection if
 * the client has left. */
static gssize
receive_block(HttpRequest *request, guint8 *block, GError **error)
{
  HttpConnection *connection = request->connection;
  guint timeout_s = http_server_options(request->server)->upload_idle_timeout_s;
  for (;;) {
    ssize_t n = recv(connection->fd, block, UPLOAD_BLOCK_BYTES, MSG_DONTWAIT);
    if (n > 0)
      return n;
    gboolean is_late = FALSE;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      if (http_wait_for_client(request, POLLIN, (int)timeout_s * 1000, &is_late))
        continue;
    } else {
      connection->is_broken = TRUE;
    }
    if (is_late)
      error_set(error, CCH_ERROR_REQUEST_TIMEOUT, "nothing was received for %u seconds", timeout_s);
    else
      error_set(error, CCH_ERROR_CANCELLED, "during the upload");
    return -1;
  }
}

static gboolean
receive_upload(HttpRequest *request, guint8 *block, GError **error)
{
  if (!take_received(request, error))
    return FALSE;
  while (request->framing.state != HTTP_BODY_COMPLETE) {
    gsize taken;
    gssize n = receive_block(request, block, error);
    if (n < 0 || !take_body(request, block, (gsize)n, &taken, error))
      return FALSE;
    g_byte_array_append(request->connection->in, block + taken, (guint)((gsize)n - taken));
  }
  return TRUE;
}

static void
handle_upload(HttpRequest *request)
{
  const HttpUpload *upload = request->match.route->upload;
  g_autoptr(GError) error = NULL;
  request->upload = upload->begin(request, request->match.context, &error);
  if (request->upload == NULL) {
    reply_error(request, error);
    return;
  }
  invite_body(request);
  g_autofree guint8 *block = g_malloc(UPLOAD_BLOCK_BYTES);
  gboolean is_whole = receive_upload(request, block, &error);
  g_clear_pointer(&block, g_free);
  HttpResponse *response = is_whole ? upload->end(request->upload, &error) : NULL;
  if (request->connection->is_broken)
    end_request(request->connection);
  else
    send_reply(request, response != NULL ? response : error_response(request, error));
}

static void
run_handler(HttpRequest *request)
{
  const HttpRoute *route = request->match.route;
  g_autoptr(GError) error = g_steal_pointer(&request->body_error);
  HttpResponse *response = error == NULL ? route->handler(request, request->match.context, &error) : NULL;
  send_reply(request, response != NULL ? response : error_response(request, error));
}

/* --- called by the loop --- */

static void
admit_request(HttpRequest *request)
{
  HttpConnection *connection = request->connection;
  g_autoptr(GError) error = NULL;
  request->phase = HTTP_PHASE_BODY;
  if (!check_head(request, &error)) {
    g_clear_pointer(&request->query, g_hash_table_unref); /* the body is skipped */
    gboolean is_body_good = take_received(request, NULL);
    request->must_close = request->must_close || !is_body_good;
    reply_error(request, error);
  } else if (request->match.route->upload != NULL) {
    handle_upload(request);
  } else if (collect_body(connection)) {
    run_handler(request);
  } else {
    invite_body(request);
    http_loop_give_back(connection, HTTP_NEXT_BODY);
  }
}

static void
run_request(HttpConnection *connection)
{
  HttpRequest *request = connection->request;
  if (connection->is_broken || request->phase == HTTP_PHASE_ANSWERED)
    end_request(connection);
  else if (request->phase == HTTP_PHASE_BODY)
    run_handler(request);
  else
    admit_request(request);
}

static void
begin_request(HttpConnection *connection, HttpHead *head)
{
  http_server_count_request(connection->server, 1);
  connection->request = http_request_new(connection->server, connection, head);
}

/* Only the client's address is known; the answer is in the default language. */
static void
answer_malformed(HttpConnection *connection, const GError *error)
{
  HttpRequest *request = http_request_new(connection->server, connection, NULL);
  HttpResponse *response = http_response_for_error(request, error);
  add_default_headers(request, response);
  http_output_clear(&connection->output);
  connection->output.text = http_response_head(request, response);
  g_string_append_len(connection->output.text, response->body, (gssize)response->body_size);
  http_response_free(response);
  http_request_free(request);
}

static gsize
held_bytes(const HttpConnection *connection)
{
  const HttpRequest *request = connection->request;
  return (request->head != NULL ? request->head->size : 0) + (request->body != NULL ? request->body->len : 0) +
         http_response_held_bytes(request->response);
}

static SseQueue *
events_of(const HttpConnection *connection)
{
  return connection->request->response->events;
}

static void
put_frame(HttpConnection *connection, const char *frame)
{
  HttpRequest *request = connection->request;
  gsize length = frame != NULL ? strlen(frame) : 0;
  http_output_clear(&connection->output);
  connection->output.text = g_string_new(NULL);
  request->sent_bytes += length;
  if (!http_response_is_chunked(request, request->response))
    g_string_append(connection->output.text, frame != NULL ? frame : "");
  else if (frame != NULL)
    g_string_append_printf(connection->output.text, "%" G_GSIZE_MODIFIER "x\r\n%s\r\n", length, frame);
  else
    g_string_append(connection->output.text, "0\r\n\r\n");
}

const HttpLoopFunctions http_exchange_functions = {
    .run = run_request,
    .begin = begin_request,
    .refuse = answer_malformed,
    .collect = collect_body,
    .held_bytes = held_bytes,
    .events = events_of,
    .put_frame = put_frame,
};
