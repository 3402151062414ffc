#include "http/handler.h"

#include "base/error.h"
#include "base/random_id.h"
#include "http/internal.h"
#include "http/parse/address.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

static void
cancel_request(GCancellable *stopping, gpointer user_data)
{
  (void)stopping;
  g_cancellable_cancel(user_data);
}

/* Only the last hop can be trusted; what it passes on from its client may be forged. */
static char *
find_client_ip(const HttpRequest *request, gboolean trust_proxy)
{
  char *forwarded = trust_proxy && request->head != NULL ? http_address_forwarded(request->head) : NULL;
  return forwarded != NULL ? forwarded : g_strdup(request->connection->address);
}

gboolean
http_base_path_is_valid(const char *path)
{
  if (*path == '\0')
    return TRUE;
  if (*path != '/' || g_str_has_suffix(path, "/") || strstr(path, "//") != NULL || strstr(path, "/.") != NULL)
    return FALSE;
  for (const char *p = path; *p != '\0'; p++) {
    if (!g_ascii_isalnum(*p) && strchr("/-._~", *p) == NULL)
      return FALSE;
  }
  return TRUE;
}

/* The option, or the value from a trusted proxy; free with g_free. */
static char *
find_base(const HttpRequest *request)
{
  const HttpServerOptions *options = http_server_options(request->server);
  const char *forwarded = options->trust_proxy ? http_request_header(request, "X-Forwarded-Prefix") : NULL;
  g_autofree char *base = g_strdup(options->base_path != NULL ? options->base_path
                                   : forwarded != NULL        ? forwarded
                                                              : "");
  if (g_str_has_suffix(base, "/"))
    base[strlen(base) - 1] = '\0';
  return http_base_path_is_valid(base) ? g_steal_pointer(&base) : g_strdup("");
}

/* A proxy may or may not have removed the base path. */
static char *
path_under(const char *path, const char *base)
{
  gsize length = strlen(base);
  if (length == 0 || !g_str_has_prefix(path, base) || (path[length] != '/' && path[length] != '\0'))
    return g_strdup(path);
  return g_strdup(path[length] != '\0' ? path + length : "/");
}

char *
http_request_link(const HttpRequest *request, const char *path)
{
  return g_strconcat(request->base, path, NULL);
}

HttpRequest *
http_request_new(HttpServer *server, HttpConnection *connection, HttpHead *head)
{
  HttpRequest *request = g_new0(HttpRequest, 1);
  request->server = server;
  request->connection = connection;
  request->head = head;
  request->started_us = g_get_monotonic_time();
  request->base = find_base(request);
  request->path = path_under(head != NULL ? head->path : "", request->base);
  g_autofree char *id = random_id_new(sizeof request->id / 2);
  g_strlcpy(request->id, id, sizeof request->id);
  request->reply_headers = http_headers_new();
  request->client_ip = find_client_ip(request, http_server_options(server)->trust_proxy);
  request->language = language_from_accept(http_request_header(request, "Accept-Language"));
  request->must_close = head == NULL || head->wants_close;
  if (head != NULL)
    http_body_init(&request->framing, head);
  request->cancellable = g_cancellable_new();
  request->stopping = g_object_ref(http_server_stopping(server));
  request->stop_handler = g_cancellable_connect(request->stopping, G_CALLBACK(cancel_request),
                                                g_object_ref(request->cancellable), g_object_unref);
  return request;
}

gboolean
http_wait_for_client(HttpRequest *request, short events, int timeout_ms, gboolean *ret_is_late)
{
  struct pollfd polls[2] = {{.fd = request->connection->fd, .events = events}, {.fd = -1}};
  GPollFD cancelled = {0};
  gboolean has_cancelled = g_cancellable_make_pollfd(request->cancellable, &cancelled);
  if (has_cancelled) {
    polls[1].fd = cancelled.fd;
    polls[1].events = POLLIN;
  }
  int n = (int)TEMP_FAILURE_RETRY(poll(polls, G_N_ELEMENTS(polls), timeout_ms));
  if (has_cancelled)
    g_cancellable_release_fd(request->cancellable);
  *ret_is_late = n == 0;
  return n > 0 && polls[1].revents == 0;
}

void
http_request_free(HttpRequest *request)
{
  http_connection_watch_client(request->connection, NULL);
  if (request->stop_handler != 0)
    g_cancellable_disconnect(request->stopping, request->stop_handler);
  g_object_unref(request->stopping);
  g_object_unref(request->cancellable);
  http_match_clear(&request->match);
  g_clear_pointer(&request->query, g_hash_table_unref);
  g_clear_pointer(&request->body, g_byte_array_unref);
  json_decref(request->json);
  json_decref(request->error_members);
  http_response_free(request->response);
  g_clear_error(&request->body_error);
  http_head_free(request->head);
  g_array_unref(request->reply_headers);
  g_free(request->path);
  g_free(request->base);
  g_clear_pointer(&request->cookies, g_hash_table_unref);
  g_free(request->host);
  g_free(request->client_ip);
  g_free(request->who);
  g_free(request->error_details);
  g_free(request->failure);
  g_free(request);
}

const char *
http_request_method(const HttpRequest *request)
{
  return request->head != NULL ? request->head->method : "";
}

gboolean
http_request_is_head(const HttpRequest *request)
{
  return strcmp(http_request_method(request), "HEAD") == 0;
}

const char *
http_request_path(const HttpRequest *request)
{
  return request->path;
}

Language
http_request_language(const HttpRequest *request)
{
  return request->language;
}

const char *
http_request_header(const HttpRequest *request, const char *name)
{
  return request->head != NULL ? http_head_field(request->head, name) : NULL;
}

/* "a=1; b=2", on one line or several. */
static GHashTable *
parse_cookies(const HttpHead *head)
{
  GHashTable *cookies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 0; head != NULL && i < head->fields->len; i++) {
    const HttpField *field = &g_array_index(head->fields, HttpField, i);
    if (g_ascii_strcasecmp(field->name, "Cookie") != 0)
      continue;
    g_auto(GStrv) pairs = g_strsplit(field->value, ";", -1);
    for (char **pair = pairs; *pair != NULL; pair++) {
      char *equals = strchr(*pair, '=');
      if (equals == NULL)
        continue;
      *equals = '\0';
      const char *name = g_strstrip(*pair);
      if (!g_hash_table_contains(cookies, name))
        g_hash_table_insert(cookies, g_strdup(name), g_strdup(g_strstrip(equals + 1)));
    }
  }
  return cookies;
}

const char *
http_request_cookie(HttpRequest *request, const char *name)
{
  if (request->cookies == NULL)
    request->cookies = parse_cookies(request->head);
  return g_hash_table_lookup(request->cookies, name);
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
  gboolean is_trusted = http_server_options(request->server)->trust_proxy;
  g_autofree char *protocol = is_trusted ? http_address_forwarded_parameter(request->head, "proto") : NULL;
  return protocol != NULL && g_ascii_strcasecmp(protocol, "https") == 0;
}

const char *
http_request_host(HttpRequest *request)
{
  if (request->host == NULL && http_server_options(request->server)->trust_proxy)
    request->host = http_address_forwarded_parameter(request->head, "host");
  return request->host != NULL ? request->host : http_request_header(request, "Host");
}

gint64
http_request_content_length(const HttpRequest *request)
{
  if (http_request_header(request, "Content-Length") == NULL)
    return -1;
  return (gint64)request->head->content_length;
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

/* NaN and Infinity, which the scanner accepts, are not JSON. */
static gboolean
has_non_finite(const JsonTree *tree)
{
  if (tree->type == JSON_TOKEN_NON_FINITE)
    return TRUE;
  for (guint i = 0; i < json_tree_size(tree); i++)
    if (has_non_finite(json_tree_child(tree, i)))
      return TRUE;
  return FALSE;
}

JsonTree *
http_request_json_tree(HttpRequest *request, GError **error)
{
  gsize size = 0;
  const char *text = NULL;
  if (!http_request_is_json(request))
    error_set(error, CCH_ERROR_REQUEST_MEDIA_TYPE, "the body must be application/json");
  else
    text = http_request_json_text(request, &size, error);
  if (text == NULL)
    return NULL;
  g_autoptr(GError) problem = NULL;
  g_autoptr(JsonTree) tree = json_check_utf8(text, size, &problem) ? json_tree_parse(text, size, &problem) : NULL;
  if (tree != NULL && tree->type == JSON_TOKEN_OBJECT && !has_non_finite(tree))
    return g_steal_pointer(&tree);
  const char *reason = tree != NULL && has_non_finite(tree) ? "NaN and Infinity are not JSON" : NULL;
  error_set(error, CCH_ERROR_REQUEST_MALFORMED_JSON, "%s",
            problem != NULL  ? problem->message
            : reason != NULL ? reason
                             : "the body must be a JSON object");
  return NULL;
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
    http_connection_watch_client(request->connection, request->cancellable);
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
