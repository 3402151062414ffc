#include "pg/connection/pooling.h"

#include "base/error.h"
#include "base/wait.h"

#include <stdlib.h>

#define OTHER_NAME "cch-data pooling check"

enum {
  /* A round is wrong only if another client takes the process in between and gives it back in time. */
  ROUNDS = 8,
  OTHER_ANSWER_MS = 3000,
  TURN_WAIT_MS = 10000,
  TURN_PAUSE_MS = 10
};

/* Held by the check that is under way. Several at once would take each other's places in a small pool. */
static GMutex turn;

static gboolean
refuse_pooling(GError **error, const char *kind)
{
  if (error != NULL)
    g_clear_error(error);
  error_set(
      error, CCH_ERROR_DATABASE_POOLED,
      "%s: session locks and settings do not hold there; give the server's direct address, or a port with session "
      "pooling",
      kind);
  return FALSE;
}

static gboolean
read_process(PgConnection *connection, int *ret_process, GError **error)
{
  g_autofree char *text = NULL;
  if (!pg_connection_value(connection, &text, error, "SELECT pg_catalog.pg_backend_pid()", 0))
    return FALSE;
  *ret_process = text != NULL ? atoi(text) : 0;
  return TRUE;
}

/* Begins a transaction and returns the PID of its server process. With statement pooling, the pooler ends the
 * connection. */
static gboolean
begin_transaction(PgConnection *connection, int *ret_process, GError **error)
{
  g_autoptr(GError) failure = NULL;
  if (pg_connection_exec(connection, "BEGIN", &failure) && read_process(connection, ret_process, &failure))
    return TRUE;
  gboolean is_ended = !pg_connection_is_alive(connection) && g_str_has_prefix(error_sqlstate(failure), "08");
  g_propagate_error(error, g_steal_pointer(&failure));
  return is_ended ? refuse_pooling(error, "the pooler in between ended a session that began a transaction (statement "
                                          "pooling)")
                  : FALSE;
}

static gboolean
try_round(PgConnection *connection, PgConnection *other, int process, GError **error)
{
  int own = 0, others = 0;
  if (!begin_transaction(connection, &own, error))
    return FALSE;
  pg_connection_rollback(connection);
  if (own == process && !begin_transaction(other, &others, error)) {
    g_prefix_error(error, "a pooler in between has no room for a second session: ");
    return FALSE;
  }
  gboolean is_shared = own != process || others == process;
  if (!is_shared && !begin_transaction(connection, &own, error))
    return FALSE;
  pg_connection_rollback(connection);
  pg_connection_rollback(other);
  is_shared = is_shared || own != process;
  return !is_shared || refuse_pooling(error, "transactions of one session reach several server processes (transaction "
                                             "pooling)");
}

/* Whether the turn was taken; not if the others take too long, or after a cancellation. */
static gboolean
take_turn(GCancellable *cancellable)
{
  for (guint waited_ms = 0; waited_ms < TURN_WAIT_MS; waited_ms += TURN_PAUSE_MS) {
    if (g_mutex_trylock(&turn))
      return TRUE;
    if (!sleep_ms(TURN_PAUSE_MS, cancellable, NULL))
      return FALSE;
  }
  return FALSE;
}

static gboolean
compare_sessions(PgConnection *connection, int process, const char *conninfo, GCancellable *cancellable, GError **error)
{
  g_autoptr(PgConnection) other = pg_connect(conninfo, OTHER_NAME, OTHER_ANSWER_MS, cancellable, error);
  if (other == NULL) {
    g_prefix_error(error, "a pooler in between has no room for a second session: ");
    return FALSE;
  }
  pg_connection_set_answer_timeout(other, OTHER_ANSWER_MS);
  for (int i = 0; i < ROUNDS; i++)
    if (!try_round(connection, other, process, error))
      return FALSE;
  return TRUE;
}

gboolean
pooling_check(PgConnection *connection, const char *conninfo, GCancellable *cancellable, GError **error)
{
  int process = 0;
  if (!read_process(connection, &process, error))
    return FALSE;
  if (process == PQbackendPID(connection->conn))
    return TRUE;
  gboolean has_turn = take_turn(cancellable);
  gboolean is_good = compare_sessions(connection, process, conninfo, cancellable, error);
  if (has_turn)
    g_mutex_unlock(&turn);
  return is_good;
}
