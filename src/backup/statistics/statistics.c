#include "backup/statistics/statistics.h"

#include "backup_sql.h"
#include "base/error.h"
#include "pg/connection/sqlstate.h"

#define CONNECTION_NAME "cch-data analyze"

/* pg_advisory_lock's bigint: "cch_stat" in ASCII; held by whoever collects the full statistics. */
#define ADVISORY_KEY "7161682591617409396"

/* Since when the connection's database owes full statistics; NULL if it does not. Free with g_free. */
static gboolean
find_owed(PgConnection *connection, char **ret_since, GError **error)
{
  g_autofree char *table = NULL;
  *ret_since = NULL;
  return pg_connection_value(connection, &table, error, "SELECT pg_catalog.to_regclass('cch_data.statistics_owed')",
                             0) &&
         (table == NULL ||
          pg_connection_value(connection, ret_since, error,
                              "SELECT o.since FROM cch_data.statistics_owed o JOIN pg_catalog.pg_database d "
                              "ON d.oid = o.database_oid WHERE d.datname = pg_catalog.current_database()",
                              0));
}

gboolean
statistics_collect_coarse(const char *dsn, GCancellable *cancellable, GError **error)
{
  g_autoptr(PgConnection) connection = pg_connection_open(dsn, CONNECTION_NAME, cancellable, error);
  if (connection == NULL ||
      !pg_connection_exec(connection, "SET default_statistics_target = 1; SET vacuum_cost_delay = 0", error))
    return FALSE;
  g_autoptr(PgResult) statements = pg_connection_query(connection, error, backup_analyze_tables_sql, 1, NULL);
  if (statements == NULL)
    return FALSE;
  for (guint row = 0; row < pg_result_rows(statements); row++) {
    if (!pg_connection_exec(connection, pg_result_text(statements, row, 0), error)) {
      g_prefix_error(error, "%s: ", pg_result_text(statements, row, 0));
      return FALSE;
    }
  }
  return TRUE;
}

gboolean
statistics_record_owed(PgConnection *connection, GError **error)
{
  return pg_connection_exec(connection, backup_statistics_record_sql, error);
}

gboolean
statistics_are_owed(PgConnection *connection, gboolean *ret_are_owed, GError **error)
{
  g_autofree char *since = NULL;
  if (!find_owed(connection, &since, error))
    return FALSE;
  *ret_are_owed = since != NULL;
  return TRUE;
}

/* Whether ANALYZE may succeed another time: not if the table is gone, or one of its own functions fails. */
static gboolean
is_passing(const GError *failure)
{
  static const char *const classes[] = {"40", "53", "55", "57", "58", NULL}; /* errcodes.txt */
  const char *sqlstate = error_sqlstate(failure);
  for (guint i = 0; sqlstate != NULL && classes[i] != NULL; i++)
    if (g_str_has_prefix(sqlstate, classes[i]))
      return TRUE;
  return FALSE;
}

/* Returns FALSE only if nothing more can be done on the connection. */
static gboolean
analyze_one(PgConnection *connection, const char *statement, gboolean *ret_is_left, GCancellable *cancellable,
            GError **error)
{
  g_autoptr(GError) failure = NULL;
  *ret_is_left = FALSE;
  if (pg_connection_exec(connection, statement, &failure))
    return TRUE;
  *ret_is_left = is_passing(failure);
  if (pg_connection_is_alive(connection) && !g_cancellable_is_cancelled(cancellable))
    return TRUE;
  g_propagate_prefixed_error(error, g_steal_pointer(&failure), "%s: ", statement);
  return FALSE;
}

static gboolean
forget_owed(PgConnection *connection, GError **error)
{
  return pg_connection_exec(connection,
                            "DELETE FROM cch_data.statistics_owed WHERE database_oid = (SELECT oid FROM "
                            "pg_catalog.pg_database WHERE datname = pg_catalog.current_database())",
                            error);
}

gboolean
statistics_complete(const char *dsn, StatisticsOutcome *ret_outcome, GCancellable *cancellable, GError **error)
{
  g_autofree char *since = NULL, *is_ours = NULL;
  g_autoptr(PgConnection) connection = pg_connection_open(dsn, CONNECTION_NAME, cancellable, error);
  if (connection == NULL || !find_owed(connection, &since, error))
    return FALSE;
  if (since == NULL) {
    *ret_outcome = STATISTICS_NOT_OWED;
    return TRUE;
  }
  if (!pg_connection_value(connection, &is_ours, error, "SELECT pg_catalog.pg_try_advisory_lock(" ADVISORY_KEY ")",
                           0) ||
      !pg_connection_exec(connection, "SET lock_timeout = '2s'", error))
    return FALSE;
  if (g_strcmp0(is_ours, "t") != 0) {
    *ret_outcome = STATISTICS_IN_WORK;
    return TRUE;
  }
  g_autoptr(PgResult) statements = pg_connection_query(connection, error, backup_analyze_tables_sql, 1, since);
  if (statements == NULL)
    return FALSE;
  gboolean is_any_left = FALSE, is_left = FALSE;
  for (guint row = 0; row < pg_result_rows(statements); row++) {
    if (!analyze_one(connection, pg_result_text(statements, row, 0), &is_left, cancellable, error))
      return FALSE;
    is_any_left |= is_left;
  }
  if (!is_any_left && !forget_owed(connection, error))
    return FALSE;
  *ret_outcome = is_any_left ? STATISTICS_LEFT : STATISTICS_COMPLETE;
  return TRUE;
}
