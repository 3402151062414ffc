#include "backup/import.h"

#include "audit/audit.h"
#include "backup/notify.h"
#include "backup/overwrite.h"
#include "backup/plan.h"
#include "backup/progress.h"
#include "backup/restore.h"
#include "base/error.h"
#include "pg/dsn.h"
#include "pg/migrate.h"

#include <jansson.h>
#include <string.h>

enum {
  MAX_ATTEMPTS = 3,       /* at the whole transaction, after deadlocks */
  OUTCOME_TIMEOUT_S = 30, /* for asking a database that went away during the commit */
  OUTCOME_PAUSE_MS = 500
};

typedef struct {
  ArchiveReader *reader;
  const BackupImportOptions *options;
  BackupLock *lock;
  BackupProgress *progress;
  GCancellable *cancellable;
  PgConnection *connection;
  MigrateResult migrated;
} Import;

static void
check_progress(guint64 bytes_done, guint64 bytes_total, gpointer user_data)
{
  backup_progress_set(((Import *)user_data)->progress, bytes_done, bytes_total);
}

static gboolean
check_archive(Import *import, GError **error)
{
  backup_progress_phase(import->progress, BACKUP_PHASE_CHECK);
  backup_progress_say(import->progress, TEXT_IMPORT_CHECKING);
  if (!archive_reader_check(import->reader, check_progress, import, import->cancellable, error))
    return FALSE;
  guint tables = 0;
  guint64 rows = 0;
  for (guint i = 0; i < archive_reader_n_entries(import->reader); i++) {
    const TocEntry *entry = archive_reader_entry(import->reader, i);
    const ArchiveDataInfo *info = archive_reader_data_info(import->reader, entry);
    if (toc_entry_is(entry, "TABLE DATA") && info->is_present) {
      tables++;
      rows += info->rows;
    }
  }
  backup_progress_say(import->progress, TEXT_IMPORT_CHECKED, tables, rows);
  return TRUE;
}

static gboolean
check_choices(const Import *import, GError **error)
{
  const BackupImportOptions *options = import->options;
  return backup_choices_check(options->clean_first, options->on_conflict, options->tables, error) &&
         (options->tables == NULL || backup_tables_find(import->reader, options->tables, NULL, error));
}

static gboolean
connect_target(Import *import, GError **error)
{
  backup_progress_phase(import->progress, BACKUP_PHASE_CONNECT);
  backup_progress_say(import->progress, TEXT_IMPORT_CONNECTING);
  import->connection = pg_connection_open(import->options->dsn, "cch-data import", import->cancellable, error);
  return import->connection != NULL;
}

/* A merge leaves the structure of a hub's database as it is, and so the records of which migrations it has had. */
static gboolean
has_structure(Import *import, gboolean *ret_has, GError **error)
{
  g_autofree char *found = NULL;
  if (!pg_connection_value(import->connection, &found, error,
                           "SELECT coalesce(pg_catalog.to_regclass('public.users'), "
                           "pg_catalog.to_regclass('drizzle.__drizzle_migrations'))",
                           0))
    return FALSE;
  *ret_has = found != NULL;
  return TRUE;
}

static RestorePlan *
make_plan(Import *import, GError **error)
{
  RestorePlanOptions options = {.skip_logs = import->options->skip_logs,
                                .tables = import->options->tables,
                                .server_version = pg_connection_server_version(import->connection)};
  if (!import->options->clean_first && !has_structure(import, &options.skip_bookkeeping, error))
    return NULL;
  RestorePlan *plan = restore_plan_new(import->reader, &options, error);
  if (plan == NULL)
    return NULL;
  backup_progress_totals(import->progress, plan->rows, plan->bytes);
  if (options.skip_logs)
    backup_progress_say(import->progress, TEXT_IMPORT_SKIPPING_LOGS);
  if (plan->leaves_own_schema)
    backup_progress_say(import->progress, TEXT_IMPORT_OWN_SCHEMA_KEPT);
  if (plan->leaves_bookkeeping)
    backup_progress_say(import->progress, TEXT_IMPORT_BOOKKEEPING_KEPT);
  return plan;
}

/* Migrations run inside the import's transaction: if they fail, nothing has happened. */
static gboolean
migrate(Import *import, GError **error)
{
  backup_progress_phase(import->progress, BACKUP_PHASE_MIGRATE);
  if (!import->options->migrate) {
    backup_progress_say(import->progress, TEXT_IMPORT_MIGRATION_SKIPPED);
    return TRUE;
  }
  backup_progress_say(import->progress, TEXT_IMPORT_MIGRATING);
  g_autoptr(GError) failure = NULL;
  if (!pg_connection_exec(import->connection, "RESET default_tablespace; RESET default_table_access_method", error))
    return FALSE;
  if ((!import->options->clean_first || pg_migrate_forget_hub(import->connection, &failure)) &&
      pg_migrate(import->connection, &import->migrated, &failure)) {
    backup_progress_say(import->progress, TEXT_IMPORT_MIGRATED);
    if (import->migrated.is_hub_managed && import->options->clean_first)
      backup_progress_say(import->progress, TEXT_IMPORT_HUB_MIGRATES);
    return TRUE;
  }
  if (g_cancellable_is_cancelled(import->cancellable))
    g_propagate_error(error, g_steal_pointer(&failure));
  else
    error_set_sql(error, CCH_ERROR_MIGRATION_FAILED, error_sqlstate(failure), error_source_function(failure), "%s",
                  failure->message);
  return FALSE;
}

static gboolean
write_audit(Import *import, const RestorePlan *plan, GError **error)
{
  const ArchiveHeader *header = archive_reader_header(import->reader);
  g_auto(DsnDisplay) target = {0};
  if (!dsn_parse_display(import->options->dsn, &target, error))
    return FALSE;
  g_autofree char *source = header->database != NULL ? g_utf8_make_valid(header->database, -1) : NULL;
  json_t *details =
      json_pack("{s:s, s:s, s:b, s:I, s:I, s:s*, s:s*}", "mode", import->options->clean_first ? "overwrite" : "merge",
                "onConflict", backup_on_conflict_name(import->options->on_conflict), "skipLogs",
                import->options->skip_logs, "tables", (json_int_t)plan->n_tables, "rows", (json_int_t)plan->rows,
                "archiveDatabase", source, "archiveCreated", header->created);
  char *text = details != NULL ? json_dumps(details, JSON_COMPACT) : NULL;
  json_decref(details);
  AuditEntry entry = {.category = "database",
                      .type = "database.import",
                      .operator_name = import->options->holder,
                      .operator_ip = import->options->client_ip,
                      .target_name = target.database,
                      .details_json = text,
                      .success = TRUE};
  gboolean ok = audit_write(import->connection, &entry, error);
  free(text);
  return ok;
}

/* After a connection that broke during COMMIT: what became of the transaction. */
static gboolean
find_outcome(Import *import, const char *xid, GError **error)
{
  gint64 deadline = g_get_monotonic_time() + OUTCOME_TIMEOUT_S * G_USEC_PER_SEC;
  do {
    g_autoptr(PgConnection) connection = pg_connection_open(import->options->dsn, "cch-data import", NULL, NULL);
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
commit(Import *import, GError **error)
{
  backup_progress_phase(import->progress, BACKUP_PHASE_COMMIT);
  backup_progress_say(import->progress, TEXT_IMPORT_COMMITTING);
  g_autofree char *xid = NULL;
  if (!pg_connection_exec(import->connection, "SET CONSTRAINTS ALL IMMEDIATE", error) ||
      !pg_connection_value(import->connection, &xid, error, "SELECT pg_catalog.txid_current()", 0) ||
      !backup_lock_verify(import->lock, error))
    return FALSE;
  /* From here on there is no way back that we could take without knowing the outcome. */
  g_autoptr(GError) failure = NULL;
  pg_connection_set_cancellable(import->connection, NULL);
  if (pg_connection_exec(import->connection, "COMMIT", &failure))
    return TRUE;
  /* A server that is shut down may say so after the commit as well as before it. */
  if (error_code(failure) != CCH_ERROR_DATABASE_UNAVAILABLE && pg_connection_is_alive(import->connection)) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  return find_outcome(import, xid, error);
}

/* One attempt at the whole transaction. */
static gboolean
apply_once(Import *import, GError **error)
{
  g_autoptr(RestorePlan) plan = make_plan(import, error);
  if (plan == NULL)
    return FALSE;
  gboolean is_merge = !import->options->clean_first;
  g_autoptr(Restore) restore = restore_new(import->connection, import->reader, plan, import->progress,
                                           import->cancellable, is_merge, import->options->lock_wait_s);
  restore->on_conflict = import->options->on_conflict;
  return restore_prepare_session(restore, error) && pg_connection_exec(import->connection, "BEGIN", error) &&
         (is_merge || overwrite_clear(restore, error)) && restore_apply(restore, error) && migrate(import, error) &&
         write_audit(import, plan, error) && commit(import, error);
}

static void
roll_back(Import *import)
{
  pg_connection_set_cancellable(import->connection, NULL);
  if (pg_connection_is_alive(import->connection))
    pg_connection_exec(import->connection, "ROLLBACK", NULL);
  pg_connection_set_cancellable(import->connection, import->cancellable);
}

/* Deadlocks with the running hub are nobody's fault: start again. */
static gboolean
apply(Import *import, GError **error)
{
  for (guint attempt = 1;; attempt++) {
    g_autoptr(GError) failure = NULL;
    if (apply_once(import, &failure))
      return TRUE;
    roll_back(import);
    if (attempt == MAX_ATTEMPTS || verdict_of(failure, NULL, TRUE) != VERDICT_RESTART ||
        g_cancellable_is_cancelled(import->cancellable)) {
      g_propagate_error(error, g_steal_pointer(&failure));
      return FALSE;
    }
    backup_progress_restart(import->progress);
    backup_progress_say(import->progress, TEXT_IMPORT_RETRYING, attempt + 1);
  }
}

/* What was cancelled because the lock was lost says so. */
static void
name_true_cause(Import *import, GError **error)
{
  if (error_code(*error) == CCH_ERROR_CANCELLED && backup_lock_is_lost(import->lock)) {
    g_clear_error(error);
    error_set(error, CCH_ERROR_LOCK_LOST, "another instance may have taken it");
  }
}

gboolean
backup_import_run(ArchiveReader *reader, const BackupImportOptions *options, BackupLock *lock, BackupEventFunc func,
                  gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_autoptr(BackupProgress) progress = backup_progress_new(func, user_data, options->language);
  Import import = {
      .reader = reader, .options = options, .lock = lock, .progress = progress, .cancellable = cancellable};
  g_autoptr(GError) failure = NULL;
  gboolean ok = check_choices(&import, &failure) && check_archive(&import, &failure) &&
                connect_target(&import, &failure) && apply(&import, &failure);
  gboolean was_begun = import.connection != NULL;
  pg_connection_free(import.connection);
  if (!ok) {
    name_true_cause(&import, &failure);
    backup_progress_fail(progress, failure, was_begun && error_code(failure) != CCH_ERROR_IMPORT_OUTCOME_UNKNOWN);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  backup_progress_say(progress, TEXT_IMPORT_COMMITTED);
  if (!hub_notify_imported(options->redis_url, &failure))
    backup_progress_warn(progress, TEXT_IMPORT_NOTIFY_FAILED, failure->message);
  backup_progress_complete(progress, TEXT_IMPORT_COMPLETE);
  return TRUE;
}
