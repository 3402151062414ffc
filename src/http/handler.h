/* What a domain knows of HTTP: a request, its response, and the routes by which requests reach handlers. Strings that
 * are returned belong to the request or the response. One thread at a time. */
#pragma once

#include "base/exact/json_tree.h"
#include "base/json.h"
#include "base/language.h"
#include "http/loop/sse.h"

#include <gio/gio.h>
#include <jansson.h>

/* ---- A request: what came in, who asks, and what the reply shall carry besides its body (request.c) ---- */

typedef struct HttpRequest HttpRequest;

const char *http_request_method(const HttpRequest *request);
gboolean http_request_is_head(const HttpRequest *request);
const char *
http_request_path(const HttpRequest *request); /* as sent, still percent-encoded, without base path and query */
/* An address of ours as the client has to write it: under the base path. Free with g_free. */
char *http_request_link(const HttpRequest *request, const char *path);
Language http_request_language(const HttpRequest *request);

/* NULL when absent. A header's name is compared without regard to case. */
const char *http_request_header(const HttpRequest *request, const char *name);
const char *http_request_cookie(HttpRequest *request, const char *name);
/* Decoded; "" for a name without a value. */
const char *http_request_query(const HttpRequest *request, const char *name);
/* The same, but NULL for what is empty, which does not filter. */
const char *http_request_query_given(const HttpRequest *request, const char *name);
/* What a {name} of the route's pattern stands for, decoded. */
const char *http_request_parameter(const HttpRequest *request, const char *name);

/* "true" or "false"; `fallback` when absent; REQUEST_PARAMETER, naming it, for anything else. */
gboolean http_request_query_boolean(const HttpRequest *request, const char *name, gboolean fallback,
                                    gboolean *ret_value, GError **error);

/* A whole number from `lowest` to `highest`; likewise. */
gboolean http_request_query_number(const HttpRequest *request, const char *name, guint fallback, guint lowest,
                                   guint highest, guint *ret_value, GError **error);

/* The client's address. The last hop of X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host, or of Forwarded, is
 * believed only when the server was told to trust its proxy. */
const char *http_request_client_ip(const HttpRequest *request);
gboolean http_request_is_secure(const HttpRequest *request);
const char *http_request_host(HttpRequest *request); /* "example.org:8443"; NULL when not sent */

/* -1 when not said (a chunked body). */
gint64 http_request_content_length(const HttpRequest *request);
/* Whether the body claims to be JSON. */
gboolean http_request_is_json(const HttpRequest *request);
/* The parsed JSON body, an object; owned by the request. REQUEST_MEDIA_TYPE, REQUEST_MALFORMED_JSON. */
json_t *http_request_json(HttpRequest *request, GError **error);
/* The same with numbers as they were written; free with json_tree_free. */
JsonTree *http_request_json_tree(HttpRequest *request, GError **error);
/* The body as it came, for JSON whose numbers must not pass through doubles: REQUEST_MEDIA_TYPE when it is not said to
 * be JSON, unless it is empty. Owned by the request. */
const char *http_request_json_text(HttpRequest *request, gsize *ret_size, GError **error);

/* Who asks, for the log, the lock and the audit; set by the guard. NULL: nobody known. */
const char *http_request_who(const HttpRequest *request);
void http_request_set_who(HttpRequest *request, const char *who);

/* Triggered when the server stops and, once this has been called, when the client goes away: from then on the
 * connection is watched, also while a handler runs. */
GCancellable *http_request_cancellable(HttpRequest *request);

/* What the reply carries, whatever the reply will be. */
void http_request_set_reply_header(HttpRequest *request, const char *name, const char *value);
/* Only for an error reply: instead of the error's message as `details`, and a member beside it (stolen). */
void http_request_set_error_details(HttpRequest *request, const char *details);
void http_request_set_error_member(HttpRequest *request, const char *name, json_t *value);

/* ---- A response, made by a handler and sent by the server (response.c) ---- */

typedef struct HttpResponse HttpResponse;

/* Reads up to `size` bytes of a streamed body, waiting for at least one. 0: complete. -1 with an error: what was sent
 * so far must not look complete, the connection is broken off. */
typedef gssize (*HttpStreamRead)(gpointer state, guint8 *buffer, gsize size, GError **error);

HttpResponse *http_response_json(guint status, json_t *body); /* steals body */
/* JSON that is text already, whose numbers are not to pass through doubles; steals it. */
HttpResponse *http_response_json_text(guint status, char *json);
/* Any text; steals it. */
HttpResponse *http_response_text(guint status, const char *content_type, char *text);
/* Constant bytes, which are not copied. */
HttpResponse *http_response_static(guint status, const char *content_type, const char *data, gsize size);
HttpResponse *http_response_empty(guint status);
/* `state` is freed when the last byte was read, or the client is gone. */
HttpResponse *http_response_stream(guint status, const char *content_type, HttpStreamRead read, gpointer state,
                                   GDestroyNotify free_state);

/* Server-Sent Events from a queue (stolen) until it is closed; needs no thread. `owned` (may be NULL) is freed after
 * the last event was sent, or the client has gone. */
HttpResponse *http_response_events(SseQueue *queue, gpointer owned, GDestroyNotify free_owned);

/* A streamed body can be followed by trailers: announce their names ("A, B") before it is sent, and set them while it
 * is read, at the latest when its read function returns 0. A client of HTTP/1.0 does not get them. */
void http_response_announce_trailers(HttpResponse *response, const char *names);
void http_response_set_trailer(HttpResponse *response, const char *name, const char *value);

void http_response_set_header(HttpResponse *response, const char *name, const char *value);
void http_response_free(HttpResponse *response);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpResponse, http_response_free)

/* A JSON string of any bytes: what is not UTF-8 is replaced. JSON null for NULL. */
json_t *http_json_text(const char *text);

/* ---- Routes: const tables; a domain exports an array of them, one for each file, which NULL ends ---- */

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

/* In a route's `query`: it takes parameters of any name. */
#define HTTP_QUERY_ANY "*"

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
