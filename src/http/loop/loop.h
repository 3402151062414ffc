/* The event loop: one thread that holds every connection that waits for its client.
 *
 * A connection is with the loop while its client has to act (send a head or a small body, read a reply, watch an event
 * stream, or nothing), and with a worker, a thread of its own for that long, while a handler runs, an upload is
 * received or a download is sent. So a client that is silent, slow or reads nothing costs a descriptor and some bytes,
 * never a thread.
 *
 * Bounded: connections (http_loop_capacity), the bytes that they hold, the time for each step. Where there is no room
 * for a newcomer, the connection that has waited longest goes, of an address that has more than its share. */
#pragma once

#include "http/loop/sse.h"
#include "http/parse/head.h"

#include <gio/gio.h>

typedef struct HttpLoop HttpLoop;
typedef struct HttpConnection HttpConnection;

#define HTTP_HEADER_TIMEOUT_MS (30 * 1000)       /* from the connection, or the last reply, to the end of the headers */
#define HTTP_REPLY_TIMEOUT_MS  (60 * 1000)       /* for a reply that is not streamed */
#define HTTP_MAX_WORKERS       128               /* requests that are worked on at a time; others wait for them */
#define HTTP_MAX_HELD_BYTES    (8 * 1024 * 1024) /* received and not yet worked on, of all connections */

/* What the loop calls. */
typedef struct {
  /* On a worker: the connection's request is to be worked on, in the phase that it is in. */
  void (*run)(HttpConnection *connection);
  /* On the loop's thread. A head has come. */
  void (*begin)(HttpConnection *connection, HttpHead *head);
  /* What came is no request: sets the connection's output to an answer. */
  void (*refuse)(HttpConnection *connection, const GError *error);
  /* More of a small body has come; TRUE when it is complete, or refused. */
  gboolean (*collect)(HttpConnection *connection);
  /* Bytes that the connection's request and its reply keep. */
  gsize (*held_bytes)(const HttpConnection *connection);
  /* The queue of a reply that is an event stream. */
  SseQueue *(*events)(const HttpConnection *connection);
  /* Sets the connection's output to a frame of the stream; NULL: to its end. */
  void (*put_frame)(HttpConnection *connection, const char *frame);
} HttpLoopFunctions;

/* The listening socket (listener.c): any address that the system can resolve, IPv4 and IPv6. Returns the descriptor, or
 * -1 with CONFIG. `ret_url` is what a browser on this machine opens ("http://127.0.0.1:23100"; free with g_free).
 * `port` 0: any free one. */
int http_listen(const char *address, guint16 port, char **ret_url, GError **error);

/* `listen_fd` (-1: none) is closed by the loop. `server` is for the functions. */
HttpLoop *http_loop_new(int listen_fd, const HttpLoopFunctions *functions, gpointer server);
/* Accepts no more and ends every connection that waits for a request; afterwards no request begins. */
void http_loop_quiesce(HttpLoop *loop);
/* Shuts down what is left, so that workers and streams end. */
void http_loop_cut(HttpLoop *loop);
/* No request may be left. */
void http_loop_free(HttpLoop *loop);

/* A connected socket, owned by the loop from now on. */
void http_loop_adopt(HttpLoop *loop, int fd);

/* How a worker gives a connection back; from then on it is the loop's. */
typedef enum {
  HTTP_NEXT_HEAD,   /* the request has ended: the next one */
  HTTP_NEXT_BODY,   /* the rest of a small body, then back to a worker */
  HTTP_NEXT_WRITE,  /* the rest of the output, then back to a worker */
  HTTP_NEXT_EVENTS, /* the output, then the queue's frames until it is closed, then back to a worker */
  HTTP_NEXT_LINGER, /* the request has ended, and so does the connection, once the client knows */
  HTTP_NEXT_CLOSE   /* at once */
} HttpNext;
void http_loop_give_back(HttpConnection *connection, HttpNext next);
