/* The state of a loop, and its actions on connections that wait for their clients. Private to the loop. */
#pragma once

#include "http/loop/connection.h"

/* Counts of connections ended without an answer, by reason, since the last log line. */
typedef struct {
  guint n_displaced; /* to make room for a new one */
  guint n_late;      /* a step took too long */
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

  GCond quiesced, turned;
  GMutex mutex;      /* guards the members below, and every connection's client_gone */
  GQueue given_back; /* of HttpConnection */
  GArray *adopted;   /* of int */
  GArray *changed;   /* of guint64: connections whose event queue has something new */
  gboolean must_quiesce, must_cut, must_end;
  gboolean must_turn; /* somebody waits for the thread to pass by */

  /* Used by the loop's thread only. */
  GHashTable *connections; /* id → HttpConnection */
  GHashTable *streams;     /* the connections in EVENTS */
  GHashTable *shares;      /* share → number of waiting connections */
  GQueue waiting;          /* those that may be displaced, oldest first */
  guint64 last_id;
  gsize held_bytes;
  gboolean is_quiescent;
  Refusals refusals;
  gint64 reported_us; /* 0: never */
};

/* Puts the connection into this state, with its time limit, among those that may be displaced. */
void http_connection_wait(HttpConnection *connection, HttpConnectionState state, guint timeout_ms);
/* Handles epoll's events. */
void http_connection_on_event(HttpConnection *connection, guint32 events);
/* Continues as the worker requested in `next`. */
void http_connection_take_back(HttpConnection *connection);
/* Sends everything that is due in an event stream; its end goes to a worker. */
void http_connection_stream(HttpConnection *connection);
/* Ends the connection that has waited longest, from an address with more than its share; FALSE if none waits. */
gboolean http_connection_displace_one(HttpLoop *loop);
/* Ends a connection in the loop, whatever it waits for. A request in progress is ended by a worker. */
void http_connection_drop(HttpConnection *connection);
/* Ends and frees a connection without a request. */
void http_connection_close(HttpConnection *connection);
