/* The event loop: one thread that holds every connection that waits for its client.
 *
 * A connection is in the loop while its client has to act (send a head or a small body, read a reply, watch an event
 * stream) or is idle. It is with a worker, on a thread of its own, while a handler runs, an upload is received or a
 * download is sent. A client that is silent, slow or reads nothing therefore costs a descriptor and some bytes, never a
 * thread.
 *
 * Bounded: connections (http_loop_capacity), the bytes that they hold, the time for each step. If there is no room
 * for a new connection, the one that has waited longest is closed, from an address with more than its share. */
#pragma once

#include "http/loop/sse.h"
#include "http/parse/head.h"

#include <gio/gio.h>

typedef struct HttpLoop HttpLoop;
typedef struct HttpConnection HttpConnection;

#define HTTP_HEADER_TIMEOUT_MS (30 * 1000)       /* from the connection or the last reply, to the headers' end */
#define HTTP_REPLY_TIMEOUT_MS  (60 * 1000)       /* for a reply that is not streamed */
#define HTTP_MAX_WORKERS       128               /* requests in progress at a time; others wait */
#define HTTP_MAX_HELD_BYTES    (8 * 1024 * 1024) /* received and not yet processed, over all connections */

/* The loop's callbacks. */
typedef struct {
  /* On a worker: process the connection's request in its current phase. */
  void (*run)(HttpConnection *connection);
  /* On the loop's thread: a head has been received. */
  void (*begin)(HttpConnection *connection, HttpHead *head);
  /* The bytes are no request: set the connection's output to an answer. */
  void (*refuse)(HttpConnection *connection, const GError *error);
  /* More of a small body has been received; TRUE if it is complete, or refused. */
  gboolean (*collect)(HttpConnection *connection);
  /* Bytes held by the connection's request and reply. */
  gsize (*held_bytes)(const HttpConnection *connection);
  /* The queue of a reply that is an event stream. */
  SseQueue *(*events)(const HttpConnection *connection);
  /* Sets the connection's output to a frame of the stream; NULL: to its end. */
  void (*put_frame)(HttpConnection *connection, const char *frame);
} HttpLoopFunctions;

/* Opens the listening socket (listener.c) on any address that the system can resolve, IPv4 and IPv6. Returns the
 * descriptor, or -1 with CONFIG. `ret_url` is the URL for a browser on this machine ("http://127.0.0.1:23100"; free
 * with g_free). `port` 0: any free one. */
int http_listen(const char *address, guint16 port, char **ret_url, GError **error);

/* `listen_fd` (-1: none) is closed by the loop. `server` is passed to the functions. */
HttpLoop *http_loop_new(int listen_fd, const HttpLoopFunctions *functions, gpointer server);
/* Stops accepting, and ends every connection that waits for a request. No request begins afterwards. */
void http_loop_quiesce(HttpLoop *loop);
/* Shuts down the remaining connections, so that workers and streams end. */
void http_loop_cut(HttpLoop *loop);
/* No request may be in progress. */
void http_loop_free(HttpLoop *loop);

/* Whether the loop's thread does its work: it is woken and has passed by within this time. */
gboolean http_loop_turns(HttpLoop *loop, guint timeout_ms);

/* Adds a connected socket, which the loop owns from now on. */
void http_loop_adopt(HttpLoop *loop, int fd);

/* How a worker returns a connection, which then belongs to the loop. */
typedef enum {
  HTTP_NEXT_HEAD,   /* the request has ended: wait for the next one */
  HTTP_NEXT_BODY,   /* the rest of a small body, then back to a worker */
  HTTP_NEXT_WRITE,  /* the rest of the output, then back to a worker */
  HTTP_NEXT_EVENTS, /* the output, then the queue's frames until it is closed, then back to a worker */
  HTTP_NEXT_LINGER, /* the request has ended; end the connection once the client has noticed */
  HTTP_NEXT_CLOSE   /* at once */
} HttpNext;
void http_loop_give_back(HttpConnection *connection, HttpNext next);
