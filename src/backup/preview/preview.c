#include "backup/preview/preview.h"

#include "backup/merge/merge.h"
#include "backup/plan/entry_sql.h"
#include "backup/preview/preview_locks.h"
#include "backup/preview/preview_run.h"
#include "backup/preview/preview_table.h"
#include "backup/preview/preview_warnings.h"
#include "backup_sql.h"
#include "base/error.h"

#include <string.h>

static void
table_free(gpointer data)
{
  BackupPreviewTable *table = data;
  g_free(table->table);
  g_free(table->problem);
  g_ptr_array_unref(table->examples);
  g_free(table);
}

void
backup_preview_free(BackupPreview *preview)
{
  g_free(preview->created);
  g_free(preview->database);
  g_free(preview->server_version);
  g_free(preview->pg_dump_version);
  g_free(preview->format_version);
  g_free(preview->compression);
  g_free(preview->live_database);
  g_free(preview->live_server_version);
  g_free(preview->live_role);
  g_free(preview->trust);
  g_ptr_array_unref(preview->tables);
  g_ptr_array_unref(preview->warnings);
  g_free(preview);
}

/* ---- The archive and the database as a whole ---- */

static char *
valid_or_null(const char *text)
{
  return text != NULL ? g_utf8_make_valid(text, -1) : NULL;
}

static BackupPreview *
describe_import(const ArchiveReader *reader, const BackupImportOptions *options)
{
  const ArchiveHeader *header = archive_reader_header(reader);
  BackupPreview *preview = g_new0(BackupPreview, 1);
  preview->mode = options->clean_first ? "overwrite" : "merge";
  preview->on_conflict = options->on_conflict;
  preview->skip_logs = options->skip_logs;
  preview->created = valid_or_null(header->created);
  preview->database = valid_or_null(header->database);
  preview->server_version = valid_or_null(header->server_version);
  preview->pg_dump_version = valid_or_null(header->pg_dump_version);
  preview->format_version = g_strdup_printf("1.%u", header->version_minor);
  preview->compression = g_strdup(archive_compression_name(header->compression));
  preview->tables = g_ptr_array_new_with_free_func(table_free);
  preview->warnings = g_ptr_array_new_with_free_func(g_free);
  return preview;
}

static void
check_progress(guint64 bytes_done, guint64 bytes_total, gpointer user_data)
{
  backup_progress_set(((PreviewRun *)user_data)->progress, bytes_done, bytes_total);
}

static gboolean
check_archive(PreviewRun *run, GError **error)
{
  backup_progress_phase(run->progress, BACKUP_PHASE_CHECK);
  backup_progress_say(run->progress, TEXT_IMPORT_CHECKING);
  if (!archive_reader_check(run->reader, check_progress, run, run->cancellable, error))
    return FALSE;
  if (archive_reader_padding(run->reader) > 0)
    preview_warn(run, TEXT_ARCHIVE_PADDED, archive_reader_padding(run->reader));
  BackupPreview *preview = run->preview;
  for (guint i = 0; i < archive_reader_n_entries(run->reader); i++) {
    const TocEntry *entry = archive_reader_entry(run->reader, i);
    const ArchiveDataInfo *info = archive_reader_data_info(run->reader, entry);
    if (!toc_entry_is(entry, TOC_KIND_TABLE_DATA) || !info->is_present)
      continue;
    preview->n_tables++;
    preview->rows += info->rows;
    preview->bytes += info->data_bytes;
    if (g_strcmp0(entry->tag, LOG_TABLE) == 0 && g_strcmp0(entry->namespace_name, "public") == 0)
      preview->has_logs = info->rows > 0;
  }
  backup_progress_say(run->progress, TEXT_IMPORT_CHECKED, preview->n_tables, preview->rows);
  return TRUE;
}

static gboolean
connect_target(PreviewRun *run, GError **error)
{
  backup_progress_phase(run->progress, BACKUP_PHASE_CONNECT);
  backup_progress_say(run->progress, TEXT_IMPORT_CONNECTING);
  run->connection = pg_connection_open(run->options->dsn, "cch-data preview", run->cancellable, error);
  if (run->connection == NULL)
    return FALSE;
  g_autoptr(PgResult) live = pg_connection_query(run->connection, error, backup_preview_target_sql, 0);
  if (live == NULL)
    return FALSE;
  if (strcmp(pg_result_text(live, 0, 2), "on") == 0) {
    error_set(error, CCH_ERROR_DATABASE_READ_ONLY, "nothing can be imported");
    return FALSE;
  }
  run->preview->live_database = g_strdup(pg_result_text(live, 0, 0));
  run->preview->live_role = g_strdup(pg_result_text(live, 0, 3));
  run->preview->is_superuser = pg_result_bool(live, 0, 4);
  run->preview->trust = text_format(run->preview->is_superuser ? TEXT_PREVIEW_TRUST_SUPERUSER : TEXT_PREVIEW_TRUST,
                                    run->options->language, run->preview->live_role);
  run->preview->live_bytes = (guint64)pg_result_int64(live, 0, 1);
  run->preview->live_server_version = g_strdup(pg_connection_parameter(run->connection, "server_version"));
  return restore_speak_archive(run->connection, run->reader, error);
}

static gboolean
make_plan(PreviewRun *run, GError **error)
{
  const BackupImportOptions *options = run->options;
  RestorePlanOptions plan_options = {.skip_logs = options->skip_logs,
                                     .tables = options->tables,
                                     .without_extensions = options->without_extensions,
                                     .is_strict = options->is_strict,
                                     .server_version = pg_connection_server_version(run->connection)};
  if (!options->clean_first && !merge_keeps_bookkeeping(run->connection, &plan_options.skip_bookkeeping, error))
    return FALSE;
  run->plan = restore_plan_new(run->reader, &plan_options, error);
  HubLevel level = {0};
  if (run->plan == NULL || !hub_level_read(run->connection, run->reader, &level, error))
    return FALSE;
  run->preview->archive_hub_level = level.archive;
  run->preview->live_hub_level = level.live;
  if (!hub_level_check(run->connection, run->reader, run->plan, options->clean_first, error) ||
      (!options->clean_first && !hub_level_trim(run->connection, run->reader, run->plan, &run->newer, error)))
    return FALSE;
  backup_progress_totals(run->progress, run->plan->rows, run->plan->bytes);
  run->merge = merge_new(options->on_conflict);
  static const RestoreWay look_only = {.name = "preview"};
  run->restore = restore_new(&(RestoreOptions){.connection = run->connection,
                                               .reader = run->reader,
                                               .plan = run->plan,
                                               .progress = run->progress,
                                               .cancellable = run->cancellable,
                                               .way = &look_only,
                                               .way_state = run->merge,
                                               .unit = RESTORE_BY_SAVEPOINT,
                                               .lock_wait_s = options->lock_wait_s});
  return restore_prepare_session(run->restore, error);
}

/* ---- Tables ---- */

/* Each comparison has its own transaction, so that no lock on a live table outlasts it. */
static gboolean
end_transaction(PreviewRun *run, gboolean ok, GError **error)
{
  if (ok)
    return pg_connection_exec(run->connection, "ROLLBACK", error);
  if (pg_connection_is_alive(run->connection))
    pg_connection_rollback(run->connection);
  return FALSE;
}

static gboolean
compare_tables(PreviewRun *run, GError **error)
{
  const GArray *steps = run->plan->steps;
  for (guint i = 0; i < steps->len; i++) {
    const RestoreStep *step = &g_array_index(steps, RestoreStep, i);
    if (step->kind != STEP_ROWS)
      continue;
    gboolean ok = pg_connection_exec(run->connection, "BEGIN", error) && preview_compare(run, step->entry, error) &&
                  preview_note_lock(run, step->entry, error);
    if (!end_transaction(run, ok, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
is_known(const BackupPreview *preview, const char *schema, const char *name)
{
  g_autofree char *full = g_strdup_printf("%s.%s", schema, name);
  for (guint i = 0; i < preview->tables->len; i++)
    if (strcmp(((const BackupPreviewTable *)preview->tables->pdata[i])->table, full) == 0)
      return TRUE;
  return FALSE;
}

/* Overwriting empties the archive's schemas: tables in them that get no rows lose theirs. */
static gboolean
count_losses(PreviewRun *run, GError **error)
{
  if (!run->options->clean_first)
    return TRUE;
  g_autofree char *schemas = pg_array((const char *const *)run->plan->schemas);
  g_autoptr(PgResult) tables = pg_connection_query(run->connection, error, backup_preview_live_tables_sql, 1, schemas);
  if (tables == NULL)
    return FALSE;
  for (guint i = 0; i < pg_result_rows(tables); i++) {
    const char *schema = pg_result_text(tables, i, 0), *name = pg_result_text(tables, i, 1);
    if (is_known(run->preview, schema, name))
      continue;
    gboolean ok = pg_connection_exec(run->connection, "BEGIN", error) && preview_count_live(run, schema, name, error);
    if (!end_transaction(run, ok, error))
      return FALSE;
  }
  return TRUE;
}

/* Replaces the error if a lost lock caused the cancellation. */
static void
name_true_cause(BackupLock *lock, GError **error)
{
  if (lock != NULL && error_code(*error) == CCH_ERROR_CANCELLED && backup_lock_is_lost(lock)) {
    g_clear_error(error);
    error_set(error, CCH_ERROR_LOCK_LOST, "another instance may have taken it");
  }
}

static void
ignore_event(const BackupEvent *event, gpointer user_data)
{
  (void)event;
  (void)user_data;
}

static gboolean
run_all(PreviewRun *run, GError **error)
{
  const BackupImportOptions *options = run->options;
  if (!backup_choices_check(options->clean_first, options->on_conflict, options->tables, error) ||
      (options->tables != NULL && !backup_tables_find(run->reader, options->tables, NULL, error)))
    return FALSE;
  if (!check_archive(run, error) || !connect_target(run, error) || !make_plan(run, error))
    return FALSE;
  backup_progress_phase(run->progress, BACKUP_PHASE_DATA);
  return compare_tables(run, error) && count_losses(run, error) && preview_warn_of_archive(run, error) &&
         preview_warn_of_locks(run, error);
}

BackupPreview *
backup_preview_run(ArchiveReader *reader, const BackupImportOptions *options, BackupLock *lock, BackupEventFunc func,
                   gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_autoptr(BackupProgress) progress =
      backup_progress_new(func != NULL ? func : ignore_event, user_data, options->language);
  g_autoptr(BackupPreview) preview = describe_import(reader, options);
  PreviewRun run = {.reader = reader,
                    .options = options,
                    .progress = progress,
                    .cancellable = cancellable,
                    .preview = preview,
                    .roots = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
  g_autoptr(GError) failure = NULL;
  gboolean ok = run_all(&run, &failure);
  g_clear_pointer(&run.restore, restore_free);
  g_clear_pointer(&run.merge, merge_free);
  g_clear_pointer(&run.roots, g_hash_table_unref);
  g_clear_pointer(&run.plan, restore_plan_free);
  g_clear_pointer(&run.connection, pg_connection_free);
  if (!ok) {
    name_true_cause(lock, &failure);
    backup_progress_fail(progress, failure, FALSE);
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  backup_progress_complete(progress, TEXT_PREVIEW_COMPLETE);
  return g_steal_pointer(&preview);
}
