/* Opens a connection; open.c makes it ready for use. */
#include "pg/connection/connection_private.h"

#include "base/error.h"
#include "pg/dsn/dsn.h"

#include <poll.h>
#include <string.h>

enum {
  CONNECT_TIMEOUT_S = 10 /* per host of the DSN, unless it has connect_timeout */
};

/* Total seconds to wait for the connection, over all hosts of the DSN. */
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

/* The SQLSTATE of a refused connection; "" if there is none. libpq has it only in the message, where verbose errors
 * put it between severity and text, in every language: "FATAL:  28P01: …". Only the first one in a line counts,
 * because the text can quote a name that looks like one. Of several hosts, the last one counts. */
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
  ErrorCode code = *sqlstate != '\0' ? pg_code_of_sqlstate(sqlstate) : CCH_ERROR_DATABASE_UNAVAILABLE;
  if (code == CCH_ERROR_DATABASE_QUERY)
    code = CCH_ERROR_DATABASE_UNAVAILABLE;
  if (PQconnectionNeedsPassword(conn)) /* libpq gave up without an SQLSTATE */
    code = CCH_ERROR_DATABASE_AUTHENTICATION;
  error_set_sql(error, code, sqlstate, NULL, "%s", g_strstrip(message));
}

/* The first attempt failed at once, or libpq rejected a value before it. libpq quotes such a value, which could be
 * part of a password. From an attempt it quotes only the host's name or the socket's path. */
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
connect_wait(PGconn *conn, guint timeout_ms, GCancellable *cancellable, GError **error)
{
  gint64 budget_us = timeout_ms > 0 ? timeout_ms * G_TIME_SPAN_MILLISECOND : connect_budget_s(conn) * G_USEC_PER_SEC;
  gint64 deadline = g_get_monotonic_time() + budget_us;
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
    gint64 left_ms = (deadline - g_get_monotonic_time()) / 1000;
    short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    int outcome = left_ms > 0 ? pg_poll_socket(conn, events, cancellable, (int)left_ms) : -1;
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

PgConnection *
pg_connect(const char *conninfo, const char *application_name, guint timeout_ms, GCancellable *cancellable,
           GError **error)
{
  /* The DSN overrides keywords before dbname, and keywords after it override the DSN. With these, a network that
   * drops all packets is noticed within half a minute instead of two hours. */
  const char *keywords[] = {"keepalives_idle",
                            "keepalives_interval",
                            "keepalives_count",
                            "dbname",
                            "application_name",
                            "client_encoding",
                            NULL};
  const char *values[] = {"10", "5", "3", conninfo, application_name, "UTF8", NULL};
  g_autoptr(PgConnection) connection = g_new0(PgConnection, 1);
  connection->conn = PQconnectStartParams(keywords, values, TRUE);
  if (connection->conn == NULL || PQstatus(connection->conn) == CONNECTION_BAD) {
    set_start_error(connection->conn, error);
    return NULL;
  }
  PQsetErrorVerbosity(connection->conn, PQERRORS_VERBOSE);
  PQsetNoticeReceiver(connection->conn, ignore_notice, NULL);
  if (!connect_wait(connection->conn, timeout_ms, cancellable, error))
    return NULL;
  PQsetErrorVerbosity(connection->conn, PQERRORS_DEFAULT);
  PQsetnonblocking(connection->conn, 1);
  pg_connection_set_cancellable(connection, cancellable);
  return g_steal_pointer(&connection);
}
