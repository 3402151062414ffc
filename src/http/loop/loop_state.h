/* What a loop consists of, and what it does with a connection while that waits for its client. Private to the loop. */
#pragma once

#include "http/loop/connection.h"

/* Why connections were ended without an answer, since the last line in the log. */
typedef struct {
  guint n_displaced; /* for a newcomer */
  guint n_late;      /* a step took longer than it may */
  guint n_malformed; /* answered with 400 */
  guint n_refused;   /* no room, and nothing to displace */
} Refusals;

struct HttpLoop {
  const HttpLoopFunctions *functions;
  gpointer server;
  int epoll_fd, listen_fd, wake_fd;
  guint capacity;
  GThread *thread;
  GThreadPool *workers;

  GCond quiesced;
  GMutex mutex;      /* guards the next ones, and every connection's client_gone */
  GQueue given_back; /* of HttpConnection */
  GArray *adopted;   /* of int */
  GArray *changed;   /* of guint64: connections whose event queue has something new */
  gboolean must_quiesce, must_cut, must_end;

  /* The loop's thread alone. */
  GHashTable *connections; /* id → HttpConnection */
  GHashTable *streams;     /* the set of those in EVENTS */
  GHashTable *shares;      /* share → count of those waiting */
  GQueue waiting;          /* those that could be displaced, oldest first */
  guint64 last_id;
  gsize held_bytes;
  gboolean is_quiescent;
  Refusals refusals;
  gint64 reported_us; /* 0: never */
};

/* In this state, until it is late; among those that can be displaced. */
void http_connection_wait(HttpConnection *connection, HttpConnectionState state, guint timeout_ms);
/* What epoll has seen. */
void http_connection_on_event(HttpConnection *connection, guint32 events);
/* Goes on with a connection as its worker said in `next`. */
void http_connection_take_back(HttpConnection *connection);
/* Sends all that is due of an event stream; the end goes to a worker. */
void http_connection_stream(HttpConnection *connection);
/* Of an address that has more than its share, ends the connection that has waited longest; FALSE when none waits. */
gboolean http_connection_displace_one(HttpLoop *loop);
/* Ends a connection that the loop has, whatever it waits for; a request that has begun is ended by a worker. */
void http_connection_drop(HttpConnection *connection);
/* Ends and frees one that has no request. */
void http_connection_close(HttpConnection *connection);
