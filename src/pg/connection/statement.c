/* Runs statements, and returns their rows. */
#include "pg/connection/connection_private.h"

#include <string.h>

enum { LARGE_BYTES = 512 };

static gboolean
set_lost(PgConnection *connection, GError **error)
{
  pg_set_error(connection, NULL, error);
  pg_abandon(connection);
  return FALSE;
}

/* The next result, NULL after the last. A pipeline ends with a mark, and has a NULL after each statement. */
static gboolean
next_result(PgConnection *connection, PGresult **ret_result, GError **error)
{
  gboolean is_pipeline = PQpipelineStatus(connection->conn) != PQ_PIPELINE_OFF;
  guint n_nulls = 0;
  for (;;) {
    if (!pg_next_result(connection, ret_result, error))
      return FALSE;
    if (!is_pipeline)
      return TRUE;
    if (*ret_result == NULL) {
      if (PQstatus(connection->conn) == CONNECTION_OK && ++n_nulls < 3)
        continue;
      return set_lost(connection, error);
    }
    if (PQresultStatus(*ret_result) != PGRES_PIPELINE_SYNC)
      return TRUE;
    g_clear_pointer(ret_result, pg_result_free);
    return PQexitPipelineMode(connection->conn) || set_lost(connection, error);
  }
}

/* Takes a statement's remaining results. The first failed one becomes the error; the last good one is returned if
 * requested. */
static gboolean
finish_statement(PgConnection *connection, PGresult **ret_last, GError **error)
{
  g_autoptr(PgResult) last = NULL;
  gboolean ok = TRUE;
  for (;;) {
    PGresult *next = NULL;
    if (!next_result(connection, &next, ok ? error : NULL))
      return FALSE;
    if (next == NULL)
      break;
    g_autoptr(PgResult) result = next;
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COPY_IN)
      PQputCopyEnd(connection->conn, "unexpected COPY");
    static const char *const ends[] = {"COMMIT", "ROLLBACK", "PREPARE TRANSACTION", NULL};
    connection->has_ended_transaction |= g_strv_contains(ends, PQcmdStatus(result));
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

void
pg_connection_defer(PgConnection *connection, const char *sql)
{
  if (connection->deferred == NULL)
    connection->deferred = g_ptr_array_new_with_free_func(g_free);
  g_ptr_array_add(connection->deferred, g_strdup(sql));
}

/* What was deferred, and the statements, as one text. */
static char *
join_deferred(PgConnection *connection, const char *sql)
{
  g_autoptr(GPtrArray) deferred = g_steal_pointer(&connection->deferred);
  GString *all = g_string_new(NULL);
  for (guint i = 0; deferred != NULL && i < deferred->len; i++)
    g_string_append_printf(all, "%s; ", (const char *)deferred->pdata[i]);
  g_string_append(all, sql);
  return g_string_free(all, FALSE);
}

gboolean
pg_connection_exec(PgConnection *connection, const char *sql, GError **error)
{
  if (!pg_begin_statement(connection, error))
    return FALSE;
  g_autofree char *all = connection->deferred != NULL ? join_deferred(connection, sql) : NULL;
  if (!PQsendQuery(connection->conn, all != NULL ? all : sql)) {
    pg_set_error(connection, NULL, error);
    return FALSE;
  }
  return finish_statement(connection, NULL, error);
}

gboolean
pg_run_deferred(PgConnection *connection, GError **error)
{
  return connection->deferred == NULL || pg_connection_exec(connection, "", error);
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
  g_autoptr(GCancellable) leaving = g_steal_pointer(&connection->leaving);
  connection->leaving = g_steal_pointer(&connection->cancellable);
  g_clear_pointer(&connection->deferred, g_ptr_array_unref);
  pg_connection_exec(connection, "ROLLBACK", NULL);
  connection->cancellable = g_steal_pointer(&connection->leaving);
  connection->leaving = g_steal_pointer(&leaving);
}

/* A hundred ids: planning for them takes less time than a plan made for any number of them loses. */
static gboolean
has_large_value(guint n, const char *const *values)
{
  for (guint i = 0; i < n; i++)
    if (values[i] != NULL && strnlen(values[i], LARGE_BYTES) == LARGE_BYTES)
      return TRUE;
  return FALSE;
}

/* Whether the statement is, or is to be, prepared. Not in a transaction that nobody would repeat. */
static PgPreparedUse
prepared_use(PgConnection *connection, const char *sql, guint n, const char *const *values, char *ret_name)
{
  PGTransactionStatusType status = PQtransactionStatus(connection->conn);
  gboolean is_alone = status == PQTRANS_IDLE && connection->deferred == NULL;
  gboolean is_repeated = connection->repeats_conflicts && status != PQTRANS_INERROR;
  if (connection->prepared == NULL || !(is_alone || is_repeated) || has_large_value(n, values))
    return PG_UNPREPARED;
  PgPreparedUse use = pg_prepared_find(connection->prepared, sql, ret_name);
  if (pg_prepared_take_outdated(connection->prepared))
    pg_connection_defer(connection, "DEALLOCATE ALL");
  return use;
}

/* Everything in one round trip: what was deferred, the preparation, the statement. */
static gboolean
send_statement(PgConnection *connection, const char *sql, guint n, const char *const *values, PgPreparedUse use,
               const char *name, const GPtrArray *deferred)
{
  PGconn *conn = connection->conn;
  gboolean is_pipeline = deferred != NULL || use == PG_PREPARE;
  gboolean ok = !is_pipeline || PQenterPipelineMode(conn);
  for (guint i = 0; ok && deferred != NULL && i < deferred->len; i++)
    ok = PQsendQueryParams(conn, deferred->pdata[i], 0, NULL, NULL, NULL, NULL, 0);
  if (ok && use == PG_PREPARE)
    ok = PQsendPrepare(conn, name, sql, (int)n, NULL);
  if (ok)
    ok = use == PG_UNPREPARED ? PQsendQueryParams(conn, sql, (int)n, NULL, values, NULL, NULL, 0)
                              : PQsendQueryPrepared(conn, name, (int)n, values, NULL, NULL, 0);
  return ok && (!is_pipeline || PQpipelineSync(conn));
}

static gboolean
run_statement(PgConnection *connection, const char *sql, guint n, const char *const *values, PGresult **ret_result,
              gboolean *ret_is_outdated, GError **error)
{
  char name[32];
  PgPreparedUse use = prepared_use(connection, sql, n, values, name);
  g_autoptr(GPtrArray) deferred = g_steal_pointer(&connection->deferred);
  if (!send_statement(connection, sql, n, values, use, name, deferred)) {
    pg_set_error(connection, NULL, error);
    if (PQpipelineStatus(connection->conn) != PQ_PIPELINE_OFF)
      pg_abandon(connection);
    return FALSE;
  }
  g_autoptr(GError) failure = NULL;
  gboolean ok = finish_statement(connection, ret_result, &failure);
  if (ok && use == PG_PREPARE)
    pg_prepared_note(connection->prepared, sql, name);
  *ret_is_outdated = !ok && use == PG_PREPARED && pg_prepared_is_outdated(failure);
  if (failure != NULL)
    g_propagate_error(error, g_steal_pointer(&failure));
  return ok;
}

PgResult *
pg_connection_queryv(PgConnection *connection, GError **error, const char *sql, guint n, const char *const *values)
{
  PGresult *result = NULL;
  gboolean is_outdated = FALSE;
  g_autoptr(GError) failure = NULL;
  if (!pg_begin_statement(connection, error))
    return NULL;
  if (run_statement(connection, sql, n, values, &result, &is_outdated, &failure))
    return result;
  if (is_outdated) {
    pg_prepared_forget(connection->prepared);
    if (PQtransactionStatus(connection->conn) == PQTRANS_IDLE)
      return run_statement(connection, sql, n, values, &result, &is_outdated, error) ? result : NULL;
    failure->code = CCH_ERROR_DATABASE_CONFLICT; /* the caller repeats its transaction */
  }
  g_propagate_error(error, g_steal_pointer(&failure));
  return NULL;
}

gboolean
pg_connection_query_begin(PgConnection *connection, const char *sql, GError **error)
{
  if (!pg_run_deferred(connection, error) || !pg_begin_statement(connection, error))
    return FALSE;
  if (PQsendQueryParams(connection->conn, sql, 0, NULL, NULL, NULL, NULL, 0))
    return pg_flush(connection, error);
  pg_set_error(connection, NULL, error);
  return FALSE;
}

PgResult *
pg_connection_query_end(PgConnection *connection, GError **error)
{
  PGresult *result = NULL;
  return finish_statement(connection, &result, error) ? result : NULL;
}

void
pg_connection_repeats_conflicts(PgConnection *connection)
{
  connection->repeats_conflicts = TRUE;
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
