/* What the files of pg/ share of a connection; nobody else includes this. */
#pragma once

#include "base/error.h"
#include "pg/connection/connection.h"

#include <libpq-fe.h>

typedef struct PgCopyOut PgCopyOut;
typedef struct CancelRequest CancelRequest;

struct PgConnection {
  PGconn *conn;
  GCancellable *cancellable;     /* NULL: calls cannot be cancelled */
  GCancellable *leaving;         /* the one before NULL was set: once it is triggered, nobody waits for long any more */
  gboolean is_cancelling;        /* a cancel request is on its way for the running statement */
  CancelRequest *cancel_request; /* NULL: none has been sent for the running statement */
  gint64 answer_by_us;           /* until when the server has to answer, if it is cancelled or left; 0: neither */
  guint answer_timeout_ms;       /* 0: silence has no limit, because statements may last */
  PgCopyOut *copy_out;           /* while a COPY … TO STDOUT runs */
  GDestroyNotify copy_out_free;
};

/* What an error of the server says; any may be NULL. */
typedef struct {
  const char *sqlstate, *primary, *detail, *hint, *context, *source_function;
} PgErrorFields;

/* Connects by a connection string that dsn_with_defaults made, and changes nothing in the session. `timeout_ms` of 0 is
 * 10 s for each host, unless the string says connect_timeout. */
PgConnection *pg_connect(const char *conninfo, const char *application_name, guint timeout_ms,
                         GCancellable *cancellable, GError **error);

/* The error code of an SQLSTATE. */
ErrorCode pg_code_of_sqlstate(const char *sqlstate);

/* Waits for events on the socket or cancellation: 1 events, 0 cancelled, -1 timeout or a broken descriptor. */
int pg_poll_socket(PGconn *conn, short events, GCancellable *cancellable, int timeout_ms);

/* Sends what libpq has buffered and waits for `events` (POLLIN, POLLOUT) on the socket, or for cancellation, which it
 * passes on to the server. FALSE only when the connection is unusable. */
gboolean pg_wait(PgConnection *connection, short events, GError **error);

/* Sends everything buffered. */
gboolean pg_flush(PgConnection *connection, GError **error);

/* The next result of the running statement, NULL when there is none left; waits and can be cancelled. */
gboolean pg_next_result(PgConnection *connection, PGresult **ret_result, GError **error);

/* CANCELLED when the cancellable is triggered and nothing runs yet. */
gboolean pg_begin_statement(PgConnection *connection, GError **error);

/* The error of a failed result, or of the connection when `result` is NULL. */
void pg_set_error(PgConnection *connection, const PGresult *result, GError **error);
void pg_set_error_fields(PgConnection *connection, const PgErrorFields *fields, GError **error);

/* Asks the server to stop the running statement, without waiting for it: whether it heard shows in the statement's
 * result, for which pg_wait waits no longer than a few seconds from now on. */
void pg_send_cancel(PgConnection *connection);

/* Ends the connection at once, whatever the server does: what is called next finds it lost. */
void pg_abandon(PgConnection *connection);
