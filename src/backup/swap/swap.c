#include "backup/swap/swap.h"

#include "backup/side/side_database.h"
#include "backup_sql.h"
#include "base/error.h"
#include "base/wait.h"
#include "pg/connection/commit.h"
#include "pg/connection/sqlstate.h"

#include <string.h>

enum {
  LOCK_TIMEOUT_MS = 2000, /* per attempt: everyone who queues behind us waits as long */
  WATCH_INTERVAL_MS = 20,
  RETRY_PAUSE_MS = 500,
  MAX_NAMED_SESSIONS = 5
};

#define RENAMER_NAME "cch-data swap"

typedef struct {
  const SwapOptions *options;
  BackupLock *lock;
  BackupProgress *progress;
  GCancellable *cancellable; /* the caller's */
  GCancellable *give_up;     /* cancels the waiting RENAME */
  PgConnection *renamer;     /* used by the renaming thread while it runs */
  PgConnection *watcher;
  char *renamer_pid;
  char *names_sql; /* the two RENAMEs */
  GError *rename_failure;
  gint is_rename_over; /* atomic */
} Swap;

static char *
rename_statements(const SwapOptions *options)
{
  g_autofree char *live = pg_quote_identifier(options->live);
  g_autofree char *outgoing = pg_quote_identifier(options->outgoing);
  g_autofree char *incoming = pg_quote_identifier(options->incoming);
  return g_strdup_printf("ALTER DATABASE %s RENAME TO %s; ALTER DATABASE %s RENAME TO %s", live, outgoing, incoming,
                         live);
}

static gboolean
open_connections(Swap *swap, GError **error)
{
  const char *dsn = swap->options->dsn;
  g_autoptr(PgConnection) live = pg_connection_open(dsn, RENAMER_NAME, swap->cancellable, error);
  if (live == NULL)
    return FALSE;
  swap->watcher = side_database_maintenance_open(live, dsn, swap->cancellable, error);
  swap->renamer = swap->watcher != NULL ? side_database_maintenance_open(live, dsn, swap->cancellable, error) : NULL;
  return swap->renamer != NULL &&
         pg_connection_value(swap->renamer, &swap->renamer_pid, error, "SELECT pg_catalog.pg_backend_pid()", 0);
}

static gpointer
rename_thread(gpointer data)
{
  Swap *swap = data;
  pg_connection_exec(swap->renamer, swap->names_sql, &swap->rename_failure);
  g_atomic_int_set(&swap->is_rename_over, 1);
  return NULL;
}

static PgResult *
find_sessions(Swap *swap, GError **error)
{
  g_autofree char *databases = g_strdup_printf("{%u,%u}", swap->options->live_oid, swap->options->incoming_oid);
  g_autofree char *own = g_strdup_printf("%d", backup_lock_backend_pid(swap->lock));
  return pg_connection_query(swap->watcher, error, backup_swap_sessions_sql, 2, databases, own);
}

static gboolean
is_closed(Swap *swap, gboolean *ret_is_closed, GError **error)
{
  g_autofree char *oid = g_strdup_printf("%u", swap->options->live_oid);
  g_autofree char *found = NULL;
  if (!pg_connection_value(swap->watcher, &found, error, backup_swap_is_locked_sql, 2, swap->renamer_pid, oid))
    return FALSE;
  *ret_is_closed = g_strcmp0(found, "t") == 0;
  return TRUE;
}

/* Ends the sessions that it may end, once no new ones can connect. When none is left, checks the lock and releases
 * it. */
static gboolean
clear_way(Swap *swap, GError **error)
{
  gboolean is_time = FALSE;
  if (error_if_cancelled(swap->cancellable, error))
    return FALSE;
  if (!is_closed(swap, &is_time, error))
    return FALSE;
  if (!is_time)
    return TRUE;
  g_autoptr(PgResult) sessions = find_sessions(swap, error);
  if (sessions == NULL)
    return FALSE;
  for (guint row = 0; row < pg_result_rows(sessions); row++) {
    g_autoptr(PgResult) ended =
        pg_connection_query(swap->watcher, NULL, "SELECT pg_catalog.pg_terminate_backend($1::pg_catalog.int4)", 1,
                            pg_result_text(sessions, row, 0));
  }
  if (pg_result_rows(sessions) > 0 || backup_lock_backend_pid(swap->lock) == 0)
    return TRUE;
  if (!backup_lock_verify(swap->lock, error))
    return FALSE;
  backup_lock_let_go(swap->lock);
  return TRUE;
}

/* Runs both RENAMEs in a transaction that stays open. */
static gboolean
rename_both(Swap *swap, GError **error)
{
  if (!pg_connection_execf(swap->renamer, error, "BEGIN; SET LOCAL lock_timeout = %d", LOCK_TIMEOUT_MS))
    return FALSE;
  g_atomic_int_set(&swap->is_rename_over, 0);
  pg_connection_set_cancellable(swap->renamer, swap->give_up);
  GThread *thread = g_thread_new("swap", rename_thread, swap);
  g_autoptr(GError) failure = NULL;
  while (!g_atomic_int_get(&swap->is_rename_over)) {
    if (failure == NULL && !clear_way(swap, &failure))
      g_cancellable_cancel(swap->give_up);
    g_usleep(WATCH_INTERVAL_MS * 1000);
  }
  g_thread_join(thread);
  pg_connection_set_cancellable(swap->renamer, swap->cancellable);
  g_autoptr(GError) rename_failure = g_steal_pointer(&swap->rename_failure);
  if (failure == NULL)
    failure = g_steal_pointer(&rename_failure);
  if (failure == NULL)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&failure));
  return FALSE;
}

/* Swaps the comments: a comment stays with the name, not with the database. */
static gboolean
set_comments(Swap *swap, GError **error)
{
  g_autofree char *oid = g_strdup_printf("%u", swap->options->live_oid);
  g_autofree char *comment = NULL;
  if (!pg_connection_value(swap->renamer, &comment, error,
                           "SELECT pg_catalog.shobj_description($1::pg_catalog.oid, 'pg_database')", 1, oid))
    return FALSE;
  g_autofree char *live = pg_quote_identifier(swap->options->live);
  g_autofree char *outgoing = pg_quote_identifier(swap->options->outgoing);
  g_autofree char *said = comment != NULL ? pg_quote_literal(comment) : g_strdup("NULL");
  g_autofree char *says = pg_quote_literal(swap->options->outgoing_comment);
  return pg_connection_execf(swap->renamer, error, "COMMENT ON DATABASE %s IS %s; COMMENT ON DATABASE %s IS %s", live,
                             said, outgoing, says);
}

/* Checks that both databases are still the same ones: others may have renamed databases, too. */
static gboolean
check_identities(Swap *swap, GError **error)
{
  guint32 live_oid = 0, outgoing_oid = 0;
  if (!side_database_oid(swap->renamer, swap->options->live, &live_oid, error) ||
      !side_database_oid(swap->renamer, swap->options->outgoing, &outgoing_oid, error))
    return FALSE;
  if (live_oid == swap->options->incoming_oid && outgoing_oid == swap->options->live_oid)
    return TRUE;
  error_set(error, CCH_ERROR_DATABASE_CONFLICT, "databases were renamed meanwhile");
  return FALSE;
}

static gboolean
commit_swap(Swap *swap, GError **error)
{
  if (!pg_connection_exec(swap->renamer, "SET LOCAL synchronous_commit = on", error))
    return FALSE;
  g_autoptr(GError) failure = NULL;
  PgOutcome outcome = pg_commit(swap->renamer, swap->options->dsn, &failure);
  if (outcome == PG_OUTCOME_UNKNOWN)
    error_set(error, CCH_ERROR_IMPORT_OUTCOME_UNKNOWN, "whether database %s was swapped for %s: %s",
              swap->options->live, swap->options->incoming, failure->message);
  else if (outcome == PG_ABORTED)
    g_propagate_error(error, g_steal_pointer(&failure));
  return outcome == PG_COMMITTED;
}

static gboolean
swap_once(Swap *swap, GError **error)
{
  return rename_both(swap, error) && check_identities(swap, error) && set_comments(swap, error) &&
         commit_swap(swap, error);
}

/* object_in_use: sessions are still connected. */
static gboolean
is_worth_another_try(const GError *failure)
{
  return error_has_sqlstate(failure, SQLSTATE_OBJECT_IN_USE) || error_code(failure) == CCH_ERROR_DATABASE_LOCK_TIMEOUT;
}

static char *
name_sessions(Swap *swap)
{
  g_autoptr(PgResult) sessions = find_sessions(swap, NULL);
  GString *names = g_string_new(NULL);
  guint n = sessions != NULL ? pg_result_rows(sessions) : 0;
  for (guint row = 0; row < MIN(n, MAX_NAMED_SESSIONS); row++)
    g_string_append_printf(names, "%s%s", row > 0 ? ", " : "", pg_result_text(sessions, row, 1));
  if (n > MAX_NAMED_SESSIONS)
    g_string_append_printf(names, ", … (%u)", n);
  return g_string_free(names, FALSE);
}

/* Restores the state before the attempt, with the lock held. */
static gboolean
recover_lock(Swap *swap, GError **error)
{
  g_autoptr(GError) failure = NULL;
  pg_connection_rollback(swap->renamer);
  if (backup_lock_backend_pid(swap->lock) != 0 || backup_lock_take_again(swap->lock, &failure))
    return TRUE;
  error_set(error, CCH_ERROR_LOCK_LOST, "%s", failure->message);
  return FALSE;
}

/* After a failed attempt: TRUE if another one may follow. */
static gboolean
try_again(Swap *swap, guint attempt, gint64 deadline_us, const GError *failure, GError **error)
{
  if (!is_worth_another_try(failure)) {
    g_propagate_error(error, g_error_copy(failure));
    return FALSE;
  }
  g_autofree char *names = name_sessions(swap);
  if (g_get_monotonic_time() >= deadline_us) {
    error_set(error, CCH_ERROR_IMPORT_SESSIONS, "%s; %s", failure->message, names);
    return FALSE;
  }
  backup_progress_say(swap->progress, TEXT_SWAP_WAITING, attempt, names);
  return sleep_ms(RETRY_PAUSE_MS, swap->cancellable, error);
}

static gboolean
swap_with_patience(Swap *swap, GError **error)
{
  gint64 deadline_us = g_get_monotonic_time() + (gint64)swap->options->wait_s * G_USEC_PER_SEC;
  for (guint attempt = 1;; attempt++) {
    g_autoptr(GError) failure = NULL;
    if (swap_once(swap, &failure))
      return TRUE;
    if (error_code(failure) == CCH_ERROR_IMPORT_OUTCOME_UNKNOWN) {
      g_propagate_error(error, g_steal_pointer(&failure));
      return FALSE;
    }
    if (!recover_lock(swap, error) || !try_again(swap, attempt, deadline_us, failure, error))
      return FALSE;
  }
}

gboolean
backup_swap(const SwapOptions *options, BackupLock *lock, BackupProgress *progress, GCancellable *cancellable,
            GError **error)
{
  g_autoptr(GCancellable) give_up = g_cancellable_new();
  g_autofree char *names_sql = rename_statements(options);
  Swap swap = {.options = options,
               .lock = lock,
               .progress = progress,
               .cancellable = cancellable,
               .give_up = give_up,
               .names_sql = names_sql};
  gboolean ok = open_connections(&swap, error) && swap_with_patience(&swap, error);
  pg_connection_free(swap.renamer);
  pg_connection_free(swap.watcher);
  g_free(swap.renamer_pid);
  if (ok) /* already taken by another operation: nothing is left that would need it */
    backup_lock_take_again(lock, NULL);
  return ok;
}
