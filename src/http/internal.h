/* What the modules of http/ know of each other; nobody else includes this. */
#pragma once

#include "http/router.h"
#include "http/watch.h"

#include <microhttpd.h>

typedef struct HttpServer HttpServer;

typedef struct {
  char *name;
  char *value;
} HttpHeader;

struct HttpResponse {
  guint status;
  GArray *headers;           /* of HttpHeader */
  GArray *trailers;          /* likewise; NULL: none yet */
  struct MHD_Response *sent; /* libmicrohttpd's, once it is being sent */
  char *body;                /* NULL: empty, or streamed */
  gsize body_size;
  gboolean is_body_static; /* not ours to free */
  HttpStreamRead read;
  gpointer stream;
  GDestroyNotify free_stream;
};

/* Who may send a body still, and how it is used. */
typedef enum {
  BODY_NONE,    /* nothing read yet, or nothing to read */
  BODY_COLLECT, /* small, for the handler */
  BODY_UPLOAD,  /* passed on as it comes */
  BODY_DISCARD  /* refused, but small enough to be read all the same */
} HttpBodyState;

struct HttpRequest {
  HttpServer *server;
  struct MHD_Connection *connection;
  HttpWatched *watched; /* the connection's */
  int fd;
  gint64 started_us;
  char *path, *query_text; /* as sent */
  const char *method;      /* libmicrohttpd's, for as long as the request */
  char id[17];
  char *client_ip, *who;
  Language language;
  gboolean is_started;
  HttpMatch match;
  GHashTable *query;
  GCancellable *cancellable, *stopping; /* the request's, the server's */
  gulong stop_handler;
  gboolean trust_proxy, is_http_1_0;

  HttpBodyState body_state;
  GByteArray *body; /* BODY_COLLECT */
  json_t *json;
  gpointer upload; /* BODY_UPLOAD: the route's state */
  guint64 body_bytes;
  gboolean is_body_unread; /* answered before the whole body was read */
  gint is_timed_out;       /* set by the watch's thread */

  HttpResponse *pending; /* decided before the body was read, sent after it */
  GArray *reply_headers; /* of HttpHeader */
  char *error_details;
  json_t *error_members;

  HttpResponse *response; /* being sent */
  guint status;
  guint64 sent_bytes;
  char *failure; /* the technical reason, for the log */
};

HttpRequest *http_request_new(HttpServer *server, struct MHD_Connection *connection, HttpWatched *watched,
                              const char *target, GCancellable *stopping);
/* Once the headers are there. */
void http_request_read_headers(HttpRequest *request, const char *method, gboolean trust_proxy);
void http_request_free(HttpRequest *request);

void http_headers_add(GArray *headers, const char *name, const char *value);
GArray *http_headers_new(void);

/* The error in the shape that the route wants. */
HttpResponse *http_response_for_error(HttpRequest *request, const GError *error);

/* All that goes before the body, "HTTP/1.1 400 …\r\n…\r\n\r\n", and a body that is not streamed: for a reply that
 * libmicrohttpd cannot send. */
GString *http_response_as_text(HttpRequest *request, const HttpResponse *response);
