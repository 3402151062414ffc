/* Finds objects on tables that a merge would create and that exist already. The statement would fail, but not before
 * it had locked the table: it would wait for readers and make writers wait. */
#include "backup/plan/entry_sql.h"
#include "backup/restore/restore_private.h"
#include "backup_sql.h"

#include <string.h>

static gboolean
is_made_on_table(const TocEntry *entry)
{
  return entry->tag != NULL && entry->namespace_name != NULL &&
         (toc_entry_has(entry, TOC_TAGGED_BY_TABLE) || toc_entry_is(entry, TOC_KIND_INDEX) ||
          toc_entry_is(entry, TOC_KIND_STATISTICS));
}

/* The text behind the name in "ALTER TABLE ONLY public.t ADD CONSTRAINT name PRIMARY KEY (id);"; "" for other
 * statements. */
static const char *
constraint_words(const TocEntry *entry)
{
  static const char before[] = "\n    ADD CONSTRAINT ";
  const char *at = entry->defn != NULL ? strstr(entry->defn, before) : NULL;
  if (at == NULL)
    return "";
  at += strlen(before);
  g_autofree char *name = entry_read_identifier(&at);
  return name != NULL ? at : "";
}

static char **
dependency_tags(const Restore *restore, const TocEntry *entry)
{
  g_autoptr(GStrvBuilder) tags = g_strv_builder_new();
  for (guint i = 0; i < entry->n_dependencies; i++) {
    const TocEntry *dependency = archive_reader_find(restore->reader, entry->dependencies[i]);
    if (dependency != NULL && dependency->tag != NULL)
      g_strv_builder_add(tags, dependency->tag);
  }
  return g_strv_builder_end(tags);
}

static gboolean
is_tagged_by_dependency(const Restore *restore, const TocEntry *entry)
{
  for (guint i = 0; i < entry->n_dependencies; i++) {
    const TocEntry *dependency = archive_reader_find(restore->reader, entry->dependencies[i]);
    if (dependency != NULL && entry_is_tagged_by(entry, dependency))
      return TRUE;
  }
  return FALSE;
}

gboolean
restore_find_present(const Restore *restore, const TocEntry *entry, gboolean *ret_is_present, GError **error)
{
  *ret_is_present = FALSE;
  if (!is_made_on_table(entry))
    return TRUE;
  const char *words = constraint_words(entry);
  gboolean is_primary = g_str_has_prefix(words, " PRIMARY KEY ");
  gboolean has_index = is_primary || g_str_has_prefix(words, " UNIQUE ") || g_str_has_prefix(words, " EXCLUDE ");
  g_auto(GStrv) tags = dependency_tags(restore, entry);
  g_autofree char *tables = pg_array((const char *const *)tags);
  gboolean has_table = !restore->searches_by_entry || is_tagged_by_dependency(restore, entry);
  g_autoptr(PgResult) answer = pg_connection_query(
      restore->connection, error, backup_present_object_sql, 7, entry->desc, entry->namespace_name, entry->tag, tables,
      has_index ? "true" : "false", is_primary ? "true" : "false", has_table ? "true" : "false");
  if (answer == NULL)
    return FALSE;
  *ret_is_present = pg_result_rows(answer) > 0 && pg_result_bool(answer, 0, 0);
  return TRUE;
}

/* The table of a constraint; NULL if the archive lacks it. */
static const TocEntry *
table_of_constraint(const Restore *restore, const TocEntry *constraint)
{
  for (guint i = 0; i < constraint->n_dependencies; i++) {
    const TocEntry *table = archive_reader_find(restore->reader, constraint->dependencies[i]);
    if (table != NULL && toc_entry_is(table, TOC_KIND_TABLE) && entry_is_tagged_by(constraint, table))
      return table;
  }
  return NULL;
}

GPtrArray *
restore_locked_tables(const Restore *restore, const TocEntry *entry)
{
  GPtrArray *tables = g_ptr_array_new();
  gboolean is_key = toc_entry_is(entry, TOC_KIND_FK_CONSTRAINT);
  if (!is_made_on_table(entry) || toc_entry_has(entry, TOC_ATTRIBUTE) || toc_entry_is(entry, TOC_KIND_STATISTICS))
    return tables;
  for (guint i = 0; i < entry->n_dependencies; i++) {
    const TocEntry *table = archive_reader_find(restore->reader, entry->dependencies[i]);
    if (table != NULL && is_key && toc_entry_is(table, TOC_KIND_CONSTRAINT))
      table = table_of_constraint(restore, table);
    if (table == NULL || !toc_entry_is(table, TOC_KIND_TABLE) || g_ptr_array_find(tables, table, NULL))
      continue;
    /* A trigger or policy may also depend on tables that it only reads. */
    if (is_key || toc_entry_is(entry, TOC_KIND_INDEX) || entry_is_tagged_by(entry, table))
      g_ptr_array_add(tables, (gpointer)table);
  }
  return tables;
}
