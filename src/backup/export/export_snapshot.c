#include "backup/export/export_snapshot.h"

#include "backup_sql.h"
#include "base/error.h"
#include "pg/connection/sqlstate.h"

#include <string.h>

#define APPLICATION_NAME "cch-data export"

/* From setup_connection in pg_dump.c. In addition: no parallel plans and no JIT, which would take cores from the
 * other connections, and no sequential scan when a range of a table is read. */
static const char *const session_sql =
    "SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET extra_float_digits = 3; SET bytea_output = 'hex';"
    "SET synchronize_seqscans = off; SET statement_timeout = 0; SET lock_timeout = 0;"
    "SET idle_in_transaction_session_timeout = 0; SET row_security = off;"
    "SET max_parallel_workers_per_gather = 0; SET jit = off; SET enable_seqscan = off;"
    "SET enable_tidscan = on;"
    "SELECT pg_catalog.set_config(name, CASE name WHEN 'restrict_nonsystem_relation_kind' THEN 'view, foreign-table'"
    " ELSE '0' END, false) FROM pg_catalog.pg_settings"
    " WHERE name IN ('transaction_timeout', 'idle_session_timeout', 'restrict_nonsystem_relation_kind');"
    "SELECT pg_catalog.set_config('client_encoding', pg_catalog.current_setting('server_encoding'), false)";

static const char *const begin_sql = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

typedef enum { OUTCOME_DONE, OUTCOME_AGAIN, OUTCOME_FAILED } Outcome;

void
export_snapshot_free(ExportSnapshot *snapshot)
{
  if (snapshot == NULL)
    return;
  g_ptr_array_unref(snapshot->connections);
  g_free(snapshot->dsn);
  g_free(snapshot->id);
  g_free(snapshot->time);
  g_free(snapshot->encoding);
  g_free(snapshot->time_zone);
  g_free(snapshot->lock_sql);
  g_free(snapshot);
}

static PgConnection *
leader_of(ExportSnapshot *snapshot)
{
  return g_ptr_array_index(snapshot->connections, 0);
}

static PgConnection *
open_session(const char *dsn, GCancellable *cancellable, GError **error)
{
  g_autoptr(PgConnection) connection = pg_connection_open(dsn, APPLICATION_NAME, cancellable, error);
  if (connection == NULL || !pg_connection_exec(connection, session_sql, error))
    return NULL;
  return g_steal_pointer(&connection);
}

/* "LOCK TABLE ONLY a, ONLY b … MODE"; NULL if there are no tables. */
static char *
lock_statement(const PgResult *tables)
{
  if (pg_result_rows(tables) == 0)
    return NULL;
  GString *sql = g_string_new("LOCK TABLE ");
  for (guint row = 0; row < pg_result_rows(tables); row++)
    g_string_append_printf(sql, "%sONLY %s", row > 0 ? ", " : "", pg_result_text(tables, row, 1));
  g_string_append(sql, " IN ACCESS SHARE MODE");
  return g_string_free(sql, FALSE);
}

static gboolean
are_the_same_tables(const PgResult *a, const PgResult *b)
{
  gboolean are_same = pg_result_rows(a) == pg_result_rows(b);
  for (guint row = 0; are_same && row < pg_result_rows(a); row++)
    are_same = strcmp(pg_result_text(a, row, 0), pg_result_text(b, row, 0)) == 0 &&
               strcmp(pg_result_text(a, row, 1), pg_result_text(b, row, 1)) == 0;
  return are_same;
}

/* Whether an object was dropped, or changed its kind, between reading its name and locking it. */
static gboolean
is_gone(const GError *error)
{
  static const char *const sqlstates[] = {SQLSTATE_UNDEFINED_TABLE, SQLSTATE_UNDEFINED_SCHEMA,
                                          SQLSTATE_WRONG_OBJECT_TYPE, SQLSTATE_INTERNAL_ERROR};
  for (gsize i = 0; i < G_N_ELEMENTS(sqlstates); i++)
    if (strcmp(error_sqlstate(error), sqlstates[i]) == 0)
      return TRUE;
  return FALSE;
}

/* Locks all tables and takes the snapshot; AGAIN if the set of tables changed in between. */
static Outcome
lock_and_look(ExportSnapshot *snapshot, GError **error)
{
  PgConnection *leader = leader_of(snapshot);
  g_autoptr(PgResult) before = pg_connection_query(leader, error, backup_export_tables_sql, 0);
  if (before == NULL)
    return OUTCOME_FAILED;
  snapshot->n_tables = pg_result_rows(before);
  g_autofree char *lock_sql = lock_statement(before);
  g_autoptr(GError) failure = NULL;
  if (!pg_connection_exec(leader, begin_sql, error) ||
      !pg_connection_execf(leader, error, "SET LOCAL lock_timeout = %d", EXPORT_LOCK_WAIT_MS))
    return OUTCOME_FAILED;
  if (lock_sql != NULL && !pg_connection_exec(leader, lock_sql, &failure)) {
    if (is_gone(failure))
      return OUTCOME_AGAIN;
    g_propagate_prefixed_error(error, g_steal_pointer(&failure), "lock the tables: ");
    return OUTCOME_FAILED;
  }
  g_autoptr(PgResult) taken = pg_connection_query(
      leader, error,
      "SELECT pg_catalog.pg_export_snapshot(), pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', "
      "'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
      0);
  g_autoptr(PgResult) after = taken != NULL ? pg_connection_query(leader, error, backup_export_tables_sql, 0) : NULL;
  if (after == NULL)
    return OUTCOME_FAILED;
  if (!are_the_same_tables(before, after))
    return OUTCOME_AGAIN;
  g_free(snapshot->id);
  g_free(snapshot->time);
  snapshot->id = g_strdup(pg_result_text(taken, 0, 0));
  snapshot->time = g_strdup(pg_result_text(taken, 0, 1));
  g_free(snapshot->lock_sql);
  snapshot->lock_sql = g_steal_pointer(&lock_sql);
  return OUTCOME_DONE;
}

/* The number of connections beyond which the locks could fill the server's lock table, which has an entry for each
 * table and each session that locks it. */
static gboolean
limit_jobs(ExportSnapshot *snapshot, guint *jobs, GError **error)
{
  g_autofree char *slots = NULL;
  if (!pg_connection_value(leader_of(snapshot), &slots, error,
                           "SELECT pg_catalog.current_setting('max_locks_per_transaction')::pg_catalog.int8 * "
                           "pg_catalog.current_setting('max_connections')::pg_catalog.int8",
                           0))
    return FALSE;
  guint64 sessions = g_ascii_strtoull(slots, NULL, 10) / MAX(snapshot->n_tables, 1);
  *jobs = (guint)CLAMP(sessions, 1, *jobs);
  return TRUE;
}

static gboolean
join_snapshot(ExportSnapshot *snapshot, PgConnection *connection, GError **error)
{
  g_autofree char *id = pg_quote_literal(snapshot->id);
  return pg_connection_exec(connection, begin_sql, error) &&
         pg_connection_execf(connection, error, "SET TRANSACTION SNAPSHOT %s", id) &&
         (snapshot->lock_sql == NULL || pg_connection_execf(connection, error, "%s NOWAIT", snapshot->lock_sql));
}

gboolean
export_snapshot_join(ExportSnapshot *snapshot, guint jobs, GCancellable *cancellable, gboolean *ret_lock_waited,
                     GError **error)
{
  *ret_lock_waited = FALSE;
  if (!limit_jobs(snapshot, &jobs, error))
    return FALSE;
  while (snapshot->connections->len < jobs) {
    g_autoptr(GError) failure = NULL;
    g_autoptr(PgConnection) connection = open_session(snapshot->dsn, cancellable, &failure);
    if (connection != NULL && join_snapshot(snapshot, connection, &failure)) {
      g_ptr_array_add(snapshot->connections, g_steal_pointer(&connection));
      continue;
    }
    /* Class 53: insufficient resources, such as connections or memory for locks. */
    if (g_str_has_prefix(error_sqlstate(failure), "53"))
      return TRUE;
    *ret_lock_waited = error_code(failure) == CCH_ERROR_DATABASE_LOCK_TIMEOUT;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  return TRUE;
}

ExportSnapshot *
export_snapshot_take(const char *dsn, GCancellable *cancellable, GError **error)
{
  g_autoptr(ExportSnapshot) snapshot = g_new0(ExportSnapshot, 1);
  snapshot->connections = g_ptr_array_new_with_free_func((GDestroyNotify)pg_connection_free);
  PgConnection *leader = open_session(dsn, cancellable, error);
  if (leader == NULL)
    return NULL;
  g_ptr_array_add(snapshot->connections, leader);
  snapshot->dsn = pg_connection_dsn(leader);
  snapshot->encoding = g_strdup(pg_connection_parameter(leader, "server_encoding"));
  snapshot->time_zone = g_strdup(pg_connection_parameter(leader, "TimeZone"));
  for (guint attempt = 0; attempt < EXPORT_MAX_ATTEMPTS; attempt++) {
    Outcome outcome = lock_and_look(snapshot, error);
    if (outcome != OUTCOME_AGAIN)
      return outcome == OUTCOME_DONE ? g_steal_pointer(&snapshot) : NULL;
    pg_connection_rollback(leader);
  }
  error_set(error, CCH_ERROR_DATABASE_LOCK_TIMEOUT,
            "the tables change all the time: they could not be locked together");
  return NULL;
}

gboolean
export_snapshot_is_in_the_way(ExportSnapshot *snapshot)
{
  g_autofree char *waits = NULL;
  pg_connection_value(leader_of(snapshot), &waits, NULL,
                      "SELECT 1 FROM pg_catalog.pg_locks l WHERE NOT l.granted AND pg_catalog.pg_backend_pid() = "
                      "ANY (pg_catalog.pg_blocking_pids(l.pid)) LIMIT 1",
                      0);
  return waits != NULL;
}
