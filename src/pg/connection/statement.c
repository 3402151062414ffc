/* Runs statements, and returns their rows. */
#include "pg/connection/connection_private.h"

#include <string.h>

/* Takes a statement's remaining results. The first failed one becomes the error; the last good one is returned if
 * requested. */
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
  g_autoptr(GCancellable) leaving = g_steal_pointer(&connection->leaving);
  connection->leaving = g_steal_pointer(&connection->cancellable);
  pg_connection_exec(connection, "ROLLBACK", NULL);
  connection->cancellable = g_steal_pointer(&connection->leaving);
  connection->leaving = g_steal_pointer(&leaving);
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
