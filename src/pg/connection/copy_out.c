#include "pg/connection/copy_out.h"

#include "base/error.h"

#include <poll.h>
#include <string.h>

struct PgCopyOut {
  CopyOutWire *wire; /* NULL: by libpq */
  char *row;         /* libpq's row, of which a part has been returned */
  gsize row_size, row_taken;
  GCancellable *cancellable; /* its descriptor is held during the COPY, instead of being created for every wait */
  gboolean holds_descriptor;
};

/* Ends a running COPY on this side. */
static void
pg_copy_out_free(gpointer data)
{
  PgCopyOut *copy = data;
  if (copy->holds_descriptor)
    g_cancellable_release_fd(copy->cancellable);
  g_clear_object(&copy->cancellable);
  g_clear_pointer(&copy->wire, copy_out_wire_free);
  PQfreemem(copy->row);
  g_free(copy);
}

/* Reads to the end of a statement that failed or was abandoned. Its first error becomes the error, unless one is
 * set.
 */
static void
finish_libpq(PgConnection *connection, GError **error)
{
  gboolean is_set = FALSE;
  PGresult *next = NULL;
  while (pg_next_result(connection, &next, is_set ? NULL : error) && next != NULL) {
    g_autoptr(PgResult) result = next;
    if (!is_set && PQresultStatus(result) == PGRES_FATAL_ERROR) {
      pg_set_error(connection, result, error);
      is_set = TRUE;
    }
    if (PQresultStatus(result) == PGRES_COPY_OUT)
      return; /* libpq returns this result repeatedly until the rows are read */
  }
}

static gboolean
begin_libpq(PgConnection *connection, const char *sql, GError **error)
{
  if (!PQsendQuery(connection->conn, sql)) {
    pg_set_error(connection, NULL, error);
    return FALSE;
  }
  PGresult *first = NULL;
  if (!pg_next_result(connection, &first, error))
    return FALSE;
  g_autoptr(PgResult) result = first;
  if (PQresultStatus(result) == PGRES_COPY_OUT)
    return TRUE;
  pg_set_error(connection, result, error);
  finish_libpq(connection, NULL);
  return FALSE;
}

gboolean
pg_connection_copy_out_begin(PgConnection *connection, const char *sql, GError **error)
{
  if (!pg_run_deferred(connection, error) || !pg_begin_statement(connection, error))
    return FALSE;
  PgCopyOut *copy = g_new0(PgCopyOut, 1);
  GPollFD unused;
  copy->cancellable = connection->cancellable != NULL ? g_object_ref(connection->cancellable) : NULL;
  copy->holds_descriptor = g_cancellable_make_pollfd(copy->cancellable, &unused);
  connection->copy_out = copy;
  connection->copy_out_free = pg_copy_out_free;
  gboolean is_begun;
  if (copy_out_wire_is_possible(connection)) {
    copy->wire = copy_out_wire_begin(connection, sql, error);
    is_begun = copy->wire != NULL;
  } else {
    is_begun = begin_libpq(connection, sql, error);
  }
  if (!is_begun)
    g_clear_pointer(&connection->copy_out, pg_copy_out_free);
  return is_begun;
}

/* The next row, or the end. */
static gssize
next_row(PgConnection *connection, GError **error)
{
  PgCopyOut *copy = connection->copy_out;
  for (;;) {
    int n = PQgetCopyData(connection->conn, &copy->row, TRUE);
    if (n != 0) {
      copy->row_taken = 0;
      copy->row_size = (gsize)MAX(n, 0);
      return n;
    }
    if (!pg_wait(connection, POLLIN, error))
      return -2;
    if (!PQconsumeInput(connection->conn)) {
      pg_set_error(connection, NULL, error);
      return -2;
    }
  }
}

static gssize
read_libpq(PgConnection *connection, guint8 *buffer, gsize size, GError **error)
{
  PgCopyOut *copy = connection->copy_out;
  if (copy->row == NULL) {
    gssize n = next_row(connection, error);
    if (n == -1) {
      g_autoptr(GError) failure = NULL;
      finish_libpq(connection, &failure);
      if (failure == NULL)
        return 0;
      g_propagate_error(error, g_steal_pointer(&failure));
      return -1;
    }
    if (n < 0)
      return -1;
  }
  gsize n = MIN(size, copy->row_size - copy->row_taken);
  memcpy(buffer, copy->row + copy->row_taken, n);
  copy->row_taken += n;
  if (copy->row_taken == copy->row_size) {
    PQfreemem(copy->row);
    copy->row = NULL;
  }
  return (gssize)n;
}

gssize
pg_connection_copy_out_read(PgConnection *connection, guint8 *buffer, gsize size, GError **error)
{
  PgCopyOut *copy = connection->copy_out;
  gssize n = copy->wire != NULL ? copy_out_wire_read(copy->wire, connection, buffer, size, error)
                                : read_libpq(connection, buffer, size, error);
  if (n <= 0)
    g_clear_pointer(&connection->copy_out, pg_copy_out_free);
  return n;
}

void
pg_connection_copy_out_abort(PgConnection *connection)
{
  if (connection->copy_out == NULL)
    return;
  pg_send_cancel(connection);
  guint8 unused[16 * 1024];
  while (pg_connection_copy_out_read(connection, unused, sizeof unused, NULL) > 0)
    ;
}
