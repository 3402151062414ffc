#include "pg/commit.h"

#include "base/error.h"
#include "base/wait.h"

enum { PAUSE_MS = 500 };

gboolean
pg_transaction_status(PgConnection *connection, const char *xid, char **ret_status, GError **error)
{
  return pg_connection_value(connection, ret_status, error, "SELECT pg_catalog.txid_status($1::pg_catalog.int8)", 1,
                             xid);
}

static PgOutcome
find_outcome(const char *dsn, const char *xid, GError **error)
{
  gint64 deadline = g_get_monotonic_time() + PG_OUTCOME_TIMEOUT_S * G_USEC_PER_SEC;
  do {
    g_autoptr(PgConnection) connection = pg_connection_open(dsn, "cch-data outcome", NULL, NULL);
    g_autofree char *status = NULL;
    if (connection != NULL && pg_transaction_status(connection, xid, &status, NULL)) {
      if (g_strcmp0(status, "committed") == 0)
        return PG_COMMITTED;
      if (g_strcmp0(status, "aborted") == 0) {
        error_set(error, CCH_ERROR_DATABASE_UNAVAILABLE, "the connection was lost during the commit");
        return PG_ABORTED;
      }
    }
  } while (g_get_monotonic_time() < deadline && sleep_ms(PAUSE_MS, NULL, NULL));
  error_set(error, CCH_ERROR_DATABASE_UNAVAILABLE, "transaction %s", xid);
  return PG_OUTCOME_UNKNOWN;
}

PgOutcome
pg_commit(PgConnection *connection, const char *dsn, GError **error)
{
  g_autofree char *xid = NULL;
  if (!pg_connection_value(connection, &xid, error, "SELECT pg_catalog.txid_current()", 0))
    return PG_ABORTED;
  g_autoptr(GError) failure = NULL;
  pg_connection_set_cancellable(connection, NULL);
  if (pg_connection_exec(connection, "COMMIT", &failure))
    return PG_COMMITTED;
  if (error_code(failure) == CCH_ERROR_DATABASE_UNAVAILABLE || !pg_connection_is_alive(connection))
    return find_outcome(dsn, xid, error);
  g_propagate_error(error, g_steal_pointer(&failure));
  return PG_ABORTED;
}
