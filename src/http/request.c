#include "http/request.h"

#include "base/error.h"
#include "base/random_id.h"
#include "http/internal.h"

#include <arpa/inet.h>
#include <string.h>

/* The numeric address of a peer, an IPv4 one mapped into IPv6 as IPv4; "local" for a Unix socket. */
static char *
address_text(const struct sockaddr *address)
{
  char text[INET6_ADDRSTRLEN];
  if (address != NULL && address->sa_family == AF_INET) {
    const struct sockaddr_in *in = (const void *)address;
    inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    return g_strdup(text);
  }
  if (address != NULL && address->sa_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const void *)address;
    if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
      inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], text, sizeof text);
    else
      inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
    return g_strdup(text);
  }
  return g_strdup("local");
}

/* The last hop of X-Forwarded-For, the only one that the trusted proxy itself wrote; NULL when it is no address. */
static char *
forwarded_address(const char *forwarded_for)
{
  if (forwarded_for == NULL)
    return NULL;
  const char *comma = strrchr(forwarded_for, ',');
  g_autofree char *hop = g_strstrip(g_strdup(comma != NULL ? comma + 1 : forwarded_for));
  char *bracket = *hop == '[' ? strchr(hop, ']') : NULL;
  if (bracket != NULL)
    *bracket = '\0';
  const char *bare = *hop == '[' ? hop + 1 : hop;
  struct in6_addr ignored;
  if (inet_pton(AF_INET, bare, &ignored) == 1 || inet_pton(AF_INET6, bare, &ignored) == 1)
    return g_strdup(bare);
  return NULL;
}

static const char *
raw_header(struct MHD_Connection *connection, const char *name)
{
  return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void
cancel_request(GCancellable *stopping, gpointer user_data)
{
  (void)stopping;
  g_cancellable_cancel(user_data);
}

/* Called when the request line is there; the headers are not yet. */
HttpRequest *
http_request_new(HttpServer *server, struct MHD_Connection *connection, HttpWatched *watched, const char *target,
                 GCancellable *stopping)
{
  HttpRequest *request = g_new0(HttpRequest, 1);
  request->server = server;
  request->connection = connection;
  request->watched = watched;
  request->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  request->started_us = g_get_monotonic_time();
  const char *question = strchr(target, '?');
  request->path = question != NULL ? g_strndup(target, (gsize)(question - target)) : g_strdup(target);
  request->query_text = question != NULL ? g_strdup(question + 1) : NULL;
  request->method = "";
  g_autofree char *id = random_id_new(sizeof request->id / 2);
  g_strlcpy(request->id, id, sizeof request->id);
  request->reply_headers = http_headers_new();
  const union MHD_ConnectionInfo *peer = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  request->client_ip = address_text(peer != NULL ? peer->client_addr : NULL);
  request->cancellable = g_cancellable_new();
  request->stopping = g_object_ref(stopping);
  request->stop_handler =
      g_cancellable_connect(stopping, G_CALLBACK(cancel_request), g_object_ref(request->cancellable), g_object_unref);
  return request;
}

void
http_request_read_headers(HttpRequest *request, const char *method, gboolean trust_proxy)
{
  request->method = method;
  request->trust_proxy = trust_proxy;
  request->language = language_from_accept(raw_header(request->connection, "Accept-Language"));
  char *forwarded = trust_proxy ? forwarded_address(raw_header(request->connection, "X-Forwarded-For")) : NULL;
  if (forwarded != NULL) {
    g_free(request->client_ip);
    request->client_ip = forwarded;
  }
}

void
http_request_free(HttpRequest *request)
{
  http_watched_set_client_gone(request->watched, NULL);
  if (request->stop_handler != 0)
    g_cancellable_disconnect(request->stopping, request->stop_handler);
  g_object_unref(request->stopping);
  g_object_unref(request->cancellable);
  http_match_clear(&request->match);
  g_clear_pointer(&request->query, g_hash_table_unref);
  g_clear_pointer(&request->body, g_byte_array_unref);
  json_decref(request->json);
  json_decref(request->error_members);
  http_response_free(request->pending);
  g_array_unref(request->reply_headers);
  g_free(request->path);
  g_free(request->query_text);
  g_free(request->client_ip);
  g_free(request->who);
  g_free(request->error_details);
  g_free(request->failure);
  g_free(request);
}

const char *
http_request_method(const HttpRequest *request)
{
  return request->method;
}

gboolean
http_request_is_head(const HttpRequest *request)
{
  return strcmp(request->method, "HEAD") == 0;
}

const char *
http_request_path(const HttpRequest *request)
{
  return request->path;
}

const char *
http_request_id(const HttpRequest *request)
{
  return request->id;
}

Language
http_request_language(const HttpRequest *request)
{
  return request->language;
}

const char *
http_request_header(const HttpRequest *request, const char *name)
{
  return raw_header(request->connection, name);
}

const char *
http_request_cookie(const HttpRequest *request, const char *name)
{
  return MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, name);
}

const char *
http_request_query(const HttpRequest *request, const char *name)
{
  return g_hash_table_lookup(request->query, name);
}

const char *
http_request_query_given(const HttpRequest *request, const char *name)
{
  const char *text = http_request_query(request, name);
  return text != NULL && *text != '\0' ? text : NULL;
}

const char *
http_request_parameter(const HttpRequest *request, const char *name)
{
  return g_hash_table_lookup(request->match.parameters, name);
}

gboolean
http_request_query_boolean(const HttpRequest *request, const char *name, gboolean fallback, gboolean *ret_value,
                           GError **error)
{
  const char *value = http_request_query(request, name);
  if (value == NULL)
    *ret_value = fallback;
  else if (strcmp(value, "true") == 0)
    *ret_value = TRUE;
  else if (strcmp(value, "false") == 0)
    *ret_value = FALSE;
  else {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s must be true or false, not \"%.64s\"", name, value);
    return FALSE;
  }
  return TRUE;
}

gboolean
http_request_query_number(const HttpRequest *request, const char *name, guint fallback, guint lowest, guint highest,
                          guint *ret_value, GError **error)
{
  const char *text = http_request_query(request, name);
  guint64 value = fallback;
  if (text != NULL && !g_ascii_string_to_unsigned(text, 10, lowest, highest, &value, NULL)) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s must be a whole number from %u to %u, not \"%.64s\"", name,
              lowest, highest, text);
    return FALSE;
  }
  *ret_value = (guint)value;
  return TRUE;
}

const char *
http_request_client_ip(const HttpRequest *request)
{
  return request->client_ip;
}

gboolean
http_request_is_secure(const HttpRequest *request)
{
  const char *protocol = request->trust_proxy ? http_request_header(request, "X-Forwarded-Proto") : NULL;
  return protocol != NULL && g_ascii_strcasecmp(protocol, "https") == 0;
}

const char *
http_request_host(const HttpRequest *request)
{
  const char *forwarded = request->trust_proxy ? http_request_header(request, "X-Forwarded-Host") : NULL;
  return forwarded != NULL ? forwarded : http_request_header(request, "Host");
}

gint64
http_request_content_length(const HttpRequest *request)
{
  const char *text = http_request_header(request, "Content-Length");
  guint64 length;
  if (text == NULL || !g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &length, NULL))
    return -1;
  return (gint64)length;
}

/* "application/json; charset=utf-8" is application/json. */
gboolean
http_request_is_json(const HttpRequest *request)
{
  const char *content_type = http_request_header(request, "Content-Type");
  if (content_type == NULL)
    return FALSE;
  g_autofree char *type = g_strndup(content_type, strcspn(content_type, "; \t"));
  return g_ascii_strcasecmp(type, "application/json") == 0;
}

const char *
http_request_json_text(HttpRequest *request, gsize *ret_size, GError **error)
{
  gsize size = request->body != NULL ? request->body->len : 0;
  if (size > 0 && !http_request_is_json(request)) {
    error_set(error, CCH_ERROR_REQUEST_MEDIA_TYPE, "the body must be application/json");
    return NULL;
  }
  *ret_size = size;
  return size > 0 ? (const char *)request->body->data : "";
}

json_t *
http_request_json(HttpRequest *request, GError **error)
{
  if (request->json != NULL)
    return request->json;
  if (!http_request_is_json(request)) {
    error_set(error, CCH_ERROR_REQUEST_MEDIA_TYPE, "the body must be application/json");
    return NULL;
  }
  json_error_t problem;
  gsize size = request->body != NULL ? request->body->len : 0;
  request->json = json_loadb(size > 0 ? (const char *)request->body->data : "", size, JSON_REJECT_DUPLICATES, &problem);
  if (request->json == NULL) {
    error_set(error, CCH_ERROR_REQUEST_MALFORMED_JSON, "line %d: %s", problem.line, problem.text);
    return NULL;
  }
  if (!json_is_object(request->json)) {
    g_clear_pointer(&request->json, json_decref);
    error_set(error, CCH_ERROR_REQUEST_MALFORMED_JSON, "the body must be a JSON object");
    return NULL;
  }
  return request->json;
}

const char *
http_request_who(const HttpRequest *request)
{
  return request->who;
}

void
http_request_set_who(HttpRequest *request, const char *who)
{
  g_free(request->who);
  request->who = g_strdup(who);
}

GCancellable *
http_request_cancellable(HttpRequest *request)
{
  if (!g_cancellable_is_cancelled(request->cancellable))
    http_watched_set_client_gone(request->watched, request->cancellable);
  return request->cancellable;
}

void
http_request_set_reply_header(HttpRequest *request, const char *name, const char *value)
{
  http_headers_add(request->reply_headers, name, value);
}

void
http_request_set_error_details(HttpRequest *request, const char *details)
{
  g_free(request->error_details);
  request->error_details = g_strdup(details);
}

void
http_request_set_error_member(HttpRequest *request, const char *name, json_t *value)
{
  if (request->error_members == NULL)
    request->error_members = json_object();
  json_object_set_new(request->error_members, name, value);
}
