#include "backup/plan/plan_dependents.h"

GHashTable *
plan_dependents_new(const ArchiveReader *reader)
{
  GHashTable *all = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    for (guint d = 0; d < entry->n_dependencies; d++) {
      gpointer id = GINT_TO_POINTER(entry->dependencies[d]);
      GPtrArray *dependents = g_hash_table_lookup(all, id);
      if (dependents == NULL) {
        dependents = g_ptr_array_new();
        g_hash_table_insert(all, id, dependents);
      }
      g_ptr_array_add(dependents, (gpointer)entry);
    }
  }
  return all;
}
