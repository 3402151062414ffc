#include "backup/merge/merge_private.h"

#include "base/error.h"

static void
clear_noted_sequence(gpointer data)
{
  g_free(((NotedSequence *)data)->sequence);
}

MergeState *
merge_state_new(void)
{
  MergeState *state = g_new0(MergeState, 1);
  state->put_back = g_ptr_array_new_with_free_func(g_free);
  state->sequences = g_array_new(FALSE, FALSE, sizeof(NotedSequence));
  g_array_set_clear_func(state->sequences, clear_noted_sequence);
  state->conflicts = g_ptr_array_new_with_free_func(g_free);
  return state;
}

void
merge_state_free(MergeState *state)
{
  g_ptr_array_unref(state->put_back);
  g_array_unref(state->sequences);
  g_ptr_array_unref(state->conflicts);
  g_free(state);
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

/* The entry that makes the table or sequence whose contents this entry is; NULL when the archive does not have it. */
static const TocEntry *
definition_of(const Restore *restore, const TocEntry *entry)
{
  for (guint i = 0; i < entry->n_dependencies; i++) {
    const TocEntry *dependency = archive_reader_find(restore->reader, entry->dependencies[i]);
    if (dependency != NULL && g_strcmp0(dependency->tag, entry->tag) == 0 &&
        g_strcmp0(dependency->namespace_name, entry->namespace_name) == 0 && dependency->section == SECTION_PRE_DATA)
      return dependency;
  }
  return NULL;
}

gboolean
merge_is_needed(const Restore *restore, const TocEntry *entry)
{
  const TocEntry *definition = definition_of(restore, entry);
  return definition == NULL || g_hash_table_contains(restore->present, GINT_TO_POINTER(definition->dump_id));
}

gboolean
merge_switch_off(Restore *restore, const char *off, const char *put_back, GError **error)
{
  if (!restore_run_sql(restore, off, error))
    return FALSE;
  g_ptr_array_add(restore->merge->put_back, g_strdup(put_back));
  return TRUE;
}

/* With ON_CONFLICT_FAIL all tables have been compared before this refuses. */
static gboolean
refuse_conflicts(const Restore *restore, GError **error)
{
  const GPtrArray *conflicts = restore->merge->conflicts;
  if (conflicts->len == 0)
    return TRUE;
  g_autoptr(GString) list = g_string_new(NULL);
  for (guint i = 0; i < conflicts->len; i++)
    g_string_append_printf(list, "%s%s", i > 0 ? "; " : "", (const char *)conflicts->pdata[i]);
  error_set(error, CCH_ERROR_IMPORT_CONFLICT, "%s", list->str);
  return FALSE;
}

gboolean
merge_end_rows(Restore *restore, GError **error)
{
  if (!refuse_conflicts(restore, error))
    return FALSE;
  /* A table with deferred checks pending takes neither ALTER nor CREATE INDEX. */
  if (!restore_run_sql(restore, "SET CONSTRAINTS ALL IMMEDIATE", error)) {
    g_prefix_error(error, "check the constraints of the merged tables: ");
    return FALSE;
  }
  GPtrArray *put_back = restore->merge->put_back;
  for (guint i = put_back->len; i > 0; i--)
    if (!restore_run_sql(restore, put_back->pdata[i - 1], error))
      return FALSE;
  g_ptr_array_set_size(put_back, 0);
  return TRUE;
}
