#include "backup/merge/merge_private.h"

#include "backup/plan/entry_sql.h"
#include "backup/restore/overwrite.h"
#include "base/error.h"

static void
clear_noted_sequence(gpointer data)
{
  g_free(((NotedSequence *)data)->sequence);
}

Merge *
merge_new(BackupOnConflict on_conflict)
{
  Merge *merge = g_new0(Merge, 1);
  merge->on_conflict = on_conflict;
  merge->put_back = g_ptr_array_new_with_free_func(g_free);
  merge->sequences = g_array_new(FALSE, FALSE, sizeof(NotedSequence));
  g_array_set_clear_func(merge->sequences, clear_noted_sequence);
  merge->extensions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  merge->conflicts = g_ptr_array_new_with_free_func(g_free);
  return merge;
}

void
merge_free(Merge *merge)
{
  if (merge == NULL)
    return;
  g_ptr_array_unref(merge->put_back);
  g_hash_table_unref(merge->extensions);
  g_array_unref(merge->sequences);
  g_ptr_array_unref(merge->conflicts);
  g_free(merge);
}

gboolean
merge_keeps_bookkeeping(PgConnection *connection, gboolean *ret_keeps, GError **error)
{
  g_autofree char *found = NULL;
  if (!pg_connection_value(connection, &found, error,
                           "SELECT coalesce(pg_catalog.to_regclass('public.users'), "
                           "pg_catalog.to_regclass('drizzle.__drizzle_migrations'))",
                           0))
    return FALSE;
  *ret_keeps = found != NULL;
  return TRUE;
}

/* The entry that creates the table or sequence of this data entry; NULL if the archive lacks it. */
static const TocEntry *
definition_of(const Restore *restore, const TocEntry *entry)
{
  for (guint i = 0; i < entry->n_dependencies; i++) {
    const TocEntry *dependency = archive_reader_find(restore_reader(restore), entry->dependencies[i]);
    if (dependency != NULL && g_strcmp0(dependency->tag, entry->tag) == 0 &&
        g_strcmp0(dependency->namespace_name, entry->namespace_name) == 0 && dependency->section == SECTION_PRE_DATA)
      return dependency;
  }
  return NULL;
}

/* The entry that creates the root table if the rows are loaded through it; NULL if the rows go to their own table. */
static const TocEntry *
root_of(const Restore *restore, const TocEntry *entry)
{
  g_autofree char *schema = NULL, *table = NULL;
  ArchiveReader *reader = restore_reader(restore);
  if (!entry_copy_target(entry, &schema, &table, NULL) ||
      (g_strcmp0(table, entry->tag) == 0 && g_strcmp0(schema, entry->namespace_name) == 0))
    return NULL;
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *other = archive_reader_entry(reader, i);
    if (toc_entry_is(other, TOC_KIND_TABLE) && g_strcmp0(other->tag, table) == 0 &&
        g_strcmp0(other->namespace_name, schema) == 0)
      return other;
  }
  return NULL;
}

/* TRUE if the table or sequence of this data entry existed before this import. */
static gboolean
is_of_live(const Restore *restore, const TocEntry *entry)
{
  const TocEntry *root = toc_entry_is(entry, TOC_KIND_TABLE_DATA) ? root_of(restore, entry) : NULL;
  const TocEntry *definition = root != NULL ? root : definition_of(restore, entry);
  return definition == NULL || restore_was_present(restore, definition->dump_id);
}

/* CREATE EXTENSION IF NOT EXISTS does not tell whether the extension existed, and the comment of an extension of
 * another role cannot be changed. */
static gboolean
find_extensions(Restore *restore, GError **error)
{
  Merge *merge = merge_of(restore);
  g_autoptr(PgResult) present =
      pg_connection_query(restore_connection(restore), error, "SELECT extname FROM pg_catalog.pg_extension", 0);
  if (present == NULL)
    return FALSE;
  for (guint i = 0; i < pg_result_rows(present); i++)
    g_hash_table_add(merge->extensions, g_strdup(pg_result_text(present, i, 0)));
  return TRUE;
}

static gboolean
leaves_out(Restore *restore, const TocEntry *entry)
{
  return overwrite_is_about_extension(merge_of(restore)->extensions, entry);
}

/* With ON_CONFLICT_FAIL, compares all tables before it refuses. */
static gboolean
refuse_conflicts(const Restore *restore, GError **error)
{
  const GPtrArray *conflicts = merge_of(restore)->conflicts;
  if (conflicts->len == 0)
    return TRUE;
  g_autoptr(GString) list = g_string_new(NULL);
  for (guint i = 0; i < conflicts->len; i++)
    g_string_append_printf(list, "%s%s", i > 0 ? "; " : "", (const char *)conflicts->pdata[i]);
  error_set(error, CCH_ERROR_IMPORT_CONFLICT, "%s", list->str);
  return FALSE;
}

/* Checks deferred constraints and enables triggers and rules again. */
static gboolean
end_rows(Restore *restore, GError **error)
{
  if (!refuse_conflicts(restore, error))
    return FALSE;
  /* A table with pending deferred checks allows neither ALTER nor CREATE INDEX. */
  if (!restore_run_sql(restore, "SET CONSTRAINTS ALL IMMEDIATE", error)) {
    g_prefix_error(error, "check the constraints of the merged tables: ");
    return FALSE;
  }
  GPtrArray *put_back = merge_of(restore)->put_back;
  for (guint i = put_back->len; i > 0; i--)
    if (!restore_run_sql(restore, put_back->pdata[i - 1], error))
      return FALSE;
  g_ptr_array_set_size(put_back, 0);
  return TRUE;
}

/* Rows of a table that this import created go in by plain COPY, unless the table has rows already. */
static gboolean
apply_rows(Restore *restore, const TocEntry *entry, GError **error)
{
  gboolean is_done = FALSE;
  if (!is_of_live(restore, entry) && !restore_copy_into_new(restore, entry, &is_done, error))
    return FALSE;
  if (is_done || merge_rows(restore, entry, error))
    return TRUE;
  if (error != NULL)
    restore_explain_text(restore, entry, error);
  g_autofree char *name = entry_display_name(entry);
  g_prefix_error(error, "restore TABLE DATA %s: ", name);
  return FALSE;
}

/* Sequences in use are moved at the very end. */
static gboolean
apply_sequence(Restore *restore, const TocEntry *entry, gboolean *ret_is_done, GError **error)
{
  *ret_is_done = is_of_live(restore, entry);
  return !*ret_is_done || merge_note_sequence(restore, entry, error);
}

const RestoreWay merge_way = {
    .name = "merge",
    .keeps_present = TRUE,
    .sets_owners = TRUE,
    .begin = find_extensions,
    .leaves_out = leaves_out,
    .order_rows = merge_order_rows,
    .apply_rows = apply_rows,
    .apply_sequence = apply_sequence,
    .end_rows = end_rows,
    .end = merge_move_sequences,
};
