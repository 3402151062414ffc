#include "backup/plan/entry_sql.h"
#include "backup/restore/restore_private.h"
#include "base/error.h"
#include "base/wait.h"
#include "pg/connection/commit.h"

enum { LOCK_PAUSE_MS = 500, MAX_DEADLOCKS = 10 };

#define BEGIN_ENTRY     "SAVEPOINT cch_entry"
#define END_ENTRY       "RELEASE SAVEPOINT cch_entry"
#define ROLL_BACK_ENTRY "ROLLBACK TO SAVEPOINT cch_entry; RELEASE SAVEPOINT cch_entry"
#define FIND_XID        "SELECT pg_catalog.txid_current()"

static gboolean
has_search_path(const ArchiveReader *reader)
{
  for (guint i = 0; i < archive_reader_n_entries(reader); i++)
    if (toc_entry_is(archive_reader_entry(reader, i), TOC_KIND_SEARCHPATH))
      return TRUE;
  return FALSE;
}

Restore *
restore_new(const RestoreOptions *options)
{
  Restore *restore = g_new0(Restore, 1);
  restore->connection = options->connection;
  restore->reader = options->reader;
  restore->plan = options->plan;
  restore->progress = options->progress;
  restore->cancellable = options->cancellable;
  restore->way = options->way;
  restore->way_state = options->way_state;
  restore->unit = options->unit;
  restore->lock_deadline_us = g_get_monotonic_time() + (gint64)options->lock_wait_s * G_USEC_PER_SEC;
  restore->present = g_hash_table_new(NULL, NULL);
  restore->locked = g_hash_table_new(NULL, NULL);
  restore->left_out = g_hash_table_new(NULL, NULL);
  restore->present_large_objects = g_hash_table_new(NULL, NULL);
  restore->created_large_objects = g_hash_table_new(NULL, NULL);
  restore->large_object_owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  restore->default_tablespace = g_strdup("");
  restore->searches_by_entry = !has_search_path(restore->reader);
  return restore;
}

void
restore_free(Restore *restore)
{
  g_hash_table_unref(restore->present);
  g_hash_table_unref(restore->locked);
  g_hash_table_unref(restore->left_out);
  g_hash_table_unref(restore->present_large_objects);
  g_hash_table_unref(restore->created_large_objects);
  g_hash_table_unref(restore->large_object_owners);
  g_free(restore->default_tablespace);
  g_free(restore->xid);
  g_free(restore);
}

PgConnection *
restore_connection(const Restore *restore)
{
  return restore->connection;
}

ArchiveReader *
restore_reader(const Restore *restore)
{
  return restore->reader;
}

const RestorePlan *
restore_plan(const Restore *restore)
{
  return restore->plan;
}

BackupProgress *
restore_progress(const Restore *restore)
{
  return restore->progress;
}

GCancellable *
restore_cancellable(const Restore *restore)
{
  return restore->cancellable;
}

gpointer
restore_way_state(const Restore *restore)
{
  return restore->way_state;
}

gint64
restore_lock_deadline_us(const Restore *restore)
{
  return restore->lock_deadline_us;
}

/* Makes the server notice within a second that we are gone. Otherwise it works on, with its locks, until it next
 * reads from us. Needs PostgreSQL 14 and is not supported on every platform; a failure is harmless. */
static void
watch_for_our_end(PgConnection *connection)
{
  if (pg_connection_server_version(connection) >= 140000)
    pg_connection_exec(connection, "SET client_connection_check_interval = '1s'", NULL);
}

/* Since PostgreSQL 17. */
static gboolean
switch_off_transaction_timeout(PgConnection *connection, GError **error)
{
  return pg_connection_server_version(connection) < 170000 ||
         pg_connection_exec(connection, "SET transaction_timeout = 0", error);
}

/* Foreign keys are checked by triggers, which do not fire in a session with the role of a replica. Only a superuser
 * may change the role: for others an error, if it is set, is better than rows without their parents. */
static gboolean
check_foreign_keys(PgConnection *connection, GError **error)
{
  return pg_connection_exec(connection,
                            "SELECT pg_catalog.set_config('session_replication_role', 'origin', false) "
                            "WHERE pg_catalog.current_setting('session_replication_role') <> 'origin'",
                            error);
}

gboolean
restore_prepare_session(Restore *restore, GError **error)
{
  watch_for_our_end(restore->connection);
  return switch_off_transaction_timeout(restore->connection, error) && check_foreign_keys(restore->connection, error) &&
         pg_connection_execf(restore->connection, error,
                             "SET lock_timeout = %d; "
                             "SET check_function_bodies = false; "
                             "SET xmloption = content; SET client_min_messages = warning; SET row_security = off; "
                             "SET default_tablespace = ''; SELECT pg_catalog.set_config('search_path', '', false)",
                             restore->unit == RESTORE_BY_SAVEPOINT ? RESTORE_LOCK_TIMEOUT_MS : 0);
}

gboolean
restore_speak_archive(PgConnection *connection, const ArchiveReader *reader, GError **error)
{
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    g_autofree char *encoding = entry_encoding(archive_reader_entry(reader, i));
    if (encoding == NULL)
      continue;
    const char *database = pg_connection_parameter(connection, "server_encoding");
    gboolean is_unchecked = g_ascii_strcasecmp(encoding, "SQL_ASCII") == 0;
    return pg_connection_execf(connection, error, "SET client_encoding = '%s'", is_unchecked ? database : encoding);
  }
  return TRUE;
}

gboolean
restore_speak_utf8(PgConnection *connection, GError **error)
{
  return pg_connection_exec(connection, "SET client_encoding = 'UTF8'", error);
}

/* "pid 123 (psql, idle in transaction)" of the oldest open transactions. After the wait nobody can tell whose locks
 * were in the way.
 */
static char *
describe_lock_holders(Restore *restore)
{
  static const char sql[] =
      "SELECT string_agg(format('pid %s (%s, %s)', pid, coalesce(nullif(application_name, ''), usename), state), ', ') "
      "FROM (SELECT * FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
      "AND xact_start IS NOT NULL ORDER BY xact_start LIMIT 3) AS a";
  g_autofree char *holders = NULL;
  if (!pg_connection_value(restore->connection, &holders, NULL, sql, 0) || holders == NULL)
    return g_strdup("?");
  return g_steal_pointer(&holders);
}

/* Between two attempts at a lock: names the sessions in the way and waits a little. DATABASE_LOCK_TIMEOUT when time
 * is up. */
static gboolean
wait_for_lock(Restore *restore, guint attempt, const GError *reason, GError **error)
{
  g_autofree char *holders = describe_lock_holders(restore);
  if (g_get_monotonic_time() >= restore->lock_deadline_us) {
    error_set(error, CCH_ERROR_DATABASE_LOCK_TIMEOUT, "%s; other sessions with open transactions: %s", reason->message,
              holders);
    return FALSE;
  }
  backup_progress_say(restore->progress, TEXT_IMPORT_WAITING_FOR_LOCKS, attempt, holders);
  return sleep_ms(LOCK_PAUSE_MS, restore->cancellable, error);
}

/* ---- Units ---- */

gboolean
restore_note_transaction(Restore *restore, GError **error)
{
  g_clear_pointer(&restore->xid, g_free);
  return pg_connection_value(restore->connection, &restore->xid, error, FIND_XID, 0);
}

const char *
restore_transaction_id(const Restore *restore)
{
  return restore->xid;
}

gboolean
restore_has_sql_ended_transaction(const Restore *restore)
{
  return restore->has_sql_ended_transaction;
}

/* Both kinds of unit have a savepoint, to show that a failed unit has ended in the transaction in which it began. */
static gboolean
begin_unit(Restore *restore, GError **error)
{
  if (restore->unit == RESTORE_BY_TRANSACTION &&
      (!pg_connection_exec(restore->connection, "BEGIN", error) || !restore_note_transaction(restore, error)))
    return FALSE;
  return pg_connection_exec(restore->connection, BEGIN_ENTRY, error);
}

static gboolean
is_in_transaction_begun(const Restore *restore)
{
  g_autofree char *xid = NULL;
  return restore->xid == NULL ||
         (pg_connection_in_transaction(restore->connection) &&
          pg_connection_value(restore->connection, &xid, NULL, FIND_XID, 0) && g_strcmp0(xid, restore->xid) == 0);
}

static void
set_transaction_left(const Restore *restore, GError **error)
{
  g_autofree char *status = NULL, *database = NULL;
  pg_connection_rollback(restore->connection);
  pg_transaction_status(restore->connection, restore->xid, &status, NULL);
  pg_connection_value(restore->connection, &database, NULL, "SELECT pg_catalog.current_database()", 0);
  error_set(error, CCH_ERROR_IMPORT_OUTCOME_UNKNOWN,
            "the archive's SQL ended the import's transaction in database %s; what came before it is %s, what it did "
            "beside it is not known",
            database != NULL ? database : "?", status != NULL ? status : "neither known to be there nor not");
}

/* Ends a unit's savepoint, in the transaction in which it began. */
static gboolean
end_entry(Restore *restore, GError **error)
{
  if (!pg_connection_exec(restore->connection, END_ENTRY, error))
    return FALSE;
  if (is_in_transaction_begun(restore))
    return TRUE;
  set_transaction_left(restore, error);
  return FALSE;
}

/* A cancel request may arrive late and end the first attempt. */
static gboolean
roll_back_entry(const Restore *restore)
{
  return (pg_connection_exec(restore->connection, ROLL_BACK_ENTRY, NULL) ||
          pg_connection_exec(restore->connection, ROLL_BACK_ENTRY, NULL)) &&
         is_in_transaction_begun(restore);
}

/* Undoes a failed or cancelled unit. `is_ended`: the entry was complete, and its COMMIT failed. TRUE if the unit,
 * and only the unit, is undone. Otherwise the restore cannot go on, and `failure` may have become a worse one.
 */
static gboolean
roll_back_unit(Restore *restore, gboolean is_ended, GError **failure)
{
  if (!pg_connection_is_alive(restore->connection) || error_code(*failure) == CCH_ERROR_IMPORT_OUTCOME_UNKNOWN)
    return FALSE;
  pg_connection_set_cancellable(restore->connection, NULL);
  gboolean is_undone = is_ended || roll_back_entry(restore);
  if (!is_undone && restore->xid != NULL && pg_connection_is_alive(restore->connection)) {
    g_clear_error(failure);
    set_transaction_left(restore, failure);
  }
  if (is_undone && restore->unit == RESTORE_BY_TRANSACTION)
    is_undone = pg_connection_exec(restore->connection, "ROLLBACK", NULL);
  pg_connection_set_cancellable(restore->connection, restore->cancellable);
  return is_undone && !g_cancellable_is_cancelled(restore->cancellable);
}

/* Whether a failed unit should be tried again; waits before the next attempt. Takes ownership of the failure. */
static gboolean
may_try_again(Restore *restore, guint attempt, gboolean is_ended, GError *failure, GError **error)
{
  gboolean is_undone = roll_back_unit(restore, is_ended, &failure);
  Verdict verdict = restore_verdict(restore, NULL, failure);
  if (is_undone && verdict == VERDICT_LOCK_WAIT) {
    g_autoptr(GError) reason = failure;
    return wait_for_lock(restore, attempt, reason, error);
  }
  if (is_undone && verdict == VERDICT_RESTART && restore->unit == RESTORE_BY_TRANSACTION && attempt < MAX_DEADLOCKS) {
    g_error_free(failure);
    return TRUE;
  }
  g_propagate_error(error, failure);
  return FALSE;
}

gboolean
restore_run(Restore *restore, RestoreFunc func, gpointer user_data, GError **error)
{
  for (guint attempt = 1;; attempt++) {
    GError *failure = NULL;
    if (!begin_unit(restore, error))
      return FALSE;
    gboolean is_ended = func(restore, user_data, &failure) && end_entry(restore, &failure);
    if (is_ended &&
        (restore->unit == RESTORE_BY_SAVEPOINT || pg_connection_exec(restore->connection, "COMMIT", &failure)))
      return TRUE;
    if (!may_try_again(restore, attempt, is_ended, failure, error))
      return FALSE;
  }
}

static gboolean
exec_sql(Restore *restore, gpointer sql, GError **error)
{
  gboolean is_done = pg_connection_exec(restore->connection, sql, error);
  restore->has_sql_ended_transaction |= pg_connection_has_ended_transaction(restore->connection);
  return is_done;
}

gboolean
restore_run_sql(Restore *restore, const char *sql, GError **error)
{
  return restore_run(restore, exec_sql, (gpointer)sql, error);
}

gboolean
restore_search(const Restore *restore, const TocEntry *entry, GError **error)
{
  if (!restore->searches_by_entry)
    return TRUE;
  const char *schema = entry != NULL && entry->namespace_name != NULL ? entry->namespace_name : "";
  g_autofree char *name = *schema != '\0' ? pg_quote_identifier(schema) : NULL;
  return pg_connection_execf(restore->connection, error, "SET search_path = %s%s", name != NULL ? name : "''",
                             name != NULL ? ", pg_catalog" : "");
}

typedef struct {
  const TocEntry *entry;
  const char *sql;
} EntryJob;

static gboolean
exec_entry(Restore *restore, gpointer user_data, GError **error)
{
  const EntryJob *job = user_data;
  return restore_search(restore, job->entry, error) && exec_sql(restore, (gpointer)job->sql, error) &&
         restore_search(restore, NULL, error);
}

gboolean
restore_run_entry(Restore *restore, const TocEntry *entry, const char *sql, GError **error)
{
  return restore_run(restore, exec_entry, &(EntryJob){entry, sql}, error);
}
