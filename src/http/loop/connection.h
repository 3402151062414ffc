/* A connection, shared by the loop and a worker. */
#pragma once

#include "http/loop/loop.h"

/* Bytes to be sent to the client. */
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

/* Owned by the loop. While a worker has it, everything above `state` belongs to the worker. */
struct HttpConnection {
  HttpLoop *loop;
  gpointer server;
  int fd;
  char *address;               /* "192.0.2.1", "2001:db8::1"; "local" for a Unix socket */
  GByteArray *in;              /* received and not yet used */
  struct HttpRequest *request; /* NULL between two requests */
  HttpOutput output;
  gboolean is_broken; /* the client has left, or was cut off */
  HttpNext next;      /* set while a worker returns it */

  HttpConnectionState state;
  guint64 id;           /* unique, unlike a descriptor's number */
  char *share;          /* the address for counting: of IPv6, its /64 */
  gsize scanned;        /* bytes of `in` already searched for the head's end */
  gsize held_bytes;     /* counted for this connection */
  gint64 deadline_us;   /* of the state; 0: none */
  gint64 idle_until_us; /* LINGER: when the client has been silent for too long */
  GList waiting;        /* in the loop's queue; data is NULL if it is not in it */
  gboolean has_served;  /* a request has been answered */
  gboolean has_events_end;
  gint64 wake_us;            /* EVENTS: when to look at the queue again */
  GCancellable *client_gone; /* guarded by the loop's mutex */
};

/* Sends without waiting (output.c). */
HttpOutputResult http_output_send(HttpOutput *output, int fd);
void http_output_clear(HttpOutput *output);

/* Cancels when the client closes its connection while a worker has it, and shuts the connection down, so that the
 * worker notices. NULL: stops watching. */
void http_connection_watch_client(HttpConnection *connection, GCancellable *cancellable);
