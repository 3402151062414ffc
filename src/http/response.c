#include "http/handler.h"

#include "base/error.h"
#include "http/internal.h"

#include <string.h>

static void
header_clear(gpointer data)
{
  HttpHeader *header = data;
  g_free(header->name);
  g_free(header->value);
}

GArray *
http_headers_new(void)
{
  GArray *headers = g_array_new(FALSE, FALSE, sizeof(HttpHeader));
  g_array_set_clear_func(headers, header_clear);
  return headers;
}

/* A value from outside must not begin another header. */
void
http_headers_add(GArray *headers, const char *name, const char *value)
{
  HttpHeader header = {g_strdup(name), g_strdelimit(g_strdup(value), "\r\n", ' ')};
  g_array_append_val(headers, header);
}

HttpResponse *
http_response_empty(guint status)
{
  HttpResponse *response = g_new0(HttpResponse, 1);
  response->status = status;
  response->headers = http_headers_new();
  return response;
}

HttpResponse *
http_response_text(guint status, const char *content_type, char *text)
{
  HttpResponse *response = http_response_empty(status);
  response->body = text;
  response->body_size = strlen(text);
  http_response_set_header(response, "Content-Type", content_type);
  return response;
}

HttpResponse *
http_response_static(guint status, const char *content_type, const char *data, gsize size)
{
  HttpResponse *response = http_response_empty(status);
  response->body = (char *)data;
  response->body_size = size;
  response->is_body_static = TRUE;
  http_response_set_header(response, "Content-Type", content_type);
  return response;
}

HttpResponse *
http_response_json_text(guint status, char *json)
{
  return http_response_text(status, "application/json; charset=utf-8", json);
}

HttpResponse *
http_response_json(guint status, json_t *body)
{
  char *text = json_dumps(body, JSON_COMPACT);
  json_decref(body);
  g_assert(text != NULL);
  HttpResponse *response = http_response_json_text(status, g_strdup(text));
  free(text); /* jansson's allocator */
  return response;
}

HttpResponse *
http_response_stream(guint status, const char *content_type, HttpStreamRead read, gpointer state,
                     GDestroyNotify free_state)
{
  HttpResponse *response = http_response_empty(status);
  response->read = read;
  response->stream = state;
  response->free_stream = free_state;
  http_response_set_header(response, "Content-Type", content_type);
  return response;
}

HttpResponse *
http_response_events(SseQueue *queue, gpointer owned, GDestroyNotify free_owned)
{
  HttpResponse *response = http_response_empty(200);
  response->events = queue;
  response->stream = owned;
  response->free_stream = free_owned;
  http_response_set_header(response, "Content-Type", "text/event-stream");
  http_response_set_header(response, "Cache-Control", "no-cache, no-store");
  http_response_set_header(response, "X-Accel-Buffering", "no"); /* prevents nginx from buffering the events */
  return response;
}

void
http_response_announce_trailers(HttpResponse *response, const char *names)
{
  http_response_set_header(response, "Trailer", names);
}

void
http_response_set_trailer(HttpResponse *response, const char *name, const char *value)
{
  if (response->trailers == NULL)
    response->trailers = http_headers_new();
  http_headers_add(response->trailers, name, value);
}

void
http_response_set_header(HttpResponse *response, const char *name, const char *value)
{
  http_headers_add(response->headers, name, value);
}

void
http_response_free(HttpResponse *response)
{
  if (response == NULL)
    return;
  if (response->free_stream != NULL)
    response->free_stream(response->stream);
  sse_queue_unref(response->events);
  g_array_unref(response->headers);
  g_clear_pointer(&response->trailers, g_array_unref);
  if (!response->is_body_static)
    g_free(response->body);
  g_free(response);
}

json_t *
http_json_text(const char *text)
{
  if (text == NULL)
    return json_null();
  g_autofree char *valid = g_utf8_make_valid(text, -1);
  return json_string(valid);
}

/* {error, details, errorCode}: the format of the backup routes and the login. */
static HttpResponse *
plain_error_response(HttpRequest *request, const GError *error)
{
  const ErrorInfo *info = error_info(error);
  const char *details = request->error_details != NULL ? request->error_details : error->message;
  json_t *body = json_pack("{s:s, s:o, s:s}", "error", error_text(error, request->language), "details",
                           http_json_text(details), "errorCode", info->code);
  if (request->error_members != NULL)
    json_object_update(body, request->error_members);
  return http_response_json((guint)info->http_status, body);
}

/* application/problem+json (RFC 9457): the format of /api/v1. */
static HttpResponse *
problem_response(HttpRequest *request, const GError *error)
{
  const ErrorInfo *info = error_info(error);
  const char *details = request->error_details != NULL ? request->error_details : error->message;
  g_autofree char *type = g_strdup_printf("urn:claude-code-hub:problem:%s", info->code);
  json_t *body =
      json_pack("{s:s, s:s, s:i, s:o, s:o, s:s, s:s}", "type", type, "title", error_text(error, request->language),
                "status", info->http_status, "detail", http_json_text(details), "instance",
                http_json_text(request->path), "errorCode", info->code, "traceId", request->id);
  if (request->error_members != NULL)
    json_object_update(body, request->error_members);
  HttpResponse *response = http_response_json((guint)info->http_status, body);
  g_array_set_size(response->headers, 0);
  http_response_set_header(response, "Content-Type", "application/problem+json; charset=utf-8");
  return response;
}

HttpResponse *
http_response_for_error(HttpRequest *request, const GError *error)
{
  const HttpRoute *route = request->match.route;
  gboolean wants_problem =
      route != NULL ? (route->flags & HTTP_ROUTE_PROBLEM) != 0 : g_str_has_prefix(request->path, "/api/v1/");
  return wants_problem ? problem_response(request, error) : plain_error_response(request, error);
}

static const char *
reason_phrase(guint status)
{
  static const struct {
    guint status;
    const char *phrase;
  } phrases[] = {
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {207, "Multi-Status"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {304, "Not Modified"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {422, "Unprocessable Content"},
      {423, "Locked"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {499, "Client Closed Request"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {507, "Insufficient Storage"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(phrases); i++) {
    if (phrases[i].status == status)
      return phrases[i].phrase;
  }
  return "Unknown"; /* the phrase adds nothing to the status */
}

static gboolean
is_streamed(const HttpResponse *response)
{
  return response->read != NULL || response->events != NULL;
}

gsize
http_response_held_bytes(const HttpResponse *response)
{
  return response != NULL && !response->is_body_static ? response->body_size : 0;
}

gboolean
http_response_is_chunked(const HttpRequest *request, const HttpResponse *response)
{
  return is_streamed(response) && request->head != NULL && !request->head->is_http_1_0;
}

GString *
http_response_head(const HttpRequest *request, const HttpResponse *response)
{
  GString *text = g_string_new(NULL);
  g_string_append_printf(text, "HTTP/1.1 %u %s\r\n", response->status, reason_phrase(response->status));
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  static const char *const days[] = {"", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  static const char *const months[] = {"",    "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  g_autofree char *time = g_date_time_format(now, "%H:%M:%S");
  g_string_append_printf(text, "Date: %s, %02d %s %d %s GMT\r\n", days[g_date_time_get_day_of_week(now)],
                         g_date_time_get_day_of_month(now), months[g_date_time_get_month(now)],
                         g_date_time_get_year(now), time);
  const GArray *all[] = {request->reply_headers, response->headers};
  for (gsize i = 0; i < G_N_ELEMENTS(all); i++) {
    for (guint j = 0; j < all[i]->len; j++) {
      const HttpHeader *header = &g_array_index(all[i], HttpHeader, j);
      g_string_append_printf(text, "%s: %s\r\n", header->name, header->value);
    }
  }
  if (request->must_close)
    g_string_append(text, "Connection: close\r\n");
  if (http_response_is_chunked(request, response))
    g_string_append(text, "Transfer-Encoding: chunked\r\n");
  else if (!is_streamed(response) && response->status != 204 && response->status != 304)
    g_string_append_printf(text, "Content-Length: %" G_GSIZE_FORMAT "\r\n", response->body_size);
  g_string_append(text, "\r\n");
  return text;
}
