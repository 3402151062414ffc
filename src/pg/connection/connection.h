/* A connection to PostgreSQL. Only this module and its neighbours in pg/ use libpq.
 *
 * Every call that waits can be cancelled. When the connection's GCancellable is triggered, the running statement is
 * cancelled in the server. The call returns CANCELLED when the server has confirmed, or after 4 s, with the
 * connection lost. Without a GCancellable a call waits 60 s for a sign of life of the server, or 4 s once the
 * GCancellable that was set before is triggered. Then the connection is lost and the outcome of the statement
 * unknown. Errors are CCH_ERROR with the SQLSTATE (base/error.h). Not thread-safe: one thread at a time. */
#pragma once

#include <gio/gio.h>

typedef struct PgConnection PgConnection;
typedef struct pg_result PgResult; /* libpq's PGresult */

/* Connects. `dsn` is anything that dsn_check accepts. `application_name` is shown in pg_stat_activity. `cancellable`
 * may be NULL. search_path is pg_catalog alone, so every statement qualifies its names by schema. Values are written
 * and read in PostgreSQL's default formats, whatever was set for the database or the role. DATABASE_POOLED if the
 * transactions of a session do not share a server process; this is checked before any setting is made. */
PgConnection *pg_connection_open(const char *dsn, const char *application_name, GCancellable *cancellable,
                                 GError **error);
/* The same for short queries: connecting, and each answer, may take `timeout_ms`. */
PgConnection *pg_connection_open_within(const char *dsn, const char *application_name, guint timeout_ms,
                                        GCancellable *cancellable, GError **error);
/* Ends the connection, unless its keeper takes it. NULL is ignored. */
void pg_connection_free(PgConnection *connection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PgConnection, pg_connection_free)

/* Takes over a connection that would be ended, and returns TRUE; or returns FALSE. */
typedef gboolean (*PgKeeper)(PgConnection *connection, gpointer data);
/* From now on pg_connection_free offers the connection to `keeper` (NULL: nobody), as long as it is alive, outside of
 * a transaction, and no cancel request is on its way. */
void pg_connection_set_keeper(PgConnection *connection, PgKeeper keeper, gpointer data);
/* The caller repeats a transaction that fails with DATABASE_CONFLICT, so that prepared statements can be used in it:
 * one that was outdated by a change of the schema fails, and is prepared anew when it is repeated. Outside of
 * transactions that happens unseen. Ends with pg_connection_renew. */
void pg_connection_repeats_conflicts(PgConnection *connection);
/* Gives a session that was used before the settings of a new one, without its temporary tables and advisory locks. */
gboolean pg_connection_renew(PgConnection *connection, const char *application_name, GError **error);

/* From now on calls use this cancellable (NULL: none); needed to roll back after a cancellation. */
void pg_connection_set_cancellable(PgConnection *connection, GCancellable *cancellable);

/* From now on a server that is silent for so long is considered lost (DATABASE_UNAVAILABLE); 0: no limit. For
 * connections with short statements. */
void pg_connection_set_answer_timeout(PgConnection *connection, guint timeout_ms);

/* Runs any number of statements (the simple protocol); rows are discarded. */
gboolean pg_connection_exec(PgConnection *connection, const char *sql, GError **error);
gboolean pg_connection_execf(PgConnection *connection, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Keeps a command, such as SAVEPOINT, until the next statement, with which it goes out in one round trip. If it fails,
 * that statement does not run, and has its error. A rollback drops it. */
void pg_connection_defer(PgConnection *connection, const char *sql);

/* Rolls back, even if the cancellable is triggered. If that fails, the connection is lost. */
void pg_connection_rollback(PgConnection *connection);

/* Runs one statement with `n` text parameters (NULL is SQL NULL) and returns its rows; free with pg_result_free. On a
 * connection with a keeper the server prepares a statement when it is used again. */
PgResult *pg_connection_query(PgConnection *connection, GError **error, const char *sql, guint n, ...);
PgResult *pg_connection_queryv(PgConnection *connection, GError **error, const char *sql, guint n,
                               const char *const *values);

/* The same in two steps, between which the server works: sends a statement, and takes its rows. The connection must not
 * be used for anything else in between, and what was begun must be ended. */
gboolean pg_connection_query_begin(PgConnection *connection, const char *sql, GError **error);
PgResult *pg_connection_query_end(PgConnection *connection, GError **error);

/* pg_connection_query for one value, the first column of the first row; NULL (without an error) if there is no row
 * or it is NULL; free with g_free. TRUE unless it failed. */
gboolean pg_connection_value(PgConnection *connection, char **ret_value, GError **error, const char *sql, guint n, ...);

guint pg_result_rows(const PgResult *result);
/* NULL for SQL NULL. Owned by the result. */
const char *pg_result_text(const PgResult *result, guint row, guint column);
gint64 pg_result_int64(const PgResult *result, guint row, guint column);  /* 0 for NULL */
gboolean pg_result_bool(const PgResult *result, guint row, guint column); /* FALSE for NULL */
/* Number of rows that INSERT, UPDATE, DELETE, MERGE or COPY affected. */
guint64 pg_result_affected(const PgResult *result);
void pg_result_free(PgResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PgResult, pg_result_free)

/* COPY … FROM STDIN: begin, write any number of times, end; after an error of the caller, abort instead of end.
 * After a failed write or end the COPY is over. */
gboolean pg_connection_copy_in_begin(PgConnection *connection, const char *sql, GError **error);
gboolean pg_connection_copy_in_write(PgConnection *connection, const guint8 *data, gsize size, GError **error);
gboolean pg_connection_copy_in_end(PgConnection *connection, guint64 *ret_rows, GError **error);
void pg_connection_copy_in_abort(PgConnection *connection);

/* COPY … TO STDOUT in text format: begin, then read until 0, the successful end. read waits for at least one byte and
 * fills the buffer as far as it can without waiting; pieces end anywhere. -1 is an error, after which the COPY is over,
 * as it is after abort, which cancels it in the server. The connection must not be used for anything else before the
 * COPY is over.
 *
 * Without TLS or GSS encryption rows pass through in constant memory, whatever their length. With it, libpq holds a
 * whole row. */
gboolean pg_connection_copy_out_begin(PgConnection *connection, const char *sql, GError **error);
gssize pg_connection_copy_out_read(PgConnection *connection, guint8 *buffer, gsize size, GError **error);
void pg_connection_copy_out_abort(PgConnection *connection);

/* A connection string with its secrets for further connections to exactly this server, if the DSN names several or a
 * name has several addresses; free with g_free. */
char *pg_connection_dsn(const PgConnection *connection);

/* 150020 for 15.20. */
int pg_connection_server_version(const PgConnection *connection);
/* A reported parameter ("server_version", "standard_conforming_strings"), or NULL; owned by the connection. */
const char *pg_connection_parameter(const PgConnection *connection, const char *name);
/* FALSE once the connection was lost. */
gboolean pg_connection_is_alive(const PgConnection *connection);
/* The socket, for poll(2) only. On an idle connection it becomes readable when the server ends the connection or
 * sends a message, which the next statement reads. */
int pg_connection_socket(const PgConnection *connection);
/* Whether a statement of the last call committed, prepared or rolled back a transaction, or went back to
 * a savepoint, by the server's command tags. Also known when the connection was lost in that call. */
gboolean pg_connection_has_ended_transaction(const PgConnection *connection);
/* TRUE inside a transaction block that has not failed. */
gboolean pg_connection_in_transaction(const PgConnection *connection);

/* Quoted for SQL; free with g_free. */
char *pg_quote_identifier(const char *name);
char *pg_quote_literal(const char *text); /* correct even if standard_conforming_strings is off */
char *pg_quote_qualified(const char *schema_name, const char *name);
/* The value of a text[] parameter: {"a","b"}; a NULL among the `n` values is SQL NULL. */
char *pg_array(const char *const *values);
char *pg_array_n(const char *const *values, guint n);
