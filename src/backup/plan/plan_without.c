/* Leaves extensions out, and what depends on them. */
#include "backup/plan/plan_without.h"

#include "backup/plan/entry_sql.h"
#include "backup/plan/plan_dependents.h"
#include "base/error.h"

#include <string.h>

enum { MAX_NAMED = 10 };

/* Rows, keys and constraints are lost without it. */
static gboolean
is_needed(const TocEntry *entry)
{
  static const TocKind kinds[] = {
      TOC_KIND_TABLE,         TOC_KIND_TABLE_DATA,       TOC_KIND_TABLE_ATTACH, TOC_KIND_CONSTRAINT,
      TOC_KIND_FK_CONSTRAINT, TOC_KIND_CHECK_CONSTRAINT, TOC_KIND_DEFAULT,      TOC_KIND_SEQUENCE,
      TOC_KIND_SEQUENCE_SET,  TOC_KIND_SEQUENCE_OWNED_BY};
  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (toc_entry_is(entry, kinds[i]))
      return TRUE;
  return toc_entry_is(entry, TOC_KIND_INDEX) && entry->defn != NULL &&
         g_str_has_prefix(entry->defn, "CREATE UNIQUE INDEX ");
}

static gboolean
refuse_name(const ArchiveReader *reader, const char *name, GError **error)
{
  g_autoptr(GString) known = g_string_new(NULL);
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    if (toc_entry_is(entry, TOC_KIND_EXTENSION) && entry->tag != NULL)
      g_string_append_printf(known, "%s%.64s", known->len > 0 ? ", " : "", entry->tag);
  }
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "the archive has no extension %.64s; it has %s", name,
            known->len > 0 ? known->str : "none");
  return FALSE;
}

static void
leave_out(GHashTable *left_out, GQueue *queue, const TocEntry *entry)
{
  if (g_hash_table_add(left_out, (gpointer)entry))
    g_queue_push_tail(queue, (gpointer)entry);
}

/* Also leaves out what depends on the queued entries. */
static void
leave_out_dependents(const ArchiveReader *reader, GHashTable *left_out, GQueue *queue)
{
  g_autoptr(GHashTable) all = plan_dependents_new(reader);
  for (const TocEntry *entry; (entry = g_queue_pop_head(queue)) != NULL;) {
    const GPtrArray *dependents = g_hash_table_lookup(all, GINT_TO_POINTER(entry->dump_id));
    for (guint i = 0; dependents != NULL && i < dependents->len; i++)
      leave_out(left_out, queue, dependents->pdata[i]);
  }
}

static gboolean
check_unneeded(const ArchiveReader *reader, GHashTable *left_out, const char *const *names, GError **error)
{
  g_autoptr(GString) needed = g_string_new(NULL);
  guint n = 0;
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    if (!g_hash_table_contains(left_out, entry) || !is_needed(entry))
      continue;
    g_autofree char *name = entry_display_name(entry);
    if (n++ < MAX_NAMED)
      g_string_append_printf(needed, "%s%s %s", n > 1 ? ", " : "", entry->desc, name);
  }
  if (n == 0)
    return TRUE;
  g_autofree char *list = g_strjoinv(", ", (char **)names);
  error_set(error, CCH_ERROR_IMPORT_INCOMPATIBLE, "%s cannot be left out, because it is needed by %s%s", list,
            needed->str, n > MAX_NAMED ? ", …" : "");
  return FALSE;
}

gboolean
plan_without_extensions(const ArchiveReader *reader, const char *const *names, GHashTable **ret_left_out,
                        GError **error)
{
  g_autoptr(GHashTable) left_out = g_hash_table_new(NULL, NULL);
  g_autoptr(GQueue) queue = g_queue_new();
  for (const char *const *name = names; name != NULL && *name != NULL; name++) {
    gboolean is_found = FALSE;
    for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
      const TocEntry *entry = archive_reader_entry(reader, i);
      if (!toc_entry_is(entry, TOC_KIND_EXTENSION) || g_strcmp0(entry->tag, *name) != 0)
        continue;
      leave_out(left_out, queue, entry);
      is_found = TRUE;
    }
    if (!is_found)
      return refuse_name(reader, *name, error);
  }
  if (!g_queue_is_empty(queue))
    leave_out_dependents(reader, left_out, queue);
  if (!check_unneeded(reader, left_out, names, error))
    return FALSE;
  *ret_left_out = g_steal_pointer(&left_out);
  return TRUE;
}
