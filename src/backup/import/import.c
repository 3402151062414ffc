#include "backup/import/import_run.h"

#include "archive/survey.h"
#include "audit/audit.h"
#include "backup/import/manifest_match.h"
#include "backup/merge/merge.h"
#include "backup/restore/overwrite.h"
#include "backup/restore/restore.h"
#include "backup/swap/swap_choice.h"
#include "base/error.h"
#include "hub/notify.h"
#include "pg/dsn.h"

#include <jansson.h>
#include <string.h>

enum {
  MAX_ATTEMPTS = 3,       /* at the whole transaction, after deadlocks */
  OUTCOME_TIMEOUT_S = 30, /* for asking a database that went away during the commit */
  OUTCOME_PAUSE_MS = 500
};

const char *
backup_method_name(BackupMethod method)
{
  static const char *const names[] = {"auto", "swap", "transaction"};
  return names[method];
}

gboolean
backup_method_parse(const char *name, BackupMethod *ret_method)
{
  for (BackupMethod method = BACKUP_METHOD_AUTO; method <= BACKUP_METHOD_TRANSACTION; method++) {
    if (strcmp(name, backup_method_name(method)) == 0) {
      *ret_method = method;
      return TRUE;
    }
  }
  return FALSE;
}

gboolean
backup_import_method(const char *dsn, Language language, BackupMethod *ret_method, char **ret_reason, GError **error)
{
  g_autoptr(PgConnection) connection = pg_connection_open(dsn, "cch-data status", NULL, error);
  if (connection == NULL || !swap_choice_reason(connection, dsn, NULL, language, ret_reason, error))
    return FALSE;
  *ret_method = *ret_reason == NULL ? BACKUP_METHOD_SWAP : BACKUP_METHOD_TRANSACTION;
  return TRUE;
}

static void
check_progress(guint64 bytes_done, guint64 bytes_total, gpointer user_data)
{
  backup_progress_set(((ImportRun *)user_data)->progress, bytes_done, bytes_total);
}

/* Reads the whole of it, with a manifest for comparing. */
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
    if (toc_entry_is(entry, "TABLE DATA") && info->is_present) {
      tables++;
      rows += info->rows;
    }
  }
  backup_progress_say(run->progress, TEXT_IMPORT_CHECKED, tables, rows);
  return TRUE;
}

static gboolean
check_choices(const ImportRun *run, GError **error)
{
  const BackupImportOptions *options = run->options;
  return backup_choices_check(options->clean_first, options->on_conflict, options->tables, error) &&
         (options->tables == NULL || backup_tables_find(run->reader, options->tables, NULL, error));
}

gboolean
import_run_connect(ImportRun *run, GError **error)
{
  backup_progress_say(run->progress, TEXT_IMPORT_CONNECTING);
  run->connection = pg_connection_open(run->options->dsn, "cch-data import", run->cancellable, error);
  run->is_begun = run->connection != NULL;
  return run->is_begun;
}

RestorePlan *
import_run_plan(ImportRun *run, GError **error)
{
  RestorePlanOptions options = {.skip_logs = run->options->skip_logs,
                                .tables = run->options->tables,
                                .server_version = pg_connection_server_version(run->connection)};
  if (!run->options->clean_first && !merge_keeps_bookkeeping(run->connection, &options.skip_bookkeeping, error))
    return NULL;
  RestorePlan *plan = restore_plan_new(run->reader, &options, error);
  if (plan == NULL)
    return NULL;
  backup_progress_totals(run->progress, plan->rows, plan->bytes);
  if (run->has_told)
    return plan;
  run->has_told = TRUE;
  if (options.skip_logs)
    backup_progress_say(run->progress, TEXT_IMPORT_SKIPPING_LOGS);
  if (plan->leaves_own_schema)
    backup_progress_say(run->progress, TEXT_IMPORT_OWN_SCHEMA_KEPT);
  if (plan->leaves_bookkeeping)
    backup_progress_say(run->progress, TEXT_IMPORT_BOOKKEEPING_KEPT);
  return plan;
}

/* If a migration fails, nothing has happened. */
gboolean
import_run_migrate(ImportRun *run, GError **error)
{
  backup_progress_phase(run->progress, BACKUP_PHASE_MIGRATE);
  if (!run->options->migrate) {
    backup_progress_say(run->progress, TEXT_IMPORT_MIGRATION_SKIPPED);
    return TRUE;
  }
  backup_progress_say(run->progress, TEXT_IMPORT_MIGRATING);
  g_autoptr(GError) failure = NULL;
  if (!pg_connection_exec(run->connection, "RESET default_tablespace; RESET default_table_access_method", error))
    return FALSE;
  if ((!run->options->clean_first || pg_migrate_forget_hub(run->connection, &failure)) &&
      pg_migrate(run->connection, &run->migrated, &failure)) {
    backup_progress_say(run->progress, TEXT_IMPORT_MIGRATED);
    if (run->migrated.is_hub_managed && run->options->clean_first)
      backup_progress_say(run->progress, TEXT_IMPORT_HUB_MIGRATES);
    return TRUE;
  }
  if (g_cancellable_is_cancelled(run->cancellable))
    g_propagate_error(error, g_steal_pointer(&failure));
  else
    error_set_sql(error, CCH_ERROR_MIGRATION_FAILED, error_sqlstate(failure), error_source_function(failure), "%s",
                  failure->message);
  return FALSE;
}

gboolean
import_run_audit(ImportRun *run, const RestorePlan *plan, BackupMethod method, GError **error)
{
  const ArchiveHeader *header = archive_reader_header(run->reader);
  g_auto(DsnDisplay) target = {0};
  if (!dsn_parse_display(run->options->dsn, &target, error))
    return FALSE;
  g_autofree char *source = header->database != NULL ? g_utf8_make_valid(header->database, -1) : NULL;
  json_t *details =
      json_pack("{s:s, s:s, s:s, s:b, s:I, s:I, s:s*, s:s*}", "mode", run->options->clean_first ? "overwrite" : "merge",
                "method", backup_method_name(method), "onConflict", backup_on_conflict_name(run->options->on_conflict),
                "skipLogs", run->options->skip_logs, "tables", (json_int_t)plan->n_tables, "rows",
                (json_int_t)plan->rows, "archiveDatabase", source, "archiveCreated", header->created);
  char *text = details != NULL ? json_dumps(details, JSON_COMPACT) : NULL;
  json_decref(details);
  AuditEntry entry = {.category = "database",
                      .type = "database.import",
                      .operator_name = run->options->holder,
                      .operator_ip = run->options->client_ip,
                      .target_name = target.database,
                      .details_json = text,
                      .success = TRUE};
  gboolean ok = audit_write(run->connection, &entry, error);
  free(text);
  return ok;
}

/* After a connection that broke during COMMIT: what became of the transaction. */
static gboolean
find_outcome(ImportRun *run, const char *xid, GError **error)
{
  gint64 deadline = g_get_monotonic_time() + OUTCOME_TIMEOUT_S * G_USEC_PER_SEC;
  do {
    g_autoptr(PgConnection) connection = pg_connection_open(run->options->dsn, "cch-data import", NULL, NULL);
    g_autofree char *status = NULL;
    if (connection != NULL &&
        pg_connection_value(connection, &status, NULL, "SELECT pg_catalog.txid_status($1::pg_catalog.int8)", 1, xid)) {
      if (g_strcmp0(status, "committed") == 0)
        return TRUE;
      if (g_strcmp0(status, "aborted") == 0) {
        error_set(error, CCH_ERROR_DATABASE_UNAVAILABLE, "the connection was lost during the commit");
        return FALSE;
      }
    }
    g_usleep(OUTCOME_PAUSE_MS * 1000);
  } while (g_get_monotonic_time() < deadline);
  error_set(error, CCH_ERROR_IMPORT_OUTCOME_UNKNOWN, "transaction %s", xid);
  return FALSE;
}

static gboolean
commit(ImportRun *run, GError **error)
{
  backup_progress_phase(run->progress, BACKUP_PHASE_COMMIT);
  backup_progress_say(run->progress, TEXT_IMPORT_COMMITTING);
  g_autofree char *xid = NULL;
  if (!pg_connection_exec(run->connection, "SET CONSTRAINTS ALL IMMEDIATE", error) ||
      !pg_connection_value(run->connection, &xid, error, "SELECT pg_catalog.txid_current()", 0) ||
      !backup_lock_verify(run->lock, error))
    return FALSE;
  /* From here on there is no way back that we could take without knowing the outcome. */
  g_autoptr(GError) failure = NULL;
  pg_connection_set_cancellable(run->connection, NULL);
  if (pg_connection_exec(run->connection, "COMMIT", &failure))
    return TRUE;
  /* A server that is shut down may say so after the commit as well as before it. */
  if (error_code(failure) != CCH_ERROR_DATABASE_UNAVAILABLE && pg_connection_is_alive(run->connection)) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  return find_outcome(run, xid, error);
}

/* One attempt at the whole transaction. */
static gboolean
apply_once(ImportRun *run, GError **error)
{
  g_autoptr(RestorePlan) plan =
      restore_speak_archive(run->connection, run->reader, error) ? import_run_plan(run, error) : NULL;
  if (plan == NULL)
    return FALSE;
  const BackupImportOptions *options = run->options;
  g_autoptr(Overwrite) overwrite = overwrite_new();
  g_autoptr(Merge) merge = merge_new(options->on_conflict);
  RestoreOptions how = {.connection = run->connection,
                        .reader = run->reader,
                        .plan = plan,
                        .progress = run->progress,
                        .cancellable = run->cancellable,
                        .way = options->clean_first ? &overwrite_way : &merge_way,
                        .way_state = options->clean_first ? (gpointer)overwrite : merge,
                        .unit = RESTORE_BY_SAVEPOINT,
                        .lock_wait_s = options->lock_wait_s};
  g_autoptr(Restore) restore = restore_new(&how);
  return restore_prepare_session(restore, error) && pg_connection_exec(run->connection, "BEGIN", error) &&
         restore_apply(restore, error) && restore_speak_utf8(run->connection, error) &&
         import_run_migrate(run, error) && import_run_audit(run, plan, BACKUP_METHOD_TRANSACTION, error) &&
         commit(run, error);
}

static void
roll_back(ImportRun *run)
{
  pg_connection_set_cancellable(run->connection, NULL);
  if (pg_connection_is_alive(run->connection))
    pg_connection_exec(run->connection, "ROLLBACK", NULL);
  pg_connection_set_cancellable(run->connection, run->cancellable);
}

/* Deadlocks with the running hub are nobody's fault: start again. */
static gboolean
apply(ImportRun *run, GError **error)
{
  for (guint attempt = 1;; attempt++) {
    g_autoptr(GError) failure = NULL;
    if (apply_once(run, &failure))
      return TRUE;
    roll_back(run);
    if (attempt == MAX_ATTEMPTS || error_code(failure) != CCH_ERROR_DATABASE_CONFLICT ||
        g_cancellable_is_cancelled(run->cancellable)) {
      g_propagate_error(error, g_steal_pointer(&failure));
      return FALSE;
    }
    backup_progress_restart(run->progress);
    backup_progress_say(run->progress, TEXT_IMPORT_RETRYING, attempt + 1);
  }
}

static gboolean
import_in_transaction(ImportRun *run, GError **error)
{
  if (!check_archive(run, error))
    return FALSE;
  backup_progress_phase(run->progress, BACKUP_PHASE_CONNECT);
  return import_run_connect(run, error) && apply(run, error);
}

/* By the way that was asked for; without such a wish by swap, or, where that cannot be, in one transaction. */
static gboolean
import_somehow(ImportRun *run, GError **error)
{
  BackupMethod wish = run->options->method;
  if (!run->options->clean_first || wish == BACKUP_METHOD_TRANSACTION)
    return import_in_transaction(run, error);
  g_autoptr(GError) failure = NULL;
  if (import_by_swap(run, &failure))
    return TRUE;
  if (error_code(failure) != CCH_ERROR_IMPORT_SWAP_IMPOSSIBLE || wish == BACKUP_METHOD_SWAP) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  backup_progress_say(run->progress, TEXT_SWAP_NOT_USED, failure->message);
  g_clear_pointer(&run->connection, pg_connection_free);
  return import_in_transaction(run, error);
}

/* What was cancelled because the lock was lost says so. */
static void
name_true_cause(ImportRun *run, GError **error)
{
  if (error_code(*error) == CCH_ERROR_CANCELLED && backup_lock_is_lost(run->lock)) {
    g_clear_error(error);
    error_set(error, CCH_ERROR_LOCK_LOST, "another instance may have taken it");
  }
}

gboolean
backup_import_run(ArchiveReader *reader, const BackupImportOptions *options, BackupLock *lock, BackupEventFunc func,
                  gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_autoptr(BackupProgress) progress = backup_progress_new(func, user_data, options->language);
  ImportRun run = {
      .reader = reader, .options = options, .lock = lock, .progress = progress, .cancellable = cancellable};
  g_autoptr(GError) failure = NULL;
  gboolean ok = check_choices(&run, &failure) && import_somehow(&run, &failure);
  pg_connection_free(run.connection);
  if (!ok) {
    name_true_cause(&run, &failure);
    backup_progress_fail(progress, failure, run.is_begun && error_code(failure) != CCH_ERROR_IMPORT_OUTCOME_UNKNOWN);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  backup_progress_say(progress, TEXT_IMPORT_COMMITTED);
  if (!hub_notify_imported(options->redis_url, &failure))
    backup_progress_warn(progress, TEXT_IMPORT_NOTIFY_FAILED, failure->message);
  backup_progress_complete(progress, TEXT_IMPORT_COMPLETE);
  return TRUE;
}
