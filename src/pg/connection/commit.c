#include "pg/connection/commit.h"

#include "base/error.h"
#include "base/wait.h"
#include "pg/connection/connection_private.h"

enum { PAUSE_MS = 500, ANSWER_TIMEOUT_MS = 2000, LAST_LOOK_MS = 1500 };

gboolean
pg_transaction_status(PgConnection *connection, const char *xid, char **ret_status, GError **error)
{
  return pg_connection_value(connection, ret_status, error, "SELECT pg_catalog.txid_status($1::pg_catalog.int8)", 1,
                             xid);
}

PgOutcome
pg_find_outcome(const char *dsn, const char *xid, guint wait_s, GCancellable *leaving, GError **error)
{
  gint64 now = g_get_monotonic_time();
  gint64 deadline = now + (gint64)wait_s * G_USEC_PER_SEC;
  gint64 last_look = now + LAST_LOOK_MS * G_TIME_SPAN_MILLISECOND;
  do {
    g_autoptr(PgConnection) connection =
        pg_connection_open_within(dsn, "cch-data outcome", ANSWER_TIMEOUT_MS, NULL, NULL);
    g_autofree char *status = NULL;
    if (connection != NULL && pg_transaction_status(connection, xid, &status, NULL)) {
      if (g_strcmp0(status, "committed") == 0)
        return PG_COMMITTED;
      if (g_strcmp0(status, "aborted") == 0) {
        error_set(error, CCH_ERROR_DATABASE_UNAVAILABLE, "the connection was lost during the commit");
        return PG_ABORTED;
      }
    }
    now = g_get_monotonic_time();
  } while (now < deadline && (now < last_look || !g_cancellable_is_cancelled(leaving)) &&
           sleep_ms(PAUSE_MS, NULL, NULL));
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
    return pg_find_outcome(dsn, xid, PG_OUTCOME_TIMEOUT_S, connection->leaving, error);
  g_propagate_error(error, g_steal_pointer(&failure));
  return PG_ABORTED;
}
