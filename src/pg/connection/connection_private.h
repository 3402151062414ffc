/* Shared state of a connection; private to pg/. */
#pragma once

#include "base/error.h"
#include "pg/connection/connection.h"

#include <libpq-fe.h>

typedef struct PgCopyOut PgCopyOut;
typedef struct CancelRequest CancelRequest;

enum { CANCEL_CONFIRM_TIMEOUT_MS = 4000 /* a server that does not confirm a cancellation is considered lost */ };

struct PgConnection {
  PGconn *conn;
  GCancellable *cancellable;      /* NULL: calls cannot be cancelled */
  GCancellable *leaving;          /* the one before NULL was set: once it is triggered, all waits are short */
  gboolean is_cancelling;         /* a cancel request is on its way for the running statement */
  CancelRequest *cancel_request;  /* NULL: none has been sent for the running statement */
  gint64 answer_by_us;            /* deadline for the server's answer after cancelling or leaving; 0: none */
  gboolean has_ended_transaction; /* by a statement of the last call */
  guint answer_timeout_ms;        /* 0: silence is not limited */
  PgCopyOut *copy_out;            /* during COPY … TO STDOUT */
  GDestroyNotify copy_out_free;
  PgKeeper keeper; /* NULL: pg_connection_free ends the connection */
  gpointer keeper_data;
};

/* The parts of a server error; any may be NULL. */
typedef struct {
  const char *sqlstate, *primary, *detail, *hint, *context, *source_function;
} PgErrorFields;

/* Connects by a connection string from dsn_with_defaults, and changes nothing in the session. `timeout_ms` 0 is 10 s
 * per host, unless the string has connect_timeout. */
PgConnection *pg_connect(const char *conninfo, const char *application_name, guint timeout_ms,
                         GCancellable *cancellable, GError **error);

/* The error code for an SQLSTATE. */
ErrorCode pg_code_of_sqlstate(const char *sqlstate);

/* Waits for events on the socket or cancellation: 1 events, 0 cancelled, -1 timeout or an invalid descriptor. */
int pg_poll_socket(PGconn *conn, short events, GCancellable *cancellable, int timeout_ms);

/* Sends libpq's buffered output and waits for `events` (POLLIN, POLLOUT) on the socket, or for cancellation, which
 * it passes on to the server. FALSE only if the connection is unusable. */
gboolean pg_wait(PgConnection *connection, short events, GError **error);

/* Sends everything buffered. */
gboolean pg_flush(PgConnection *connection, GError **error);

/* The next result of the running statement, NULL if none is left; waits and can be cancelled. */
gboolean pg_next_result(PgConnection *connection, PGresult **ret_result, GError **error);

/* CANCELLED if the cancellable is triggered before a statement runs. */
gboolean pg_begin_statement(PgConnection *connection, GError **error);

/* Sets the error of a failed result, or of the connection if `result` is NULL. */
void pg_set_error(PgConnection *connection, const PGresult *result, GError **error);
void pg_set_error_fields(PgConnection *connection, const PgErrorFields *fields, GError **error);

/* Asks the server to stop the running statement, without waiting. The statement's result shows whether it did; from
 * now on pg_wait waits only a few seconds for that result. */
void pg_send_cancel(PgConnection *connection);
/* Waits for the end of a request that was sent, before the next statement, which it would cancel. */
void pg_settle_cancel(PgConnection *connection);
void pg_cancel_request_unref(CancelRequest *request);

/* Ends the connection at once, whatever the server does. Later calls find it lost. */
void pg_abandon(PgConnection *connection);
