/* Finds the route of a request. Private to http/. */
#pragma once

#include "http/handler.h"

typedef struct HttpRouter HttpRouter;

HttpRouter *http_router_new(void);
void http_router_free(HttpRouter *router);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpRouter, http_router_free)

/* Adds the tables of a domain, which must outlive the router; `context` is passed to their handlers. */
void http_router_add(HttpRouter *router, const HttpRoute *const *tables, gpointer context);

typedef struct {
  const HttpRoute *route;
  gpointer context;
  GHashTable *parameters; /* name → decoded value; owned by the match */
} HttpMatch;

void http_match_clear(HttpMatch *match);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HttpMatch, http_match_clear)

/* `path` is still percent-encoded. NOT_FOUND; METHOD_NOT_ALLOWED, and then `ret_allow` is the Allow header (g_free);
 * REQUEST_INVALID for a path that cannot be decoded. */
gboolean http_router_match(const HttpRouter *router, const char *method, const char *path, HttpMatch *ret_match,
                           char **ret_allow, GError **error);

/* Splits and decodes a query string (NULL: none) into name → value. REQUEST_PARAMETER for a malformed escape, a
 * repeated name, or a name that is not in `known` (NULL: allows none). */
GHashTable *http_query_parse(const char *query, const char *const *known, GError **error);
