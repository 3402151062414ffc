#include "backup/plan/merge_choice.h"

#include "backup/plan/plan.h"
#include "base/error.h"

#include <string.h>

#define MAX_NAMES_TOLD 50

static const char *const on_conflict_names[] = {"skip", "update", "fail"};

gboolean
backup_on_conflict_parse(const char *text, BackupOnConflict *ret_on_conflict, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS(on_conflict_names); i++) {
    if (g_strcmp0(text, on_conflict_names[i]) == 0) {
      *ret_on_conflict = (BackupOnConflict)i;
      return TRUE;
    }
  }
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "onConflict must be skip, update or fail, not \"%.64s\"", text);
  return FALSE;
}

const char *
backup_on_conflict_name(BackupOnConflict on_conflict)
{
  return on_conflict_names[on_conflict];
}

gboolean
backup_choices_check(gboolean clean_first, BackupOnConflict on_conflict, const char *const *tables, GError **error)
{
  if (!clean_first)
    return TRUE;
  if (on_conflict != ON_CONFLICT_SKIP) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER,
              "onConflict is for merging: overwriting leaves no row to conflict with");
    return FALSE;
  }
  /* An overwrite must never mix old and new data. */
  if (tables != NULL && *tables != NULL) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER,
              "tables can be chosen for merging only: overwriting replaces the whole database; to take over single "
              "tables, merge them with onConflict=update");
    return FALSE;
  }
  return TRUE;
}

/* ---- Tables by name ---- */

static gboolean
is_table(const TocEntry *entry)
{
  return (toc_entry_is(entry, TOC_KIND_TABLE) || toc_entry_is(entry, TOC_KIND_TABLE_DATA)) && entry->tag != NULL &&
         entry->namespace_name != NULL && strcmp(entry->namespace_name, OWN_SCHEMA) != 0;
}

/* Maps "schema.table" to a GPtrArray of TocEntry, for all tables. */
static GHashTable *
tables_by_name(const ArchiveReader *reader)
{
  GHashTable *by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    if (!is_table(entry))
      continue;
    g_autofree char *name = g_strdup_printf("%s.%s", entry->namespace_name, entry->tag);
    GPtrArray *entries = g_hash_table_lookup(by_name, name);
    if (entries == NULL) {
      entries = g_ptr_array_new();
      g_hash_table_insert(by_name, g_steal_pointer(&name), entries);
    }
    g_ptr_array_add(entries, (gpointer)entry);
  }
  return by_name;
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
  return strcmp(a, b);
}

static void
refuse_name(GHashTable *by_name, const char *name, GError **error)
{
  g_autoptr(GString) known = g_string_new(NULL);
  guint n = 0;
  GList *names = g_list_sort(g_hash_table_get_keys(by_name), compare_names);
  for (const GList *item = names; item != NULL && n < MAX_NAMES_TOLD; item = item->next, n++)
    g_string_append_printf(known, "%s%s", n > 0 ? ", " : "", (const char *)item->data);
  g_list_free(names);
  if (g_hash_table_size(by_name) > n)
    g_string_append_printf(known, " and %u more", g_hash_table_size(by_name) - n);
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "the archive has no table %.255s; it has %s", name,
            known->len > 0 ? known->str : "none");
}

gboolean
backup_tables_find(const ArchiveReader *reader, const char *const *tables, GPtrArray **ret_tables, GError **error)
{
  g_autoptr(GHashTable) by_name = tables_by_name(reader);
  g_autoptr(GPtrArray) found = g_ptr_array_new();
  for (const char *const *name = tables; *name != NULL; name++) {
    g_autofree char *in_public = g_strdup_printf("public.%s", *name);
    const GPtrArray *entries = g_hash_table_lookup(by_name, *name);
    if (entries == NULL)
      entries = g_hash_table_lookup(by_name, in_public);
    if (entries == NULL) {
      refuse_name(by_name, *name, error);
      return FALSE;
    }
    for (guint i = 0; i < entries->len; i++)
      if (!g_ptr_array_find(found, entries->pdata[i], NULL))
        g_ptr_array_add(found, entries->pdata[i]);
  }
  if (ret_tables != NULL)
    *ret_tables = g_steal_pointer(&found);
  return TRUE;
}
