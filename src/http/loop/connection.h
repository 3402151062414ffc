/* A connection, as the loop and a worker share it. */
#pragma once

#include "http/loop/loop.h"

/* Bytes on their way to the client. */
typedef struct {
  GString *text;    /* the head, or a frame */
  const char *body; /* the response's, which outlives this; may be NULL */
  gsize body_size;
  gsize sent; /* of both */
} HttpOutput;

typedef enum { HTTP_OUTPUT_DONE, HTTP_OUTPUT_BLOCKED, HTTP_OUTPUT_BROKEN } HttpOutputResult;

typedef enum {
  HTTP_CONNECTION_HEAD,
  HTTP_CONNECTION_BODY,
  HTTP_CONNECTION_WORKER,
  HTTP_CONNECTION_WRITE,
  HTTP_CONNECTION_EVENTS,
  HTTP_CONNECTION_LINGER
} HttpConnectionState;

/* Owned by the loop. With a worker, everything above `state` is the worker's. */
struct HttpConnection {
  HttpLoop *loop;
  gpointer server;
  int fd;
  char *address;               /* "192.0.2.1", "2001:db8::1"; "local" for a Unix socket */
  GByteArray *in;              /* received, not yet used */
  struct HttpRequest *request; /* NULL between two */
  HttpOutput output;
  gboolean is_broken; /* the client is gone, or was cut off */
  HttpNext next;      /* while it is given back */

  HttpConnectionState state;
  guint64 id;           /* a descriptor's number is used again, this is not */
  char *share;          /* the address that is counted: IPv6 by its /64 */
  gsize scanned;        /* of `in`, in search of the head's end */
  gsize held_bytes;     /* counted for this connection */
  gint64 deadline_us;   /* of the state; 0: none */
  gint64 idle_until_us; /* LINGER: nothing came for too long */
  GList waiting;        /* in the loop's queue; data is NULL when it is not */
  gboolean has_served;  /* a request has been answered */
  gboolean has_events_end;
  gint64 wake_us;            /* EVENTS: when to look at the queue again */
  GCancellable *client_gone; /* guarded by the loop's mutex */
};

/* Sends without waiting (output.c). */
HttpOutputResult http_output_send(HttpOutput *output, int fd);
void http_output_clear(HttpOutput *output);

/* Cancels when the client closes its connection while a worker has it, and shuts it down, so that the worker notices.
 * NULL: not any more. */
void http_connection_watch_client(HttpConnection *connection, GCancellable *cancellable);
