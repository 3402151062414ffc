/* Cancels the running statement in the server, or gives up the connection. */
#include "pg/connection/connection_private.h"

#include <sys/socket.h>

enum { MAX_CANCELLING = 16 };

static int n_cancelling; /* threads of the whole process */

/* A running cancel request, on its own thread: PQcancel waits for the server to close the request's connection,
 * without limit if the server hangs. */
struct CancelRequest {
  gint n_references; /* by the connection and the thread */
  PGcancel *cancel;
  GMutex mutex;
  GCond ended;
  gboolean is_ended; /* the server has received it, or is unreachable */
};

void
pg_cancel_request_unref(CancelRequest *request)
{
  if (!g_atomic_int_dec_and_test(&request->n_references))
    return;
  PQfreeCancel(request->cancel);
  g_mutex_clear(&request->mutex);
  g_cond_clear(&request->ended);
  g_free(request);
}

static gpointer
cancel_request_run(gpointer data)
{
  CancelRequest *request = data;
  char unused[256];
  PQcancel(request->cancel, unused, sizeof unused);
  g_mutex_lock(&request->mutex);
  request->is_ended = TRUE;
  g_cond_broadcast(&request->ended);
  g_mutex_unlock(&request->mutex);
  pg_cancel_request_unref(request);
  g_atomic_int_add(&n_cancelling, -1);
  return NULL;
}

void
pg_send_cancel(PgConnection *connection)
{
  connection->is_cancelling = TRUE;
  if (connection->cancel_request != NULL)
    return;
  connection->answer_by_us = g_get_monotonic_time() + CANCEL_CONFIRM_TIMEOUT_MS * G_TIME_SPAN_MILLISECOND;
  /* The number of hanging requests is limited. Without a request, the answer is awaited all the same. */
  if (g_atomic_int_add(&n_cancelling, 1) >= MAX_CANCELLING) {
    g_atomic_int_add(&n_cancelling, -1);
    return;
  }
  CancelRequest *request = g_new0(CancelRequest, 1);
  request->n_references = 2;
  request->cancel = PQgetCancel(connection->conn);
  g_mutex_init(&request->mutex);
  g_cond_init(&request->ended);
  connection->cancel_request = request;
  GThread *thread = request->cancel != NULL ? g_thread_try_new("pg-cancel", cancel_request_run, request, NULL) : NULL;
  if (thread != NULL) {
    g_thread_unref(thread);
    return;
  }
  g_atomic_int_add(&n_cancelling, -1);
  request->is_ended = TRUE;
  pg_cancel_request_unref(request);
}

void
pg_settle_cancel(PgConnection *connection)
{
  CancelRequest *request = g_steal_pointer(&connection->cancel_request);
  if (request == NULL)
    return;
  g_mutex_lock(&request->mutex);
  gboolean in_time = TRUE;
  while (!request->is_ended && in_time)
    in_time = g_cond_wait_until(&request->ended, &request->mutex, connection->answer_by_us);
  gboolean is_ended = request->is_ended;
  g_mutex_unlock(&request->mutex);
  pg_cancel_request_unref(request);
  if (!is_ended)
    pg_abandon(connection);
}

void
pg_abandon(PgConnection *connection)
{
  shutdown(PQsocket(connection->conn), SHUT_RDWR);
  while (PQstatus(connection->conn) == CONNECTION_OK && PQconsumeInput(connection->conn))
    ;
}
