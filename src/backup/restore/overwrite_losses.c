#include "backup/restore/overwrite.h"

#include "backup_sql.h"
#include "base/error.h"

#include <string.h>

enum { MAX_TABLES_TOLD = 20 };

void
overwrite_losses_clear(OverwriteLosses *losses)
{
  g_clear_pointer(&losses->tables, g_free);
}

gboolean
overwrite_is_named(const ArchiveReader *reader, const char *schema, const char *table)
{
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    if (toc_entry_is(entry, TOC_KIND_TABLE) && g_strcmp0(entry->namespace_name, schema) == 0 &&
        g_strcmp0(entry->tag, table) == 0)
      return TRUE;
  }
  return FALSE;
}

/* "schema.table" of all tables that an import of the archive creates, as text[]. */
static char *
tables_named(const ArchiveReader *reader)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    if (toc_entry_is(entry, TOC_KIND_TABLE) && entry->namespace_name != NULL && entry->tag != NULL &&
        strcmp(entry->namespace_name, OWN_SCHEMA) != 0)
      g_ptr_array_add(names, g_strdup_printf("%s.%s", entry->namespace_name, entry->tag));
  }
  g_ptr_array_add(names, NULL);
  return pg_array((const char *const *)names->pdata);
}

/* "schema.table" of the tables that get rows, and of the log, as text[]. */
static char *
tables_with_data(const RestorePlan *plan)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i < plan->steps->len; i++) {
    const RestoreStep *step = &g_array_index(plan->steps, RestoreStep, i);
    if (step->kind == STEP_ROWS && step->entry->namespace_name != NULL && step->entry->tag != NULL)
      g_ptr_array_add(names, g_strdup_printf("%s.%s", step->entry->namespace_name, step->entry->tag));
  }
  g_ptr_array_add(names, g_strdup("public." LOG_TABLE));
  g_ptr_array_add(names, NULL);
  return pg_array((const char *const *)names->pdata);
}

static gboolean
find_tables(PgConnection *connection, const RestorePlan *plan, const char *named, OverwriteLosses *losses,
            GError **error)
{
  g_autofree char *with_data = tables_with_data(plan);
  g_autoptr(PgResult) tables =
      pg_connection_query(connection, error, backup_overwrite_rowless_sql, 2, named, with_data);
  if (tables == NULL)
    return FALSE;
  g_autoptr(GString) list = g_string_new(NULL);
  for (guint i = 0; i < pg_result_rows(tables); i++) {
    g_autofree char *name = pg_quote_qualified(pg_result_text(tables, i, 0), pg_result_text(tables, i, 1));
    g_autofree char *count = g_strdup_printf("SELECT pg_catalog.count(*) FROM ONLY %s", name);
    g_autoptr(PgResult) rows = pg_connection_query(connection, error, count, 0);
    if (rows == NULL) {
      g_prefix_error(error, "count the rows of %s: ", name);
      return FALSE;
    }
    if (pg_result_int64(rows, 0, 0) == 0)
      continue;
    if (losses->n_tables++ < MAX_TABLES_TOLD)
      g_string_append_printf(list, "%s%s.%s: %s", list->len > 0 ? ", " : "", pg_result_text(tables, i, 0),
                             pg_result_text(tables, i, 1), pg_result_text(rows, 0, 0));
  }
  if (losses->n_tables > MAX_TABLES_TOLD)
    g_string_append_printf(list, ", … (%u)", losses->n_tables);
  if (list->len > 0)
    losses->tables = g_utf8_make_valid(list->str, -1);
  return TRUE;
}

static gboolean
has_post_data(const ArchiveReader *reader)
{
  for (guint i = 0; i < archive_reader_n_entries(reader); i++)
    if (archive_reader_entry(reader, i)->section == SECTION_POST_DATA)
      return TRUE;
  return FALSE;
}

gboolean
overwrite_find_losses(PgConnection *connection, const ArchiveReader *reader, const RestorePlan *plan,
                      OverwriteLosses *ret_losses, GError **error)
{
  g_auto(OverwriteLosses) losses = {0};
  g_autofree char *named = tables_named(reader);
  if (!find_tables(connection, plan, named, &losses, error))
    return FALSE;
  if (!has_post_data(reader)) {
    g_autoptr(PgResult) here = pg_connection_query(connection, error, backup_overwrite_post_data_sql, 1, named);
    if (here == NULL)
      return FALSE;
    losses.n_post_data = (guint64)pg_result_int64(here, 0, 0);
  }
  *ret_losses = losses;
  losses.tables = NULL;
  return TRUE;
}

gboolean
overwrite_check_losses(PgConnection *connection, const ArchiveReader *reader, const RestorePlan *plan,
                       gboolean is_allowed, BackupProgress *progress, GError **error)
{
  g_auto(OverwriteLosses) losses = {0};
  if (!overwrite_find_losses(connection, reader, plan, &losses, error))
    return FALSE;
  Language language = backup_progress_language(progress);
  g_autoptr(GString) reasons = g_string_new(NULL);
  if (losses.n_tables > 0 && is_allowed)
    backup_progress_caution(progress, TEXT_IMPORT_WITHOUT_ROWS, losses.tables);
  else if (losses.n_tables > 0) {
    g_autofree char *text = text_format(TEXT_IMPORT_WITHOUT_ROWS, language, losses.tables);
    g_string_append(reasons, text);
  }
  if (losses.n_post_data > 0 && is_allowed)
    backup_progress_caution(progress, TEXT_IMPORT_WITHOUT_POST_DATA, losses.n_post_data);
  else if (losses.n_post_data > 0) {
    g_autofree char *text = text_format(TEXT_IMPORT_WITHOUT_POST_DATA, language, losses.n_post_data);
    g_string_append_printf(reasons, "%s%s", reasons->len > 0 ? "; " : "", text);
  }
  if (reasons->len == 0)
    return TRUE;
  error_set(error, CCH_ERROR_IMPORT_INCOMPLETE, "%s; %s", reasons->str,
            text_get(TEXT_IMPORT_ALLOW_INCOMPLETE, language));
  return FALSE;
}
