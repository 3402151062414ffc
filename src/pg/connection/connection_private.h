/* Shared state of a connection; private to pg/. */
#pragma once

#include "base/error.h"
#include "pg/connection/connection.h"

#include <libpq-fe.h>

typedef struct PgCopyOut PgCopyOut;
typedef struct PgPrepared PgPrepared;
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
  GPtrArray *deferred;        /* SQL that goes out with the next statement; NULL: none */
  PgPrepared *prepared;       /* NULL: no statements are prepared */
  gboolean repeats_conflicts; /* see pg_connection_repeats_conflicts */
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

/* Runs what was deferred. */
gboolean pg_run_deferred(PgConnection *connection, GError **error);

/* The statements that a session has prepared, for as long as the connection is kept. */
PgPrepared *pg_prepared_new(void);
void pg_prepared_free(PgPrepared *prepared);
/* Whether a statement is prepared, and under which name (`ret_name`, of 32 bytes). PG_PREPARE: it should be, because it
 * has been used before; pg_prepared_note must follow when it was. */
typedef enum { PG_UNPREPARED, PG_PREPARE, PG_PREPARED } PgPreparedUse;
PgPreparedUse pg_prepared_find(PgPrepared *prepared, const char *sql, char *ret_name);
void pg_prepared_note(PgPrepared *prepared, const char *sql, const char *name);
/* Forgets all: the server has to DEALLOCATE ALL, which pg_prepared_take_outdated asks for once. */
void pg_prepared_forget(PgPrepared *prepared);
gboolean pg_prepared_take_outdated(PgPrepared *prepared);
/* Whether a prepared statement can have failed because the schema has changed since, so that it would not fail if it
 * were prepared anew. */
gboolean pg_prepared_is_outdated(const GError *failure);

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
