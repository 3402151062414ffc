/* A response, made by a handler and sent by the server. */
#pragma once

#include "base/json.h"
#include "http/loop/sse.h"
#include "http/request.h"

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

/* {error, details, errorCode}: the shape of the backup routes and of the login. */
HttpResponse *http_response_error(HttpRequest *request, const GError *error);
/* application/problem+json (RFC 9457): the shape of /api/v1. */
HttpResponse *http_response_problem(HttpRequest *request, const GError *error);

/* A streamed body can be followed by trailers: announce their names ("A, B") before it is sent, and set them while it
 * is read, at the latest when its read function returns 0. A client of HTTP/1.0 does not get them. */
void http_response_announce_trailers(HttpResponse *response, const char *names);
void http_response_set_trailer(HttpResponse *response, const char *name, const char *value);

void http_response_set_header(HttpResponse *response, const char *name, const char *value);
void http_response_free(HttpResponse *response);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpResponse, http_response_free)

/* A JSON string of any bytes: what is not UTF-8 is replaced. JSON null for NULL. */
json_t *http_json_text(const char *text);
