#include "pg/connection/connection_private.h"

#include "base/error.h"
#include "pg/connection/sqlstate.h"
#include "pg/dsn/dsn.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum {
  UNCANCELLABLE_TIMEOUT_MS = 60000 /* for calls that nothing cancels, such as a COMMIT */
};

/* The SQLSTATE classes that mean more than "the statement failed" (PostgreSQL's errcodes.txt). */
ErrorCode
pg_code_of_sqlstate(const char *sqlstate)
{
  static const struct {
    const char *prefix;
    ErrorCode code;
  } classes[] = {
      {SQLSTATE_CLASS_CONNECTION, CCH_ERROR_DATABASE_UNAVAILABLE},
      {SQLSTATE_ADMIN_SHUTDOWN, CCH_ERROR_DATABASE_UNAVAILABLE},
      {SQLSTATE_CRASH_SHUTDOWN, CCH_ERROR_DATABASE_UNAVAILABLE},
      {SQLSTATE_CANNOT_CONNECT_NOW, CCH_ERROR_DATABASE_UNAVAILABLE},
      {SQLSTATE_DATABASE_DROPPED, CCH_ERROR_DATABASE_UNAVAILABLE},
      {SQLSTATE_TOO_MANY_CONNECTIONS, CCH_ERROR_DATABASE_UNAVAILABLE},
      {SQLSTATE_CLASS_AUTHORIZATION, CCH_ERROR_DATABASE_AUTHENTICATION},
      {SQLSTATE_UNDEFINED_DATABASE, CCH_ERROR_DATABASE_MISSING},
      {SQLSTATE_INSUFFICIENT_PRIVILEGE, CCH_ERROR_DATABASE_PERMISSION},
      {SQLSTATE_OUT_OF_MEMORY, CCH_ERROR_DATABASE_OUT_OF_MEMORY},
      {SQLSTATE_DISK_FULL, CCH_ERROR_DATABASE_DISK_FULL},
      {SQLSTATE_LIMIT_EXCEEDED, CCH_ERROR_DATABASE_DISK_FULL},
      {SQLSTATE_LOCK_NOT_AVAILABLE, CCH_ERROR_DATABASE_LOCK_TIMEOUT},
      {SQLSTATE_DEADLOCK_DETECTED, CCH_ERROR_DATABASE_CONFLICT},
      {SQLSTATE_SERIALIZATION_FAILURE, CCH_ERROR_DATABASE_CONFLICT},
      {SQLSTATE_READ_ONLY, CCH_ERROR_DATABASE_READ_ONLY},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(classes); i++)
    if (g_str_has_prefix(sqlstate, classes[i].prefix))
      return classes[i].code;
  return CCH_ERROR_DATABASE_QUERY;
}

void
pg_set_error(PgConnection *connection, const PGresult *result, GError **error)
{
  const char *sqlstate = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
  if (sqlstate == NULL) {
    g_autofree char *message = g_strstrip(g_strdup(PQerrorMessage(connection->conn)));
    ErrorCode code =
        PQstatus(connection->conn) == CONNECTION_OK ? CCH_ERROR_DATABASE_QUERY : CCH_ERROR_DATABASE_UNAVAILABLE;
    error_set(error, code, "%s", *message != '\0' ? message : "the connection to the database was lost");
    return;
  }
  PgErrorFields fields = {.sqlstate = sqlstate,
                          .primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY),
                          .detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL),
                          .hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT),
                          .context = PQresultErrorField(result, PG_DIAG_CONTEXT),
                          .source_function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION)};
  pg_set_error_fields(connection, &fields, error);
}

void
pg_set_error_fields(PgConnection *connection, const PgErrorFields *fields, GError **error)
{
  const char *sqlstate = fields->sqlstate != NULL ? fields->sqlstate : SQLSTATE_INTERNAL_ERROR;
  if (strcmp(sqlstate, SQLSTATE_QUERY_CANCELED) == 0 && connection->is_cancelling) {
    error_set_cancelled(error);
    return;
  }
  g_autofree char *where = fields->context != NULL ? g_strndup(fields->context, strcspn(fields->context, "\n")) : NULL;
  error_set_sql(error, pg_code_of_sqlstate(sqlstate), sqlstate, fields->source_function, "%s%s%s%s%s%s%s [%s]",
                fields->primary != NULL ? fields->primary : "unknown error", fields->detail != NULL ? " — " : "",
                fields->detail != NULL ? fields->detail : "", fields->hint != NULL ? " — " : "",
                fields->hint != NULL ? fields->hint : "", where != NULL ? "; " : "", where != NULL ? where : "",
                sqlstate);
}

int
pg_poll_socket(PGconn *conn, short events, GCancellable *cancellable, int timeout_ms)
{
  GPollFD cancel_fd = {.fd = -1};
  gboolean has_cancel = g_cancellable_make_pollfd(cancellable, &cancel_fd);
  struct pollfd fds[2] = {{.fd = PQsocket(conn), .events = events},
                          {.fd = has_cancel ? cancel_fd.fd : -1, .events = POLLIN}};
  int ready;
  do
    ready = poll(fds, 2, timeout_ms);
  while (ready < 0 && errno == EINTR);
  if (has_cancel)
    g_cancellable_release_fd(cancellable);
  if (ready <= 0)
    return -1;
  return fds[0].revents != 0 ? 1 : 0;
}

/* The longest silence allowed now, in ms; -1: no limit. */
static int
silence_limit_ms(const PgConnection *connection)
{
  if (connection->answer_by_us != 0) {
    gint64 left_us = connection->answer_by_us - g_get_monotonic_time();
    return left_us > 0 ? (int)(left_us / 1000) : 0;
  }
  if (connection->answer_timeout_ms > 0)
    return (int)connection->answer_timeout_ms;
  return connection->cancellable != NULL ? -1 : UNCANCELLABLE_TIMEOUT_MS;
}

gboolean
pg_wait(PgConnection *connection, short events, GError **error)
{
  for (;;) {
    gboolean is_limited = connection->answer_by_us != 0;
    GCancellable *watched = connection->cancellable != NULL ? connection->cancellable : connection->leaving;
    int outcome = pg_poll_socket(connection->conn, events, is_limited ? NULL : watched, silence_limit_ms(connection));
    if (outcome > 0)
      return TRUE;
    if (outcome < 0) {
      pg_abandon(connection);
      error_set(error, connection->is_cancelling ? CCH_ERROR_CANCELLED : CCH_ERROR_DATABASE_UNAVAILABLE,
                "the database did not answer");
      return FALSE;
    }
    if (connection->cancellable != NULL)
      pg_send_cancel(connection);
    else
      connection->answer_by_us = g_get_monotonic_time() + CANCEL_CONFIRM_TIMEOUT_MS * G_TIME_SPAN_MILLISECOND;
  }
}

gboolean
pg_flush(PgConnection *connection, GError **error)
{
  for (;;) {
    int pending = PQflush(connection->conn);
    if (pending == 0)
      return TRUE;
    if (pending < 0) {
      pg_set_error(connection, NULL, error);
      return FALSE;
    }
    /* The server may be blocked by output for us: read as well as write (libpq, PQflush). */
    if (!pg_wait(connection, POLLIN | POLLOUT, error))
      return FALSE;
    if (!PQconsumeInput(connection->conn)) {
      pg_set_error(connection, NULL, error);
      return FALSE;
    }
  }
}

gboolean
pg_next_result(PgConnection *connection, PGresult **ret_result, GError **error)
{
  if (!pg_flush(connection, error))
    return FALSE;
  while (PQisBusy(connection->conn)) {
    if (!pg_wait(connection, POLLIN, error))
      return FALSE;
    if (!PQconsumeInput(connection->conn)) {
      pg_set_error(connection, NULL, error);
      return FALSE;
    }
  }
  *ret_result = PQgetResult(connection->conn);
  return TRUE;
}

gboolean
pg_begin_statement(PgConnection *connection, GError **error)
{
  pg_settle_cancel(connection);
  connection->is_cancelling = FALSE;
  connection->answer_by_us = 0;
  if (error_if_cancelled(connection->cancellable, error))
    return FALSE;
  if (PQstatus(connection->conn) != CONNECTION_OK) {
    error_set(error, CCH_ERROR_DATABASE_UNAVAILABLE, "the connection to the database was lost");
    return FALSE;
  }
  connection->has_ended_transaction = FALSE;
  return TRUE;
}

void
pg_connection_set_keeper(PgConnection *connection, PgKeeper keeper, gpointer data)
{
  connection->keeper = keeper;
  connection->keeper_data = data;
  if (keeper != NULL && connection->prepared == NULL)
    connection->prepared = pg_prepared_new();
}

static gboolean
is_kept(PgConnection *connection)
{
  if (connection->keeper == NULL || PQstatus(connection->conn) != CONNECTION_OK ||
      PQtransactionStatus(connection->conn) != PQTRANS_IDLE || connection->copy_out != NULL ||
      connection->cancel_request != NULL || connection->is_cancelling || connection->deferred != NULL)
    return FALSE;
  g_clear_object(&connection->cancellable);
  g_clear_object(&connection->leaving);
  connection->answer_by_us = 0;
  return connection->keeper(connection, connection->keeper_data);
}

void
pg_connection_free(PgConnection *connection)
{
  if (connection == NULL || is_kept(connection))
    return;
  if (connection->copy_out != NULL)
    g_clear_pointer(&connection->copy_out, connection->copy_out_free);
  g_clear_object(&connection->cancellable);
  g_clear_object(&connection->leaving);
  g_clear_pointer(&connection->cancel_request, pg_cancel_request_unref);
  g_clear_pointer(&connection->deferred, g_ptr_array_unref);
  g_clear_pointer(&connection->prepared, pg_prepared_free);
  PQfinish(connection->conn);
  g_free(connection);
}

void
pg_connection_set_answer_timeout(PgConnection *connection, guint timeout_ms)
{
  connection->answer_timeout_ms = timeout_ms;
}

void
pg_connection_set_cancellable(PgConnection *connection, GCancellable *cancellable)
{
  if (cancellable == NULL && connection->cancellable != NULL)
    g_set_object(&connection->leaving, connection->cancellable);
  g_set_object(&connection->cancellable, cancellable);
}

/* Options that say where to connect, which are replaced by this connection's address, and options that each
 * connection sets itself. */
static gboolean
is_option_of_the_place(const char *keyword)
{
  static const char *const keywords[] = {
      "host",    "hostaddr",         "port",           "target_session_attrs", "load_balance_hosts",
      "service", "application_name", "client_encoding"};
  for (gsize i = 0; i < G_N_ELEMENTS(keywords); i++)
    if (strcmp(keywords[i], keyword) == 0)
      return TRUE;
  return FALSE;
}

char *
pg_connection_dsn(const PgConnection *connection)
{
  GString *dsn = g_string_new(NULL);
  PQconninfoOption *options = PQconninfo(connection->conn);
  for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
    /* Defaults are omitted: another libpq, that of pg_dump, may not know a newer option. */
    gboolean is_set = option->val != NULL && *option->val != '\0' && g_strcmp0(option->val, option->compiled) != 0;
    if (is_set && !is_option_of_the_place(option->keyword))
      dsn_append(dsn, option->keyword, option->val);
  }
  PQconninfoFree(options);
  const char *address = PQhostaddr(connection->conn);
  dsn_append(dsn, "host", PQhost(connection->conn));
  if (address != NULL && *address != '\0')
    dsn_append(dsn, "hostaddr", address);
  dsn_append(dsn, "port", PQport(connection->conn));
  return g_string_free(dsn, FALSE);
}

int
pg_connection_server_version(const PgConnection *connection)
{
  return PQserverVersion(connection->conn);
}

const char *
pg_connection_parameter(const PgConnection *connection, const char *name)
{
  return PQparameterStatus(connection->conn, name);
}

gboolean
pg_connection_is_alive(const PgConnection *connection)
{
  return PQstatus(connection->conn) == CONNECTION_OK;
}

int
pg_connection_socket(const PgConnection *connection)
{
  return PQsocket(connection->conn);
}

gboolean
pg_connection_has_ended_transaction(const PgConnection *connection)
{
  return connection->has_ended_transaction;
}

gboolean
pg_connection_in_transaction(const PgConnection *connection)
{
  return PQtransactionStatus(connection->conn) == PQTRANS_INTRANS;
}
