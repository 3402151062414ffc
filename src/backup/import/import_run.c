#include "backup/import/import_run.h"

#include "audit/audit.h"
#include "backup/merge/merge.h"
#include "backup/plan/entry_sql.h"
#include "base/error.h"
#include "base/json.h"
#include "pg/dsn/dsn.h"
#include "pg/migrate/migrate.h"

#include <jansson.h>

PgConnection *
import_run_connect(ImportRun *run, GError **error)
{
  backup_progress_say(run->progress, TEXT_IMPORT_CONNECTING);
  PgConnection *connection = pg_connection_open(run->options->dsn, "cch-data import", run->cancellable, error);
  run->is_begun = connection != NULL;
  return connection;
}

RestorePlan *
import_run_plan(ImportRun *run, PgConnection *live, GError **error)
{
  RestorePlanOptions options = {.skip_logs = run->options->skip_logs,
                                .tables = run->options->tables,
                                .without_extensions = run->options->without_extensions,
                                .is_strict = run->options->is_strict,
                                .server_version = pg_connection_server_version(live)};
  if (!run->options->clean_first && !merge_keeps_bookkeeping(live, &options.skip_bookkeeping, error))
    return NULL;
  HubLevel newer = {0};
  g_autoptr(RestorePlan) plan = restore_plan_new(run->reader, &options, error);
  if (plan == NULL || !hub_level_check(live, run->reader, plan, run->options->clean_first, error) ||
      (!run->options->clean_first && !hub_level_trim(live, run->reader, plan, &newer, error)) ||
      !hub_level_read(live, run->reader, &run->level, error))
    return NULL;
  g_autofree char *beyond = restore_plan_beyond_server(plan, options.server_version);
  if (beyond != NULL) {
    error_set(error, CCH_ERROR_IMPORT_INCOMPATIBLE, "the server is PostgreSQL %d and cannot have: %s",
              options.server_version / 10000, beyond);
    return NULL;
  }
  backup_progress_totals(run->progress, plan->rows, plan->bytes);
  if (run->has_told)
    return g_steal_pointer(&plan);
  run->has_told = TRUE;
  if (newer.archive > 0) {
    g_autofree char *archive_level = hub_level_text(newer.archive);
    g_autofree char *live_level = hub_level_text(newer.live);
    backup_progress_warn(run->progress, TEXT_IMPORT_NEWER_LEVEL, archive_level, live_level);
  }
  for (guint i = 0; i < plan->left_out->len; i++) {
    const TocEntry *entry = plan->left_out->pdata[i];
    g_autofree char *name = entry_display_name(entry);
    backup_progress_warn(run->progress, TEXT_IMPORT_WITHOUT, entry->desc, name);
  }
  if (archive_reader_padding(run->reader) > 0)
    backup_progress_warn(run->progress, TEXT_ARCHIVE_PADDED, archive_reader_padding(run->reader));
  if (options.skip_logs)
    backup_progress_say(run->progress, TEXT_IMPORT_SKIPPING_LOGS);
  if (plan->leaves_own_schema)
    backup_progress_say(run->progress, TEXT_IMPORT_OWN_SCHEMA_KEPT);
  if (plan->leaves_bookkeeping && run->level.live > 0)
    backup_progress_say(run->progress, TEXT_IMPORT_BOOKKEEPING_KEPT);
  return g_steal_pointer(&plan);
}

gboolean
import_run_migrate(ImportRun *run, PgConnection *connection, GError **error)
{
  backup_progress_phase(run->progress, BACKUP_PHASE_MIGRATE);
  if (!run->options->migrate) {
    backup_progress_say(run->progress, TEXT_IMPORT_MIGRATION_SKIPPED);
    return TRUE;
  }
  backup_progress_say(run->progress, TEXT_IMPORT_MIGRATING);
  g_autoptr(GError) failure = NULL;
  MigrateResult migrated = {0};
  if (!pg_connection_exec(connection, "RESET default_tablespace; RESET default_table_access_method", error))
    return FALSE;
  if ((!run->options->clean_first || pg_migrate_forget_hub(connection, &failure)) &&
      pg_migrate(connection, &migrated, &failure)) {
    backup_progress_say(run->progress, TEXT_IMPORT_MIGRATED);
    /* The hub has no migrations to run if the level stays the same. */
    if (migrated.is_hub_managed && run->options->clean_first && run->level.archive != run->level.live)
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
import_run_audit(ImportRun *run, PgConnection *connection, const RestorePlan *plan, BackupMethod method, guint64 rows,
                 GError **error)
{
  const ArchiveHeader *header = archive_reader_header(run->reader);
  g_auto(DsnDisplay) target = {0};
  if (!dsn_parse_display(run->options->dsn, &target, error))
    return FALSE;
  g_autofree char *source = header->database != NULL ? g_utf8_make_valid(header->database, -1) : NULL;
  g_autoptr(json_t) details =
      json_pack("{s:s, s:s, s:s, s:b, s:I, s:I, s:s*, s:s*}", "mode", run->options->clean_first ? "overwrite" : "merge",
                "method", backup_method_name(method), "onConflict", backup_on_conflict_name(run->options->on_conflict),
                "skipLogs", run->options->skip_logs, "tables", (json_int_t)plan->n_tables, "rows", (json_int_t)rows,
                "archiveDatabase", source, "archiveCreated", header->created);
  g_autofree char *text = json_to_text(details);
  AuditEntry entry = {.category = "database",
                      .type = "database.import",
                      .operator_name = run->options->holder,
                      .operator_ip = run->options->client_ip,
                      .target_name = target.database,
                      .details_json = text,
                      .success = TRUE};
  return audit_write(connection, &entry, error);
}
