#include "backup/import/import_transaction.h"

#include "archive/read/survey.h"
#include "backup/import/manifest_match.h"
#include "backup/merge/merge.h"
#include "backup/restore/overwrite.h"
#include "backup/restore/restore.h"
#include "base/error.h"
#include "pg/connection/commit.h"

enum {
  MAX_ATTEMPTS = 3, /* of the whole transaction, after deadlocks */
  LOST_WAIT_S = 10  /* for the outcome after a lost connection */
};

static void
check_progress(guint64 bytes_done, guint64 bytes_total, gpointer user_data)
{
  backup_progress_set(((ImportRun *)user_data)->progress, bytes_done, bytes_total);
}

/* Reads the whole archive, and hashes rows for a manifest. */
static gboolean
read_archive(ImportRun *run, GError **error)
{
  const Manifest *manifest = run->options->manifest;
  if (manifest == NULL)
    return archive_reader_check(run->reader, check_progress, run, run->cancellable, error);
  g_autofree RowTotals *totals = g_new0(RowTotals, archive_reader_n_entries(run->reader));
  if (!archive_reader_scan(run->reader, run->cancellable, error) ||
      !archive_survey(run->reader, 0, totals, check_progress, run, run->cancellable, error) ||
      !manifest_match_tables(manifest, run->reader, totals, error))
    return FALSE;
  backup_progress_say(run->progress, TEXT_IMPORT_MATCHES_MANIFEST);
  return TRUE;
}

static gboolean
check_archive(ImportRun *run, GError **error)
{
  backup_progress_phase(run->progress, BACKUP_PHASE_CHECK);
  backup_progress_say(run->progress, TEXT_IMPORT_CHECKING);
  if (!read_archive(run, error))
    return FALSE;
  guint tables = 0;
  guint64 rows = 0;
  for (guint i = 0; i < archive_reader_n_entries(run->reader); i++) {
    const TocEntry *entry = archive_reader_entry(run->reader, i);
    const ArchiveDataInfo *info = archive_reader_data_info(run->reader, entry);
    if (toc_entry_is(entry, TOC_KIND_TABLE_DATA) && info->is_present) {
      tables++;
      rows += info->rows;
    }
  }
  backup_progress_say(run->progress, TEXT_IMPORT_CHECKED, tables, rows);
  return TRUE;
}

static gboolean
commit_import(ImportRun *run, PgConnection *connection, GError **error)
{
  backup_progress_phase(run->progress, BACKUP_PHASE_COMMIT);
  backup_progress_say(run->progress, TEXT_IMPORT_COMMITTING);
  if (!pg_connection_exec(connection, "SET CONSTRAINTS ALL IMMEDIATE", error) || !backup_lock_verify(run->lock, error))
    return FALSE;
  /* From here on we cannot go back without knowing the outcome. */
  g_autoptr(GError) failure = NULL;
  PgOutcome outcome = pg_commit(connection, run->options->dsn, &failure);
  if (outcome == PG_OUTCOME_UNKNOWN)
    error_set(error, CCH_ERROR_IMPORT_OUTCOME_UNKNOWN, "%s", failure->message);
  else if (outcome == PG_ABORTED)
    g_propagate_error(error, g_steal_pointer(&failure));
  return outcome == PG_COMMITTED;
}

/* A lost connection ends its transaction, unless SQL of the archive has ended it before. A cancelled import has closed
 * its own connection. */
static void
name_lost_transaction(const ImportRun *run, const Restore *restore, GError **failure)
{
  const char *xid = restore_transaction_id(restore);
  if (xid == NULL || g_cancellable_is_cancelled(run->cancellable) ||
      error_code(*failure) == CCH_ERROR_IMPORT_OUTCOME_UNKNOWN)
    return;
  gboolean is_committed = pg_find_outcome(run->options->dsn, xid, LOST_WAIT_S, run->cancellable, NULL) == PG_COMMITTED;
  if (!is_committed && !restore_has_sql_ended_transaction(restore))
    return;
  g_autoptr(GError) lost = g_steal_pointer(failure);
  error_set(failure, CCH_ERROR_IMPORT_OUTCOME_UNKNOWN,
            is_committed ? "%s; the archive's SQL had committed the import's transaction by then"
                         : "%s; the archive's SQL had ended the import's transaction by then, and what it did beside "
                           "it is not known",
            lost->message);
}

/* Runs the whole transaction once. The connection uses the archive's encoding from here until the archive has been
 * applied. */
static gboolean
apply_once(ImportRun *run, PgConnection *connection, GError **error)
{
  const BackupImportOptions *options = run->options;
  g_autoptr(RestorePlan) plan =
      restore_speak_archive(connection, run->reader, error) ? import_run_plan(run, connection, error) : NULL;
  if (plan == NULL)
    return FALSE;
  g_autoptr(Overwrite) overwrite = overwrite_new(options->allow_incomplete);
  g_autoptr(Merge) merge = merge_new(options->on_conflict);
  RestoreOptions how = {.connection = connection,
                        .reader = run->reader,
                        .plan = plan,
                        .progress = run->progress,
                        .cancellable = run->cancellable,
                        .way = options->clean_first ? &overwrite_way : &merge_way,
                        .way_state = options->clean_first ? (gpointer)overwrite : merge,
                        .unit = RESTORE_BY_SAVEPOINT,
                        .lock_wait_s = options->lock_wait_s};
  g_autoptr(Restore) restore = restore_new(&how);
  if (options->clean_first)
    backup_progress_say(run->progress, TEXT_IMPORT_ALL_LOCKED);
  if (restore_prepare_session(restore, error) && pg_connection_exec(connection, "BEGIN", error) &&
      restore_apply(restore, error) && restore_speak_utf8(connection, error) &&
      import_run_migrate(run, connection, error) &&
      import_run_audit(run, connection, plan, BACKUP_METHOD_TRANSACTION, plan->rows, error) &&
      commit_import(run, connection, error))
    return TRUE;
  if (!pg_connection_is_alive(connection))
    name_lost_transaction(run, restore, error);
  return FALSE;
}

static void
roll_back(ImportRun *run, PgConnection *connection)
{
  pg_connection_set_cancellable(connection, NULL);
  if (pg_connection_is_alive(connection))
    pg_connection_exec(connection, "ROLLBACK", NULL);
  pg_connection_set_cancellable(connection, run->cancellable);
}

gboolean
import_in_transaction(ImportRun *run, GError **error)
{
  if (!check_archive(run, error))
    return FALSE;
  backup_progress_phase(run->progress, BACKUP_PHASE_CONNECT);
  g_autoptr(PgConnection) connection = import_run_connect(run, error);
  if (connection == NULL)
    return FALSE;
  for (guint attempt = 1;; attempt++) {
    g_autoptr(GError) failure = NULL;
    if (apply_once(run, connection, &failure))
      return TRUE;
    roll_back(run, connection);
    if (attempt == MAX_ATTEMPTS || error_code(failure) != CCH_ERROR_DATABASE_CONFLICT ||
        g_cancellable_is_cancelled(run->cancellable)) {
      g_propagate_error(error, g_steal_pointer(&failure));
      return FALSE;
    }
    backup_progress_restart(run->progress);
    backup_progress_say(run->progress, TEXT_IMPORT_RETRYING, attempt + 1);
  }
}
