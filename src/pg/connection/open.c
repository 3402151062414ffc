/* Opens a connection that is ready for use: pg_connection_open. */
#include "pg/connection/connection_private.h"

#include "base/error.h"
#include "pg/connection/pooling.h"
#include "pg/dsn/dsn.h"

enum { FIRST_ANSWERS_TIMEOUT_MS = 10000 };

/* Settings that our statements rely on, whatever was set for the database or the role: quoting and formats of
 * values, exactly, a transaction's visibility, and no timeouts for a session that waits for us or a statement over a
 * whole table. Lock timeouts are left alone. */
#define SETTINGS                                                                                                       \
  "SELECT pg_catalog.set_config('search_path', '', false); SET standard_conforming_strings = on; SET datestyle = "     \
  "'ISO'; SET intervalstyle = 'postgres'; SET extra_float_digits = 1; SET bytea_output = 'hex'; "                      \
  "SET quote_all_identifiers = off; SET array_nulls = on; SET transform_null_equals = off; "                           \
  "SET default_transaction_isolation = 'read committed'; SET statement_timeout = 0; "                                  \
  "SET idle_in_transaction_session_timeout = 0"

static const char *
session_timeout(const PgConnection *connection)
{
  return pg_connection_server_version(connection) < 140000 ? "" : "; SET idle_session_timeout = 0";
}

static gboolean
prepare_session(PgConnection *connection, GError **error)
{
  return pg_connection_execf(connection, error, SETTINGS "%s", session_timeout(connection));
}

gboolean
pg_connection_renew(PgConnection *connection, const char *application_name, GError **error)
{
  connection->repeats_conflicts = FALSE;
  g_autofree char *name = pg_quote_literal(application_name);
  return pg_connection_execf(connection, error,
                             "RESET ALL; DISCARD TEMP; SELECT pg_catalog.pg_advisory_unlock_all(); " SETTINGS
                             "%s; SET application_name = %s",
                             session_timeout(connection), name);
}

/* A rejected password may contain a '%' that was meant literally. */
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

PgConnection *
pg_connection_open_within(const char *dsn, const char *application_name, guint timeout_ms, GCancellable *cancellable,
                          GError **error)
{
  g_autofree char *conninfo = dsn_with_defaults(dsn, error);
  if (conninfo == NULL)
    return NULL;
  g_autoptr(PgConnection) connection = pg_connect(conninfo, application_name, timeout_ms, cancellable, error);
  if (connection == NULL) {
    explain_refused_login(dsn, error);
    return NULL;
  }
  /* After the login, the first answers have the same time limit. */
  pg_connection_set_answer_timeout(connection, timeout_ms > 0 ? timeout_ms : FIRST_ANSWERS_TIMEOUT_MS);
  if (!pooling_check(connection, conninfo, cancellable, error) || !prepare_session(connection, error))
    return NULL;
  pg_connection_set_answer_timeout(connection, timeout_ms);
  return g_steal_pointer(&connection);
}

PgConnection *
pg_connection_open(const char *dsn, const char *application_name, GCancellable *cancellable, GError **error)
{
  return pg_connection_open_within(dsn, application_name, 0, cancellable, error);
}
