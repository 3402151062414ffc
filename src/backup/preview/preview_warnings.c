#include "backup/preview/preview_warnings.h"

#include "backup/preview/preview_privileges.h"
#include "backup/preview/server_warnings.h"
#include "backup/restore/overwrite.h"
#include "backup_sql.h"

#include <string.h>

#define MAX_NAMES 10

/* ---- Tables that one side lacks ---- */

static gboolean
warn_of_tables(PreviewRun *run, GError **error)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  for (guint i = 0; i < archive_reader_n_entries(run->reader); i++) {
    const TocEntry *entry = archive_reader_entry(run->reader, i);
    if (toc_entry_is(entry, TOC_KIND_TABLE) && entry->namespace_name != NULL && entry->tag != NULL) {
      g_autofree char *name = g_strdup_printf("%s.%s", entry->namespace_name, entry->tag);
      g_strv_builder_add(builder, name);
    }
  }
  g_auto(GStrv) named = g_strv_builder_end(builder);
  g_autofree char *names = pg_array((const char *const *)named);
  g_autofree char *schemas = pg_array((const char *const *)run->plan->schemas);
  g_autoptr(PgResult) unnamed =
      pg_connection_query(run->connection, error, backup_overwrite_unnamed_sql, 2, schemas, names);
  if (unnamed == NULL)
    return FALSE;
  gint64 n = pg_result_int64(unnamed, 0, 1);
  if (n > 0 && run->options->clean_first)
    preview_warn(run, TEXT_IMPORT_UNNAMED_TABLES, pg_result_text(unnamed, 0, 1), pg_result_text(unnamed, 0, 0));
  else if (n > 0)
    preview_warn(run, TEXT_PREVIEW_OLDER, (guint)n, pg_result_text(unnamed, 0, 0));
  return TRUE;
}

static void
warn_of_new_tables(PreviewRun *run)
{
  g_autoptr(GString) list = g_string_new(NULL);
  guint n = 0;
  for (guint i = 0; i < run->preview->tables->len; i++) {
    const BackupPreviewTable *table = run->preview->tables->pdata[i];
    if (!table->is_new)
      continue;
    if (n < MAX_NAMES)
      g_string_append_printf(list, "%s%s", n > 0 ? ", " : "", table->table);
    n++;
  }
  if (n > MAX_NAMES)
    g_string_append(list, ", …");
  if (n > 0)
    preview_warn(run, TEXT_PREVIEW_NEW_TABLES, n, list->str);
}

/* ---- Rows ---- */

static void
warn_of_rows(PreviewRun *run)
{
  guint64 conflicts = 0;
  for (guint i = 0; i < run->preview->tables->len; i++) {
    const BackupPreviewTable *table = run->preview->tables->pdata[i];
    gboolean is_log = strcmp(table->table, "public." LOG_TABLE) == 0;
    if (is_log && run->options->clean_first && !run->plan->has_log_rows && table->live_rows > 0)
      preview_warn(run, TEXT_IMPORT_LOGS_LOST, table->live_rows);
    conflicts += table->expected.rows_skipped;
  }
  if (run->options->on_conflict == ON_CONFLICT_FAIL && conflicts > 0)
    preview_warn(run, TEXT_PREVIEW_WOULD_CONFLICT, conflicts);
}

/* ---- What the server lacks ---- */

static gboolean
warn_of_server(PreviewRun *run, GError **error)
{
  g_autoptr(GPtrArray) entries = g_ptr_array_new();
  const GArray *steps = run->plan->steps;
  for (guint i = 0; i < steps->len; i++)
    g_ptr_array_add(entries, (gpointer)g_array_index(steps, RestoreStep, i).entry);
  ServerWarnings warnings = {
      .connection = run->connection, .language = run->options->language, .warnings = run->preview->warnings};
  server_warn_of_version(&warnings, run->preview->server_version);
  int server_version = pg_connection_server_version(run->connection);
  g_autofree char *beyond = restore_plan_beyond_server(run->plan, server_version);
  if (beyond != NULL)
    preview_warn(run, TEXT_PREVIEW_BEYOND_SERVER, server_version / 10000, beyond);
  return server_warn_of_names(&warnings, entries, !run->options->clean_first, error);
}

static gboolean
warn_of_losses(PreviewRun *run, GError **error)
{
  g_auto(OverwriteLosses) losses = {0};
  if (!run->options->clean_first)
    return TRUE;
  if (!overwrite_find_losses(run->connection, run->reader, run->plan, &losses, error))
    return FALSE;
  if (losses.n_tables > 0)
    preview_warn(run, TEXT_IMPORT_WITHOUT_ROWS, losses.tables);
  if (losses.n_post_data > 0)
    preview_warn(run, TEXT_IMPORT_WITHOUT_POST_DATA, losses.n_post_data);
  if (losses.n_tables + losses.n_post_data > 0 && !run->options->allow_incomplete)
    preview_warn(run, TEXT_IMPORT_ALLOW_INCOMPLETE);
  return TRUE;
}

gboolean
preview_warn_of_archive(PreviewRun *run, GError **error)
{
  if (run->newer.archive > 0) {
    g_autofree char *archive = hub_level_text(run->newer.archive);
    g_autofree char *live = hub_level_text(run->newer.live);
    preview_warn(run, TEXT_IMPORT_NEWER_LEVEL, archive, live);
  }
  warn_of_rows(run);
  warn_of_new_tables(run);
  return warn_of_losses(run, error) && warn_of_tables(run, error) && warn_of_server(run, error) &&
         preview_warn_of_privileges(run, error);
}
