#include "http/router.h"

#include "base/error.h"

#include <string.h>

typedef struct {
  const HttpRoute *routes;
  gpointer context;
} RouteTable;

struct HttpRouter {
  GArray *tables; /* of RouteTable */
};

HttpRouter *
http_router_new(void)
{
  HttpRouter *router = g_new0(HttpRouter, 1);
  router->tables = g_array_new(FALSE, FALSE, sizeof(RouteTable));
  return router;
}

void
http_router_free(HttpRouter *router)
{
  if (router == NULL)
    return;
  g_array_unref(router->tables);
  g_free(router);
}

void
http_router_add(HttpRouter *router, const HttpRoute *const *tables, gpointer context)
{
  for (; *tables != NULL; tables++) {
    RouteTable table = {*tables, context};
    g_array_append_val(router->tables, table);
  }
}

void
http_match_clear(HttpMatch *match)
{
  g_clear_pointer(&match->parameters, g_hash_table_unref);
  match->route = NULL;
}

/* Matches a segment with a pattern's segment: {name} matches any non-empty text, "{name}:verb" any before the verb. */
static gboolean
segment_matches(const char *pattern, const char *segment, GHashTable *parameters)
{
  const char *end = pattern[0] == '{' ? strchr(pattern, '}') : NULL;
  if (end == NULL)
    return strcmp(pattern, segment) == 0;
  gsize length = strlen(segment), verb_length = strlen(end + 1);
  if (length <= verb_length || strcmp(segment + length - verb_length, end + 1) != 0)
    return FALSE;
  g_hash_table_insert(parameters, g_strndup(pattern + 1, (gsize)(end - pattern - 1)),
                      g_strndup(segment, length - verb_length));
  return TRUE;
}

/* NULL if the path does not match the pattern. */
static GHashTable *
match_path(const char *pattern, char **segments)
{
  g_auto(GStrv) wanted = g_strsplit(pattern, "/", -1);
  if (g_strv_length(wanted) != g_strv_length(segments))
    return NULL;
  g_autoptr(GHashTable) parameters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 0; wanted[i] != NULL; i++) {
    if (!segment_matches(wanted[i], segments[i], parameters))
      return NULL;
  }
  return g_steal_pointer(&parameters);
}

/* Splits before decoding, so that an encoded slash stays in its segment. */
static char **
split_path(const char *path, GError **error)
{
  g_auto(GStrv) segments = g_strsplit(path, "/", -1);
  for (char **segment = segments; *segment != NULL; segment++) {
    char *decoded = g_uri_unescape_string(*segment, NULL);
    if (decoded == NULL || !g_utf8_validate(decoded, -1, NULL)) {
      g_free(decoded);
      error_set(error, CCH_ERROR_REQUEST_INVALID, "the path is not percent-encoded UTF-8");
      return NULL;
    }
    g_free(*segment);
    *segment = decoded;
  }
  return g_steal_pointer(&segments);
}

static gboolean
method_matches(const HttpRoute *route, const char *method)
{
  return strcmp(route->method, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static void
allow_method(GString *allow, const char *method)
{
  g_string_append_printf(allow, "%s%s%s", allow->len > 0 ? ", " : "", method,
                         strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

gboolean
http_router_match(const HttpRouter *router, const char *method, const char *path, HttpMatch *ret_match,
                  char **ret_allow, GError **error)
{
  g_auto(GStrv) segments = split_path(path, error);
  if (segments == NULL)
    return FALSE;
  g_autoptr(GString) allow = g_string_new(NULL);
  for (guint i = 0; i < router->tables->len; i++) {
    const RouteTable *table = &g_array_index(router->tables, RouteTable, i);
    for (const HttpRoute *route = table->routes; route->method != NULL; route++) {
      g_autoptr(GHashTable) parameters = match_path(route->path, segments);
      if (parameters == NULL)
        continue;
      if (method_matches(route, method)) {
        *ret_match = (HttpMatch){route, table->context, g_steal_pointer(&parameters)};
        return TRUE;
      }
      allow_method(allow, route->method);
    }
  }
  if (allow->len == 0) {
    error_set(error, CCH_ERROR_NOT_FOUND, "nothing at this path");
    return FALSE;
  }
  error_set(error, CCH_ERROR_METHOD_NOT_ALLOWED, "this path takes %s", allow->str);
  *ret_allow = g_strdup(allow->str);
  return FALSE;
}

/* "a%20b+c" → "a b c"; NULL if it cannot be decoded. */
static char *
decode_form(const char *text)
{
  g_autofree char *spaced = g_strdelimit(g_strdup(text), "+", ' ');
  g_autofree char *decoded = g_uri_unescape_string(spaced, NULL);
  return decoded != NULL && g_utf8_validate(decoded, -1, NULL) ? g_steal_pointer(&decoded) : NULL;
}

GHashTable *
http_query_parse(const char *query, const char *const *known, GError **error)
{
  g_autoptr(GHashTable) values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  g_auto(GStrv) pairs = g_strsplit(query != NULL ? query : "", "&", -1);
  for (char **pair = pairs; *pair != NULL; pair++) {
    if (**pair == '\0')
      continue;
    char *equals = strchr(*pair, '=');
    if (equals != NULL)
      *equals = '\0';
    g_autofree char *name = decode_form(*pair);
    g_autofree char *value = decode_form(equals != NULL ? equals + 1 : "");
    if (name == NULL || value == NULL) {
      error_set(error, CCH_ERROR_REQUEST_PARAMETER, "the query is not percent-encoded UTF-8");
      return NULL;
    }
    if (known == NULL || (!g_strv_contains(known, name) && !g_strv_contains(known, HTTP_QUERY_ANY))) {
      error_set(error, CCH_ERROR_REQUEST_PARAMETER, "unknown query parameter: %s", name);
      return NULL;
    }
    if (g_hash_table_contains(values, name)) {
      error_set(error, CCH_ERROR_REQUEST_PARAMETER, "query parameter given twice: %s", name);
      return NULL;
    }
    g_hash_table_insert(values, g_steal_pointer(&name), g_steal_pointer(&value));
  }
  return g_steal_pointer(&values);
}
