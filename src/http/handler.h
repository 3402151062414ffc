/* HTTP as a domain sees it: requests, responses, and routes from requests to handlers. Returned strings belong to
 * the request or the response. One thread at a time. */
#pragma once

#include "base/exact/json_tree.h"
#include "base/json.h"
#include "base/language.h"
#include "http/loop/sse.h"

#include <gio/gio.h>
#include <jansson.h>

/* ---- A request: its contents, the actor, and the reply's parts other than the body (request.c) ---- */

typedef struct HttpRequest HttpRequest;

const char *http_request_method(const HttpRequest *request);
gboolean http_request_is_head(const HttpRequest *request);
const char *
http_request_path(const HttpRequest *request); /* as sent, still percent-encoded, without base path and query */
/* The address of one of our paths for the client, under the base path. Free with g_free. */
char *http_request_link(const HttpRequest *request, const char *path);
Language http_request_language(const HttpRequest *request);

/* NULL if absent. The header's name is matched without regard to case. */
const char *http_request_header(const HttpRequest *request, const char *name);
const char *http_request_cookie(HttpRequest *request, const char *name);
/* Decoded; "" for a name without a value. */
const char *http_request_query(const HttpRequest *request, const char *name);
/* The same, but NULL if empty, because an empty filter does not filter. */
const char *http_request_query_given(const HttpRequest *request, const char *name);
/* The value of a {name} in the route's pattern, decoded. */
const char *http_request_parameter(const HttpRequest *request, const char *name);

/* "true" or "false"; `fallback` if absent; REQUEST_PARAMETER, naming it, for anything else. */
gboolean http_request_query_boolean(const HttpRequest *request, const char *name, gboolean fallback,
                                    gboolean *ret_value, GError **error);

/* An integer from `lowest` to `highest`; otherwise as above. */
gboolean http_request_query_number(const HttpRequest *request, const char *name, guint fallback, guint lowest,
                                   guint highest, guint *ret_value, GError **error);

/* The client's address. X-Forwarded-For (its last hop), X-Forwarded-Proto and X-Forwarded-Host, or Forwarded, are
 * used only if the server is configured to trust its proxy. */
const char *http_request_client_ip(const HttpRequest *request);
gboolean http_request_is_secure(const HttpRequest *request);
const char *http_request_host(HttpRequest *request); /* "example.org:8443"; NULL if not sent */

/* -1 if not stated (a chunked body). */
gint64 http_request_content_length(const HttpRequest *request);
/* Whether the body is declared as JSON. */
gboolean http_request_is_json(const HttpRequest *request);
/* The parsed JSON body, an object; owned by the request. REQUEST_MEDIA_TYPE, REQUEST_MALFORMED_JSON. */
json_t *http_request_json(HttpRequest *request, GError **error);
/* The same with numbers as written; free with json_tree_free. */
JsonTree *http_request_json_tree(HttpRequest *request, GError **error);
/* The raw body, for JSON whose numbers must not pass through doubles. REQUEST_MEDIA_TYPE if it is not declared as
 * JSON, unless it is empty. Owned by the request. */
const char *http_request_json_text(HttpRequest *request, gsize *ret_size, GError **error);

/* The actor, for the log, the lock and the audit; set by the guard. NULL: unknown. */
const char *http_request_who(const HttpRequest *request);
void http_request_set_who(HttpRequest *request, const char *who);

/* Triggered when the server stops. After this has been called, also when the client leaves: from then on the
 * connection is watched, even while a handler runs. */
GCancellable *http_request_cancellable(HttpRequest *request);

/* Headers for any reply, whatever it will be. */
void http_request_set_reply_header(HttpRequest *request, const char *name, const char *value);
/* For an error reply only: `details` instead of the error's message, and an additional member (takes ownership). */
void http_request_set_error_details(HttpRequest *request, const char *details);
void http_request_set_error_member(HttpRequest *request, const char *name, json_t *value);

/* ---- A response, created by a handler and sent by the server (response.c) ---- */

typedef struct HttpResponse HttpResponse;

/* Reads up to `size` bytes of a streamed body, waiting for at least one. 0: complete. -1 with an error: the
 * connection is broken off, so that the body does not look complete. */
typedef gssize (*HttpStreamRead)(gpointer state, guint8 *buffer, gsize size, GError **error);

HttpResponse *http_response_json(guint status, json_t *body); /* takes ownership of body */
/* JSON as text, with numbers that must not pass through doubles; takes ownership. */
HttpResponse *http_response_json_text(guint status, char *json);
/* Any text; takes ownership. */
HttpResponse *http_response_text(guint status, const char *content_type, char *text);
/* Constant bytes, not copied. */
HttpResponse *http_response_static(guint status, const char *content_type, const char *data, gsize size);
HttpResponse *http_response_empty(guint status);
/* `state` is freed when the last byte has been read, or the client has left. */
HttpResponse *http_response_stream(guint status, const char *content_type, HttpStreamRead read, gpointer state,
                                   GDestroyNotify free_state);

/* Server-Sent Events from a queue, until it is closed; needs no thread. Takes ownership of the queue. `owned` (may
 * be NULL) is freed after the last event was sent, or the client has left. */
HttpResponse *http_response_events(SseQueue *queue, gpointer owned, GDestroyNotify free_owned);

/* Trailers of a streamed body: announce their names ("A, B") before it is sent; set them before its read function
 * returns 0. HTTP/1.0 clients do not get them. */
void http_response_announce_trailers(HttpResponse *response, const char *names);
void http_response_set_trailer(HttpResponse *response, const char *name, const char *value);

void http_response_set_header(HttpResponse *response, const char *name, const char *value);
void http_response_free(HttpResponse *response);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpResponse, http_response_free)

/* A JSON string from any bytes: invalid UTF-8 is replaced. JSON null for NULL. */
json_t *http_json_text(const char *text);

/* ---- Routes: constant tables; a domain exports a NULL-terminated array of them, one per file ---- */

typedef enum {
  HTTP_ROUTE_ADMIN = 1 << 0,   /* administrators only */
  HTTP_ROUTE_CHANGES = 1 << 1, /* changes something: refused if it comes from another site */
  HTTP_ROUTE_COSTLY = 1 << 2,  /* a GET that starts work: refused from another site if it has a cookie */
  HTTP_ROUTE_PROBLEM = 1 << 3, /* errors as problem+json instead of {error, details, errorCode} */
  HTTP_ROUTE_OVERRIDE = 1 << 4 /* also reached by a POST with the method in X-HTTP-Method-Override */
} HttpRouteFlags;

/* Answers a request whose body, if any, has been read. NULL with an error set: the server sends the error reply. */
typedef HttpResponse *(*HttpHandler)(HttpRequest *request, gpointer context, GError **error);

/* Takes a body as it arrives. `begin` runs before the first byte is read; if it or `write` fails, the server answers
 * at once. `end` answers after the last byte. `free` always runs last, unless begin failed. */
typedef struct {
  gpointer (*begin)(HttpRequest *request, gpointer context, GError **error);
  gboolean (*write)(gpointer upload, const guint8 *data, gsize size, GError **error);
  HttpResponse *(*end)(gpointer upload, GError **error);
  void (*free)(gpointer upload);
} HttpUpload;

/* In a route's `query`: parameters of any name are allowed. */
#define HTTP_QUERY_ANY "*"

typedef struct {
  const char *method; /* GET also answers HEAD */
  const char *path;   /* "/api/v1/keys/{id}/limits": {id} is one segment, or its part before a verb, "{id}:undo" */
  guint flags;        /* HttpRouteFlags */
  HttpHandler handler;
  const HttpUpload *upload; /* instead of handler */
  const char *const *query; /* the allowed parameters, NULL-terminated; NULL: none. Others are refused */
  gsize max_body_bytes;     /* 0: HTTP_MAX_BODY_BYTES; not used for an upload */
} HttpRoute;

/* The last element of a table of routes. */
#define HTTP_ROUTES_END                                                                                                \
  {                                                                                                                    \
    .method = NULL                                                                                                     \
  }
