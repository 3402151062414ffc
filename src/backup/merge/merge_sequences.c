#include "backup/merge/merge_private.h"

#include "backup/plan/entry_sql.h"
#include "backup_sql.h"

gboolean
merge_note_sequence(Restore *restore, const TocEntry *entry, GError **error)
{
  g_auto(EntrySequenceSet) set = {0};
  if (!entry_sequence_set(entry, &set, error))
    return FALSE;
  NotedSequence noted = {.sequence = g_steal_pointer(&set.sequence), .value = set.value, .is_called = set.is_called};
  g_array_append_val(merge_of(restore)->sequences, noted);
  return TRUE;
}

gboolean
merge_note_drawn(Restore *restore, const MergeTable *table, GError **error)
{
  g_autofree char *shared = pg_array((const char *const *)table->shared);
  g_autoptr(PgResult) found = pg_connection_query(restore_connection(restore), error, backup_merge_column_sequences_sql,
                                                  3, table->schema, table->relation, shared);
  if (found == NULL)
    return FALSE;
  for (guint i = 0; i < pg_result_rows(found); i++) {
    g_autofree char *select =
        g_strdup_printf("SELECT pg_catalog.%1$s(s.%2$s) FROM " MERGE_STAGE " AS s WHERE s.%2$s BETWEEN %3$s AND %4$s",
                        pg_result_bool(found, i, 2) ? "max" : "min", pg_result_text(found, i, 0),
                        pg_result_text(found, i, 3), pg_result_text(found, i, 4));
    g_autoptr(PgResult) furthest = pg_connection_query(restore_connection(restore), error, select, 0);
    if (furthest == NULL)
      return FALSE;
    if (pg_result_text(furthest, 0, 0) == NULL)
      continue;
    NotedSequence noted = {
        .sequence = g_strdup(pg_result_text(found, i, 1)), .value = pg_result_int64(furthest, 0, 0), .is_called = TRUE};
    g_array_append_val(merge_of(restore)->sequences, noted);
  }
  return TRUE;
}

/* A sequence's position. */
typedef struct {
  char *name; /* quoted and qualified */
  gint64 value;
  gboolean is_called;
  gint64 increment;
} LiveSequence;

static gboolean
read_sequence(Restore *restore, const char *regclass, LiveSequence *ret_live, GError **error)
{
  g_autoptr(PgResult) definition = pg_connection_query(
      restore_connection(restore), error,
      "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), s.seqincrement FROM pg_catalog.pg_sequence s "
      "JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE s.seqrelid = pg_catalog.to_regclass($1)",
      1, regclass);
  if (definition == NULL)
    return FALSE;
  if (pg_result_rows(definition) == 0) {
    ret_live->name = NULL;
    return TRUE;
  }
  g_autofree char *name = g_strdup(pg_result_text(definition, 0, 0));
  g_autofree char *select = g_strdup_printf("SELECT last_value, is_called FROM %s", name);
  g_autoptr(PgResult) state = pg_connection_query(restore_connection(restore), error, select, 0);
  if (state == NULL)
    return FALSE;
  *ret_live = (LiveSequence){.name = g_steal_pointer(&name),
                             .value = pg_result_int64(state, 0, 0),
                             .is_called = pg_result_bool(state, 0, 1),
                             .increment = pg_result_int64(definition, 0, 1)};
  return TRUE;
}

/* TRUE if the archive's value lies beyond the live one, in the sequence's direction. */
static gboolean
is_forward(const NotedSequence *noted, const LiveSequence *live)
{
  if (noted->value == live->value)
    return noted->is_called && !live->is_called;
  return (noted->value > live->value) == (live->increment > 0);
}

/* setval cannot be rolled back, and others may draw values between reading and setting. An ALTER SEQUENCE that
 * changes nothing locks the sequence until the commit and gives it a new file, so that setval is rolled back with
 * the transaction (PostgreSQL 10 to 18, src/backend/commands/sequence.c, AlterSequence). */
static gboolean
move_sequence(Restore *restore, const NotedSequence *noted, GError **error)
{
  LiveSequence live = {0};
  if (!read_sequence(restore, noted->sequence, &live, error))
    return FALSE;
  g_autofree char *name = live.name;
  if (name == NULL || !is_forward(noted, &live))
    return TRUE;
  g_autofree char *lock = g_strdup_printf("ALTER SEQUENCE %s INCREMENT BY %" G_GINT64_FORMAT, name, live.increment);
  if (!restore_run_sql(restore, lock, error) || !read_sequence(restore, noted->sequence, &live, error))
    return FALSE;
  g_free(live.name);
  if (!is_forward(noted, &live))
    return TRUE;
  g_autofree char *literal = pg_quote_literal(noted->sequence);
  g_autofree char *set = g_strdup_printf("SELECT pg_catalog.setval(%s, %" G_GINT64_FORMAT ", %s)", literal,
                                         noted->value, noted->is_called ? "true" : "false");
  return restore_run_sql(restore, set, error);
}

gboolean
merge_move_sequences(Restore *restore, GError **error)
{
  const GArray *sequences = merge_of(restore)->sequences;
  if (sequences->len > 0)
    backup_progress_say(restore_progress(restore), TEXT_IMPORT_SEQUENCES);
  for (guint i = 0; i < sequences->len; i++) {
    const NotedSequence *noted = &g_array_index(sequences, NotedSequence, i);
    if (!move_sequence(restore, noted, error)) {
      g_prefix_error(error, "move sequence %s: ", noted->sequence);
      return FALSE;
    }
  }
  return TRUE;
}
