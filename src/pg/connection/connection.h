/* A connection to PostgreSQL: the only module, with its neighbours in pg/, that knows libpq.
 *
 * Every call that waits can be cancelled: when the connection's GCancellable is triggered, the running statement is
 * cancelled in the server and the call returns CANCELLED once the server has confirmed, or after 4 s, with the
 * connection lost. Without a GCancellable a call waits 60 s for a sign of the server, or 4 s from when the GCancellable
 * that was set before is triggered; then the connection is lost, and what became of the statement is unknown. Errors
 * are CCH_ERROR with the SQLSTATE (base/error.h). Not thread-safe: one thread at a time. */
#pragma once

#include <gio/gio.h>

typedef struct PgConnection PgConnection;
typedef struct pg_result PgResult; /* libpq's PGresult */

/* Connects. `dsn` is anything dsn_check takes. `application_name` is what pg_stat_activity shows. `cancellable` may be
 * NULL. search_path is pg_catalog alone, so every statement names its objects by their schema; how values are written
 * and read is PostgreSQL's default, whatever was set for the database or the role. DATABASE_POOLED where transactions
 * of a session do not share a server process, which is found out before anything is set. */
PgConnection *pg_connection_open(const char *dsn, const char *application_name, GCancellable *cancellable,
                                 GError **error);
/* The same for short questions: connecting may take `timeout_ms`, and so may each answer. */
PgConnection *pg_connection_open_within(const char *dsn, const char *application_name, guint timeout_ms,
                                        GCancellable *cancellable, GError **error);
void pg_connection_free(PgConnection *connection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PgConnection, pg_connection_free)

/* From now on calls heed this cancellable (NULL: none); needed to roll back after a cancellation. */
void pg_connection_set_cancellable(PgConnection *connection, GCancellable *cancellable);

/* From now on a server that is silent for so long is taken for lost (DATABASE_UNAVAILABLE); 0: a statement may last.
 * For connections whose statements are short. */
void pg_connection_set_answer_timeout(PgConnection *connection, guint timeout_ms);

/* Runs any number of statements (the simple protocol); rows are thrown away. */
gboolean pg_connection_exec(PgConnection *connection, const char *sql, GError **error);
gboolean pg_connection_execf(PgConnection *connection, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Rolls back, also when the cancellable is triggered. What cannot be rolled back has lost its connection. */
void pg_connection_rollback(PgConnection *connection);

/* Runs one statement with `n` text parameters (NULL is SQL NULL) and returns its rows; free with pg_result_free. */
PgResult *pg_connection_query(PgConnection *connection, GError **error, const char *sql, guint n, ...);
PgResult *pg_connection_queryv(PgConnection *connection, GError **error, const char *sql, guint n,
                               const char *const *values);

/* As query, for one value: of the first row's first column, NULL (and no error) where there is no row or it is NULL;
 * free with g_free. TRUE unless it failed. */
gboolean pg_connection_value(PgConnection *connection, char **ret_value, GError **error, const char *sql, guint n, ...);

guint pg_result_rows(const PgResult *result);
/* NULL for SQL NULL. Owned by the result. */
const char *pg_result_text(const PgResult *result, guint row, guint column);
gint64 pg_result_int64(const PgResult *result, guint row, guint column);  /* 0 for NULL */
gboolean pg_result_bool(const PgResult *result, guint row, guint column); /* FALSE for NULL */
/* Rows that INSERT, UPDATE, DELETE, MERGE or COPY touched. */
guint64 pg_result_affected(const PgResult *result);
void pg_result_free(PgResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PgResult, pg_result_free)

/* COPY … FROM STDIN: begin, write any number of times, end; abort instead of end after an error of one's own. After a
 * failed write or end the COPY is over. */
gboolean pg_connection_copy_in_begin(PgConnection *connection, const char *sql, GError **error);
gboolean pg_connection_copy_in_write(PgConnection *connection, const guint8 *data, gsize size, GError **error);
gboolean pg_connection_copy_in_end(PgConnection *connection, guint64 *ret_rows, GError **error);
void pg_connection_copy_in_abort(PgConnection *connection);

/* COPY … TO STDOUT in text format: begin, then read until 0, which says that the COPY has ended well. read waits for at
 * least one byte and fills the buffer as far as it can without waiting; pieces end anywhere. -1 is an error; the COPY
 * is over, and so it is after abort, which cancels it in the server. Nothing else may be done on the connection before
 * the COPY is over.
 *
 * Without TLS or GSS encryption rows pass through in constant memory, whatever their length; with it libpq holds a row
 * at a time. */
gboolean pg_connection_copy_out_begin(PgConnection *connection, const char *sql, GError **error);
gssize pg_connection_copy_out_read(PgConnection *connection, guint8 *buffer, gsize size, GError **error);
void pg_connection_copy_out_abort(PgConnection *connection);

/* A connection string with its secrets for further connections to the very same server, where the DSN names several or
 * a name has several addresses; free with g_free. */
char *pg_connection_dsn(const PgConnection *connection);

/* 150020 for 15.20. */
int pg_connection_server_version(const PgConnection *connection);
/* A reported parameter ("server_version", "standard_conforming_strings"), or NULL; owned by the connection. */
const char *pg_connection_parameter(const PgConnection *connection, const char *name);
/* FALSE once the connection was lost. */
gboolean pg_connection_is_alive(const PgConnection *connection);
/* The socket, for poll(2) only: of an idle connection it becomes readable when the server ends it (or tells something,
 * which the next statement takes in). */
int pg_connection_socket(const PgConnection *connection);
/* TRUE inside a transaction block that has not failed. */
gboolean pg_connection_in_transaction(const PgConnection *connection);

/* Quoted for SQL; free with g_free. */
char *pg_quote_identifier(const char *name);
char *pg_quote_literal(const char *text); /* also right when standard_conforming_strings is off */
char *pg_quote_qualified(const char *schema_name, const char *name);
/* A text[] parameter's value: {"a","b"}; of `n` values NULL is SQL NULL. */
char *pg_array(const char *const *values);
char *pg_array_n(const char *const *values, guint n);
