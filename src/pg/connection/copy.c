/* COPY … FROM STDIN with cancellation and back-pressure: libpq's non-blocking mode, with at most one piece buffered. */
#include "pg/connection/connection_private.h"

#include "base/error.h"

enum { COPY_PIECE_BYTES = 256 * 1024 };

gboolean
pg_connection_copy_in_begin(PgConnection *connection, const char *sql, GError **error)
{
  if (!pg_run_deferred(connection, error) || !pg_begin_statement(connection, error))
    return FALSE;
  if (!PQsendQuery(connection->conn, sql)) {
    pg_set_error(connection, NULL, error);
    return FALSE;
  }
  PGresult *first = NULL;
  if (!pg_next_result(connection, &first, error))
    return FALSE;
  g_autoptr(PgResult) result = first;
  if (PQresultStatus(result) == PGRES_COPY_IN)
    return TRUE;
  pg_set_error(connection, result, error);
  /* Read to the end of the failed statement. */
  while (pg_next_result(connection, &first, NULL) && first != NULL)
    pg_result_free(first);
  return FALSE;
}

/* The server has ended the COPY: reads to the end, and sets its error. */
static void
collect_copy_error(PgConnection *connection, const char *reason, GError **error)
{
  PQputCopyEnd(connection->conn, reason);
  gboolean is_set = FALSE;
  PGresult *next = NULL;
  while (pg_next_result(connection, &next, is_set ? NULL : error)) {
    if (next == NULL) {
      if (!is_set)
        pg_set_error(connection, NULL, error);
      return;
    }
    if (!is_set && PQresultStatus(next) == PGRES_FATAL_ERROR) {
      pg_set_error(connection, next, error);
      is_set = TRUE;
    }
    pg_result_free(next);
  }
}

static gboolean
write_piece(PgConnection *connection, const guint8 *data, gsize size, GError **error)
{
  for (;;) {
    int queued = PQputCopyData(connection->conn, (const char *)data, (int)size);
    if (queued < 0) {
      collect_copy_error(connection, "client error", error);
      return FALSE;
    }
    if (queued > 0)
      return pg_flush(connection, error);
    if (!pg_flush(connection, error))
      return FALSE;
  }
}

gboolean
pg_connection_copy_in_write(PgConnection *connection, const guint8 *data, gsize size, GError **error)
{
  while (size > 0) {
    gsize piece = MIN(size, (gsize)COPY_PIECE_BYTES);
    if (!connection->is_cancelling && g_cancellable_is_cancelled(connection->cancellable)) {
      pg_connection_copy_in_abort(connection);
      error_set_cancelled(error);
      return FALSE;
    }
    if (!write_piece(connection, data, piece, error))
      return FALSE;
    /* Reads what the server sends, so that it never waits for us. An error of the server shows only at the end. */
    if (connection->is_cancelling || !PQconsumeInput(connection->conn)) {
      collect_copy_error(connection, "cancelled", error);
      return FALSE;
    }
    data += piece;
    size -= piece;
  }
  return TRUE;
}

gboolean
pg_connection_copy_in_end(PgConnection *connection, guint64 *ret_rows, GError **error)
{
  int queued;
  while ((queued = PQputCopyEnd(connection->conn, NULL)) == 0)
    if (!pg_flush(connection, error))
      return FALSE;
  if (queued < 0) {
    pg_set_error(connection, NULL, error);
    return FALSE;
  }
  guint64 rows = 0;
  gboolean ok = TRUE;
  PGresult *next = NULL;
  for (;;) {
    if (!pg_next_result(connection, &next, ok ? error : NULL))
      return FALSE;
    if (next == NULL)
      break;
    g_autoptr(PgResult) result = next;
    if (PQresultStatus(result) == PGRES_COMMAND_OK) {
      rows = pg_result_affected(result);
    } else if (ok) {
      ok = FALSE;
      pg_set_error(connection, result, error);
    }
  }
  if (ok && ret_rows != NULL)
    *ret_rows = rows;
  return ok;
}

void
pg_connection_copy_in_abort(PgConnection *connection)
{
  collect_copy_error(connection, "aborted by the client", NULL);
}
