/* Shared by the modules of http/; private to them. */
#pragma once

#include "http/loop/connection.h"
#include "http/loop/loop.h"
#include "http/loop/sse.h"
#include "http/parse/body.h"
#include "http/parse/head.h"
#include "http/router.h"
#include "http/server.h"

typedef struct {
  char *name;
  char *value;
} HttpHeader;

struct HttpResponse {
  guint status;
  GArray *headers;  /* of HttpHeader */
  GArray *trailers; /* HttpHeader; NULL: none yet */
  char *body;       /* NULL: empty, or streamed */
  gsize body_size;
  gboolean is_body_static; /* must not be freed */
  HttpStreamRead read;
  gpointer stream;
  GDestroyNotify free_stream;
  SseQueue *events; /* NULL: no event stream */
};

/* The phase of a request. */
typedef enum {
  HTTP_PHASE_NEW,      /* the head has been received */
  HTTP_PHASE_BODY,     /* admitted; its small body is being collected */
  HTTP_PHASE_ANSWERED, /* the reply is being sent, or has been */
} HttpPhase;

struct HttpRequest {
  HttpServer *server;
  HttpConnection *connection;
  HttpHead *head; /* NULL: the bytes received were no request */
  HttpPhase phase;
  gint64 started_us;
  char *path; /* under the base path */
  char *base; /* "" or "/cch" */
  char id[17];
  char *client_ip, *who;
  char *host;          /* as forwarded; NULL: not read yet, or not forwarded */
  GHashTable *cookies; /* name → value; NULL: not read yet */
  Language language;
  HttpMatch match;
  GHashTable *query;
  GCancellable *cancellable, *stopping; /* the request's, the server's */
  gulong stop_handler;

  HttpBody framing;
  GByteArray *body; /* a small body, collected */
  guint64 body_bytes;
  GError *body_error; /* the reason why collecting it ended */
  json_t *json;
  gpointer upload; /* the route's state */
  gboolean is_continue_sent;
  gboolean must_close; /* the connection ends after the reply */

  GArray *reply_headers; /* of HttpHeader */
  char *error_details;
  json_t *error_members;

  HttpResponse *response; /* being sent */
  guint status;
  guint64 sent_bytes;
  char *failure; /* the technical reason, for the log */
};

/* Takes ownership of `head` (may be NULL). */
HttpRequest *http_request_new(HttpServer *server, HttpConnection *connection, HttpHead *head);
void http_request_free(HttpRequest *request);

void http_headers_add(GArray *headers, const char *name, const char *value);
GArray *http_headers_new(void);

/* The error in the format of the route. */
HttpResponse *http_response_for_error(HttpRequest *request, const GError *error);

/* Everything before the body: "HTTP/1.1 400 …\r\n…\r\n\r\n". */
GString *http_response_head(const HttpRequest *request, const HttpResponse *response);
/* Bytes that a reply itself holds while it is sent. NULL: 0. */
gsize http_response_held_bytes(const HttpResponse *response);
gboolean http_response_is_chunked(const HttpRequest *request, const HttpResponse *response);

/* Waits on a worker. FALSE if the request was cancelled, or nothing could be sent or received for `timeout_ms` (-1:
 * no limit); `ret_is_late` says which. */
gboolean http_wait_for_client(HttpRequest *request, short events, int timeout_ms, gboolean *ret_is_late);

/* Sends the reply's head, and the download as fast as it is produced and read (download.c). FALSE if it broke off. */
gboolean http_download_send(HttpRequest *request);

/* The exchange of a request and its reply (exchange.c), as HttpLoopFunctions. */
extern const HttpLoopFunctions http_exchange_functions;

/* What the exchange needs from the server. */
const HttpServerOptions *http_server_options(const HttpServer *server);
const HttpRouter *http_server_router(const HttpServer *server);
gboolean http_server_guard(HttpServer *server, HttpRequest *request, guint flags, GError **error);
GCancellable *http_server_stopping(HttpServer *server);
void http_server_count_request(HttpServer *server, int difference);
/* A request that has ended, for http_server_stats. */
void http_server_note_request(HttpServer *server, guint status, double duration_s);
