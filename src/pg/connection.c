#include "pg/connection_private.h"

#include "base/error.h"
#include "pg/dsn.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum {
  CONNECT_TIMEOUT_S = 10,           /* for each host of the DSN, unless it says connect_timeout */
  CANCEL_CONFIRM_TIMEOUT_MS = 15000 /* a server that does not confirm a cancellation is taken for lost */
};

/* The classes of SQLSTATE that mean more than "the statement failed" (PostgreSQL's errcodes.txt). */
static ErrorCode
code_of_sqlstate(const char *sqlstate)
{
  static const struct {
    const char *prefix;
    ErrorCode code;
  } classes[] = {
      {"08", CCH_ERROR_DATABASE_UNAVAILABLE},     {"57P01", CCH_ERROR_DATABASE_UNAVAILABLE},
      {"57P02", CCH_ERROR_DATABASE_UNAVAILABLE},  {"57P03", CCH_ERROR_DATABASE_UNAVAILABLE},
      {"57P04", CCH_ERROR_DATABASE_UNAVAILABLE},  {"53300", CCH_ERROR_DATABASE_UNAVAILABLE},
      {"28", CCH_ERROR_DATABASE_AUTHENTICATION},  {"3D000", CCH_ERROR_DATABASE_MISSING},
      {"42501", CCH_ERROR_DATABASE_PERMISSION},   {"53200", CCH_ERROR_DATABASE_OUT_OF_MEMORY},
      {"53100", CCH_ERROR_DATABASE_DISK_FULL},    {"53400", CCH_ERROR_DATABASE_DISK_FULL},
      {"55P03", CCH_ERROR_DATABASE_LOCK_TIMEOUT}, {"40P01", CCH_ERROR_DATABASE_CONFLICT},
      {"40001", CCH_ERROR_DATABASE_CONFLICT},     {"25006", CCH_ERROR_DATABASE_READ_ONLY},
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
                          .context = PQresultErrorField(result, PG_DIAG_CONTEXT),
                          .source_function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION)};
  pg_set_error_fields(connection, &fields, error);
}

void
pg_set_error_fields(PgConnection *connection, const PgErrorFields *fields, GError **error)
{
  const char *sqlstate = fields->sqlstate != NULL ? fields->sqlstate : "XX000";
  if (strcmp(sqlstate, "57014") == 0 && connection->is_cancelling) {
    error_set(error, CCH_ERROR_CANCELLED, "cancelled");
    return;
  }
  g_autofree char *where = fields->context != NULL ? g_strndup(fields->context, strcspn(fields->context, "\n")) : NULL;
  error_set_sql(error, code_of_sqlstate(sqlstate), sqlstate, fields->source_function, "%s%s%s%s%s [%s]",
                fields->primary != NULL ? fields->primary : "unknown error", fields->detail != NULL ? " — " : "",
                fields->detail != NULL ? fields->detail : "", where != NULL ? "; " : "", where != NULL ? where : "",
                sqlstate);
}

void
pg_send_cancel(PgConnection *connection)
{
  connection->is_cancelling = TRUE;
  PGcancel *cancel = PQgetCancel(connection->conn);
  if (cancel == NULL)
    return;
  char unused[256];
  PQcancel(cancel, unused, sizeof unused);
  PQfreeCancel(cancel);
}

/* Waits for events on the socket or cancellation: 1 events, 0 cancelled, -1 timeout or a broken descriptor. */
static int
poll_socket(PGconn *conn, short events, GCancellable *cancellable, int timeout_ms)
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

gboolean
pg_wait(PgConnection *connection, short events, GError **error)
{
  for (;;) {
    gboolean is_cancelling = connection->is_cancelling;
    int outcome = poll_socket(connection->conn, events, is_cancelling ? NULL : connection->cancellable,
                              is_cancelling ? CANCEL_CONFIRM_TIMEOUT_MS : -1);
    if (outcome > 0)
      return TRUE;
    if (outcome < 0) {
      error_set(error, is_cancelling ? CCH_ERROR_CANCELLED : CCH_ERROR_DATABASE_UNAVAILABLE,
                "the database did not answer");
      return FALSE;
    }
    pg_send_cancel(connection);
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
    /* The server may be stuck on what it wants to tell us: read as well as write (libpq, PQflush). */
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
  connection->is_cancelling = FALSE;
  if (g_cancellable_is_cancelled(connection->cancellable)) {
    error_set(error, CCH_ERROR_CANCELLED, "cancelled");
    return FALSE;
  }
  if (PQstatus(connection->conn) != CONNECTION_OK) {
    error_set(error, CCH_ERROR_DATABASE_UNAVAILABLE, "the connection to the database was lost");
    return FALSE;
  }
  return TRUE;
}

/* Seconds to wait for the connection, over all hosts of the DSN. */
static gint64
connect_budget_s(PGconn *conn)
{
  gint64 per_host = CONNECT_TIMEOUT_S;
  gint64 hosts = 1;
  PQconninfoOption *options = PQconninfo(conn);
  for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
    if (option->val == NULL || *option->val == '\0')
      continue;
    if (strcmp(option->keyword, "connect_timeout") == 0 && g_ascii_strtoll(option->val, NULL, 10) > 0)
      per_host = g_ascii_strtoll(option->val, NULL, 10);
    if (strcmp(option->keyword, "host") == 0)
      for (const char *p = option->val; *p != '\0'; p++)
        hosts += *p == ',';
  }
  PQconninfoFree(options);
  return MIN(per_host * hosts, 3600);
}

/* The SQLSTATE of a refused connection. libpq tells it only inside the message, where verbose errors put it between the
 * severity and the text, in every language: "FATAL:  28P01: …". Only a line's first one is that: what follows can quote
 * a name that looks like it. Of several hosts the last one counts. "" when there is none. */
static void
connect_sqlstate(const char *message, char sqlstate[6])
{
  sqlstate[0] = '\0';
  g_auto(GStrv) lines = g_strsplit(message, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    const char *mark = strstr(*line, ":  ");
    const char *start = mark != NULL ? mark + 3 : "";
    if (strspn(start, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && start[5] == ':')
      g_strlcpy(sqlstate, start, 6);
  }
}

static void
set_connect_error(PGconn *conn, GError **error)
{
  g_autofree char *message = g_strdup(PQerrorMessage(conn));
  char sqlstate[6];
  connect_sqlstate(message, sqlstate);
  char *location = strstr(message, "\nLOCATION:");
  if (location != NULL)
    *location = '\0';
  ErrorCode code = *sqlstate != '\0' ? code_of_sqlstate(sqlstate) : CCH_ERROR_DATABASE_UNAVAILABLE;
  if (code == CCH_ERROR_DATABASE_QUERY)
    code = CCH_ERROR_DATABASE_UNAVAILABLE;
  if (PQconnectionNeedsPassword(conn)) /* libpq gave up by itself, without an SQLSTATE */
    code = CCH_ERROR_DATABASE_AUTHENTICATION;
  error_set_sql(error, code, sqlstate, NULL, "%s", g_strstrip(message));
}

/* A password that was refused may hold a '%' that was meant as itself. */
static void
explain_refused_login(const char *dsn, GError **error)
{
  if (error != NULL && error_code(*error) == CCH_ERROR_DATABASE_AUTHENTICATION && dsn_has_percent_in_password(dsn)) {
    g_autofree char *message = g_strdup((*error)->message);
    g_free((*error)->message);
    (*error)->message = g_strconcat(message,
                                    "; in an address, %XX in the password stands for one character, and a % that is "
                                    "meant as itself is written as %25",
                                    NULL);
  }
}

/* The first attempt failed at once, or libpq found a value wrong before there was one. It quotes such a value, which
 * could be a part of a password; what it quotes of an attempt is the host's name or the socket's. */
static void
set_start_error(PGconn *conn, GError **error)
{
  g_autofree char *message = g_strstrip(g_strdup(conn != NULL ? PQerrorMessage(conn) : "out of memory"));
  if (g_str_has_prefix(message, "connection to server") || g_str_has_prefix(message, "could not translate host name")) {
    error_set(error, CCH_ERROR_DATABASE_UNAVAILABLE, "%s", message);
    return;
  }
  g_autoptr(GRegex) quoted = g_regex_new("\"[^\"]*\"", 0, 0, NULL);
  g_autofree char *shown = g_regex_replace_literal(quoted, message, -1, 0, "\"…\"", 0, NULL);
  error_set(error, CCH_ERROR_CONFIG, "DSN: %s", shown != NULL ? shown : "a value is wrong");
}

static gboolean
connect_wait(PGconn *conn, GCancellable *cancellable, GError **error)
{
  gint64 deadline = g_get_monotonic_time() + connect_budget_s(conn) * G_USEC_PER_SEC;
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
    gint64 left_ms = (deadline - g_get_monotonic_time()) / 1000;
    short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    int outcome = left_ms > 0 ? poll_socket(conn, events, cancellable, (int)left_ms) : -1;
    if (outcome <= 0) {
      error_set(error, outcome == 0 ? CCH_ERROR_CANCELLED : CCH_ERROR_DATABASE_UNAVAILABLE, "%s",
                outcome == 0 ? "cancelled" : "timed out connecting to the database");
      return FALSE;
    }
    status = PQconnectPoll(conn);
  }
  if (status == PGRES_POLLING_FAILED) {
    set_connect_error(conn, error);
    return FALSE;
  }
  return TRUE;
}

static void
ignore_notice(void *user_data, const PGresult *result)
{
  (void)user_data;
  (void)result;
}

/* What our statements rely on, whatever was set for the database or the role: how texts are quoted and values are
 * written, what a transaction sees, and that nobody ends a session that waits for us or a statement that is made for a
 * whole table. How long a lock may be waited for is left as it is. */
static gboolean
prepare_session(PgConnection *connection, GError **error)
{
  return pg_connection_exec(
             connection,
             "SELECT pg_catalog.set_config('search_path', '', false); SET standard_conforming_strings = on; SET "
             "datestyle = 'ISO'; "
             "SET intervalstyle = 'postgres'; SET bytea_output = 'hex'; SET quote_all_identifiers = off; "
             "SET array_nulls = on; SET transform_null_equals = off; "
             "SET default_transaction_isolation = 'read committed'; SET statement_timeout = 0; "
             "SET idle_in_transaction_session_timeout = 0",
             error) &&
         (pg_connection_server_version(connection) < 140000 ||
          pg_connection_exec(connection, "SET idle_session_timeout = 0", error));
}

PgConnection *
pg_connection_open(const char *dsn, const char *application_name, GCancellable *cancellable, GError **error)
{
  g_autofree char *full_dsn = dsn_with_defaults(dsn, error);
  if (full_dsn == NULL)
    return NULL;
  /* Whatever stands after dbname overrides what the DSN says. */
  const char *keywords[] = {"dbname", "application_name", "client_encoding", NULL};
  const char *values[] = {full_dsn, application_name, "UTF8", NULL};
  g_autoptr(PgConnection) connection = g_new0(PgConnection, 1);
  connection->conn = PQconnectStartParams(keywords, values, TRUE);
  if (connection->conn == NULL || PQstatus(connection->conn) == CONNECTION_BAD) {
    set_start_error(connection->conn, error);
    return NULL;
  }
  PQsetErrorVerbosity(connection->conn, PQERRORS_VERBOSE);
  PQsetNoticeReceiver(connection->conn, ignore_notice, NULL);
  if (!connect_wait(connection->conn, cancellable, error)) {
    explain_refused_login(dsn, error);
    return NULL;
  }
  PQsetErrorVerbosity(connection->conn, PQERRORS_DEFAULT);
  PQsetnonblocking(connection->conn, 1);
  pg_connection_set_cancellable(connection, cancellable);
  return prepare_session(connection, error) ? g_steal_pointer(&connection) : NULL;
}

void
pg_connection_free(PgConnection *connection)
{
  if (connection == NULL)
    return;
  g_clear_pointer(&connection->copy_out, pg_copy_out_free);
  g_clear_object(&connection->cancellable);
  PQfinish(connection->conn);
  g_free(connection);
}

void
pg_connection_set_cancellable(PgConnection *connection, GCancellable *cancellable)
{
  g_set_object(&connection->cancellable, cancellable);
}

/* Takes a statement's remaining results; the first failed one becomes the error, the last good one is returned if
 * asked. */
static gboolean
finish_statement(PgConnection *connection, PGresult **ret_last, GError **error)
{
  g_autoptr(PgResult) last = NULL;
  gboolean ok = TRUE;
  for (;;) {
    PGresult *next = NULL;
    if (!pg_next_result(connection, &next, ok ? error : NULL))
      return FALSE;
    if (next == NULL)
      break;
    g_autoptr(PgResult) result = next;
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COPY_IN)
      PQputCopyEnd(connection->conn, "unexpected COPY");
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY && ok) {
      ok = FALSE;
      pg_set_error(connection, result, error);
      if (status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
        return FALSE;
    }
    g_clear_pointer(&last, pg_result_free);
    last = g_steal_pointer(&result);
  }
  if (ok && ret_last != NULL)
    *ret_last = g_steal_pointer(&last);
  return ok;
}

gboolean
pg_connection_exec(PgConnection *connection, const char *sql, GError **error)
{
  if (!pg_begin_statement(connection, error))
    return FALSE;
  if (!PQsendQuery(connection->conn, sql)) {
    pg_set_error(connection, NULL, error);
    return FALSE;
  }
  return finish_statement(connection, NULL, error);
}

gboolean
pg_connection_execf(PgConnection *connection, GError **error, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *sql = g_strdup_vprintf(format, args);
  va_end(args);
  return pg_connection_exec(connection, sql, error);
}

void
pg_connection_rollback(PgConnection *connection)
{
  GCancellable *cancellable = g_steal_pointer(&connection->cancellable);
  pg_connection_exec(connection, "ROLLBACK", NULL);
  connection->cancellable = cancellable;
}

PgResult *
pg_connection_queryv(PgConnection *connection, GError **error, const char *sql, guint n, const char *const *values)
{
  if (!pg_begin_statement(connection, error))
    return NULL;
  if (!PQsendQueryParams(connection->conn, sql, (int)n, NULL, values, NULL, NULL, 0)) {
    pg_set_error(connection, NULL, error);
    return NULL;
  }
  PGresult *result = NULL;
  return finish_statement(connection, &result, error) ? result : NULL;
}

static const char **
collect_values(guint n, va_list args)
{
  const char **values = g_new0(const char *, n + 1);
  for (guint i = 0; i < n; i++)
    values[i] = va_arg(args, const char *);
  return values;
}

PgResult *
pg_connection_query(PgConnection *connection, GError **error, const char *sql, guint n, ...)
{
  va_list args;
  va_start(args, n);
  g_autofree const char **values = collect_values(n, args);
  va_end(args);
  return pg_connection_queryv(connection, error, sql, n, values);
}

gboolean
pg_connection_value(PgConnection *connection, char **ret_value, GError **error, const char *sql, guint n, ...)
{
  va_list args;
  va_start(args, n);
  g_autofree const char **values = collect_values(n, args);
  va_end(args);
  g_autoptr(PgResult) result = pg_connection_queryv(connection, error, sql, n, values);
  if (result == NULL)
    return FALSE;
  *ret_value = pg_result_rows(result) > 0 ? g_strdup(pg_result_text(result, 0, 0)) : NULL;
  return TRUE;
}

/* What says where to connect, and is replaced by where this connection is; and what each connection says anew. */
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
    /* Defaults are left out: another libpq, that of pg_dump, may not know a newer option. */
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
pg_connection_in_transaction(const PgConnection *connection)
{
  return PQtransactionStatus(connection->conn) == PQTRANS_INTRANS;
}
