/* Routes are const tables; a domain exports an array of them, one for each file, which NULL ends. The router finds a
 * request's route. */
#pragma once

#include "http/response.h"

typedef enum {
  HTTP_ROUTE_ADMIN = 1 << 0,   /* administrators only */
  HTTP_ROUTE_CHANGES = 1 << 1, /* changes something: refused when it comes from another site */
  HTTP_ROUTE_COSTLY = 1 << 2,  /* a GET that starts work: refused from another site when it carries a cookie */
  HTTP_ROUTE_PROBLEM = 1 << 3, /* errors as problem+json instead of {error, details, errorCode} */
  HTTP_ROUTE_OVERRIDE = 1 << 4 /* also reached by a POST that carries the method in X-HTTP-Method-Override */
} HttpRouteFlags;

/* Answers a request whose body, if any, has been read. NULL with an error set: the server makes the error reply. */
typedef HttpResponse *(*HttpHandler)(HttpRequest *request, gpointer context, GError **error);

/* Takes a body as it comes. `begin` runs before the first byte is read; a failure of it or of `write` is answered at
 * once. `end` answers after the last byte. `free` always runs, last, unless begin failed. */
typedef struct {
  gpointer (*begin)(HttpRequest *request, gpointer context, GError **error);
  gboolean (*write)(gpointer upload, const guint8 *data, gsize size, GError **error);
  HttpResponse *(*end)(gpointer upload, GError **error);
  void (*free)(gpointer upload);
} HttpUpload;

typedef struct {
  const char *method; /* GET also answers HEAD */
  const char *path;   /* "/api/v1/keys/{id}/limits": {id} is one segment, or its part before a verb, "{id}:undo" */
  guint flags;        /* HttpRouteFlags */
  HttpHandler handler;
  const HttpUpload *upload; /* instead of handler */
  const char *const *query; /* the parameters it knows, NULL-terminated; NULL: none. Others are refused */
  gsize max_body_bytes;     /* 0: HTTP_MAX_BODY_BYTES; without meaning for an upload */
} HttpRoute;

/* The last element of a table of routes. */
#define HTTP_ROUTES_END                                                                                                \
  {                                                                                                                    \
    .method = NULL                                                                                                     \
  }

typedef struct HttpRouter HttpRouter;

HttpRouter *http_router_new(void);
void http_router_free(HttpRouter *router);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpRouter, http_router_free)

/* The tables of a domain, which must outlive the router; `context` is passed to their handlers. */
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

/* In a route's `query`: it takes parameters of any name. */
#define HTTP_QUERY_ANY "*"

/* Splits and decodes a query string (NULL: none) into name → value. REQUEST_PARAMETER for a broken escape or a name
 * that comes twice, and for one that is not in `known` (NULL: accepts none). */
GHashTable *http_query_parse(const char *query, const char *const *known, GError **error);
