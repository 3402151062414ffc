#include "backup/merge.h"

#include "backup/entry_sql.h"
#include "backup_sql.h"
#include "base/error.h"

#include <string.h>

typedef struct {
  char *sequence; /* as regclass reads it */
  gint64 value;
  gboolean is_called;
} NotedSequence;

struct MergeState {
  GPtrArray *put_back; /* statements that undo what was switched off, last first */
  GArray *sequences;   /* NotedSequence */
};

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
  return state;
}

void
merge_state_free(MergeState *state)
{
  g_ptr_array_unref(state->put_back);
  g_array_unref(state->sequences);
  g_free(state);
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

/* Runs a statement that takes a strong lock, and remembers the one that takes it back. */
static gboolean
switch_off(Restore *restore, const char *off, const char *put_back, GError **error)
{
  if (!restore_run_sql(restore, off, error))
    return FALSE;
  g_ptr_array_add(restore->merge->put_back, g_strdup(put_back));
  return TRUE;
}

/* ---- Order ---- */

typedef struct {
  const RestoreStep *step;
  char *name;         /* schema.table; NULL for steps that are not rows */
  GPtrArray *parents; /* Node; not owned */
  enum { NODE_NEW, NODE_OPEN, NODE_DONE } state;
} Node;

static void
node_free(gpointer data)
{
  Node *node = data;
  g_free(node->name);
  g_ptr_array_unref(node->parents);
  g_free(node);
}

static char *
table_key(const char *schema, const char *table)
{
  return g_strdup_printf("%s.%s", schema != NULL ? schema : "", table);
}

/* Depth first; returns nodes in an order in which a parent comes first, but for the edges that close a cycle. The depth
 * is bounded by the number of tables, and the stack holds a few words a level, so it is kept on the heap. */
static void
visit(Node *root, GPtrArray *sorted)
{
  g_autoptr(GPtrArray) stack = g_ptr_array_new();
  g_ptr_array_add(stack, root);
  while (stack->len > 0) {
    Node *node = stack->pdata[stack->len - 1];
    if (node->state == NODE_NEW) {
      node->state = NODE_OPEN;
      for (guint i = 0; i < node->parents->len; i++)
        if (((Node *)node->parents->pdata[i])->state == NODE_NEW)
          g_ptr_array_add(stack, node->parents->pdata[i]);
      continue;
    }
    g_ptr_array_set_size(stack, (gint)stack->len - 1);
    if (node->state == NODE_OPEN) {
      node->state = NODE_DONE;
      g_ptr_array_add(sorted, node);
    }
  }
}

/* Defers each foreign key whose child's rows come before its parent's. */
static gboolean
defer_backward_keys(Restore *restore, const PgResult *keys, GHashTable *positions, GError **error)
{
  for (guint i = 0; i < pg_result_rows(keys); i++) {
    g_autofree char *child = table_key(pg_result_text(keys, i, 0), pg_result_text(keys, i, 1));
    g_autofree char *parent = table_key(pg_result_text(keys, i, 2), pg_result_text(keys, i, 3));
    guint child_position = GPOINTER_TO_UINT(g_hash_table_lookup(positions, child));
    guint parent_position = GPOINTER_TO_UINT(g_hash_table_lookup(positions, parent));
    if (child_position != 0 && child_position < parent_position &&
        !switch_off(restore, pg_result_text(keys, i, 4), pg_result_text(keys, i, 5), error))
      return FALSE;
  }
  return TRUE;
}

static GPtrArray *
make_nodes(GPtrArray *order, guint start, guint end, GHashTable *by_name)
{
  GPtrArray *nodes = g_ptr_array_new_with_free_func(node_free);
  for (guint i = start; i < end; i++) {
    Node *node = g_new0(Node, 1);
    node->step = order->pdata[i];
    node->parents = g_ptr_array_new();
    if (node->step->kind == STEP_ROWS) {
      node->name = table_key(node->step->entry->namespace_name, node->step->entry->tag);
      g_hash_table_insert(by_name, node->name, node);
    }
    g_ptr_array_add(nodes, node);
  }
  return nodes;
}

gboolean
merge_order_rows(Restore *restore, GPtrArray *order, guint start, guint end, GError **error)
{
  g_autoptr(PgResult) keys = pg_connection_query(restore->connection, error, backup_merge_foreign_keys_sql, 0);
  if (keys == NULL)
    return FALSE;
  g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GPtrArray) nodes = make_nodes(order, start, end, by_name);
  for (guint i = 0; i < pg_result_rows(keys); i++) {
    g_autofree char *child = table_key(pg_result_text(keys, i, 0), pg_result_text(keys, i, 1));
    g_autofree char *parent = table_key(pg_result_text(keys, i, 2), pg_result_text(keys, i, 3));
    Node *child_node = g_hash_table_lookup(by_name, child);
    Node *parent_node = g_hash_table_lookup(by_name, parent);
    if (child_node != NULL && parent_node != NULL)
      g_ptr_array_add(child_node->parents, parent_node);
  }
  g_autoptr(GPtrArray) sorted = g_ptr_array_new();
  for (guint i = 0; i < nodes->len; i++)
    if (((Node *)nodes->pdata[i])->state == NODE_NEW)
      visit(nodes->pdata[i], sorted);

  g_autoptr(GHashTable) positions = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; i < sorted->len; i++) {
    Node *node = sorted->pdata[i];
    order->pdata[start + i] = (gpointer)node->step;
    if (node->name != NULL)
      g_hash_table_insert(positions, node->name, GUINT_TO_POINTER(i + 1));
  }
  return defer_backward_keys(restore, keys, positions, error);
}

/* ---- Rows ---- */

typedef struct {
  const TocEntry *entry;
  char *target;          /* quoted and qualified */
  char *stage_columns;   /* "id integer, name text": the archive's columns */
  char *columns;         /* "id, name", quoted: those that both have */
  char *record_columns;  /* "r.id, r.name": the same, of a record */
  char *key_filter;      /* " AND NOT EXISTS (…)" for keys that ON CONFLICT passes over */
  gboolean has_identity; /* a key tells every row apart */
  gboolean is_partitioned;
  gboolean is_row_by_row; /* ON CONFLICT cannot be used */
  char *check_at_once;    /* the statement that has late keys checked at once; NULL for none */
  guint64 rows, inserted;
} MergeJob;

static void
merge_job_clear(MergeJob *job)
{
  g_free(job->target);
  g_free(job->stage_columns);
  g_free(job->columns);
  g_free(job->record_columns);
  g_free(job->key_filter);
  g_free(job->check_at_once);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MergeJob, merge_job_clear)

static void
append_with_comma(GString *list, const char *item)
{
  g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", item);
}

/* The row of a live column in the result of merge_columns.sql, or -1. */
static int
find_live_column(const PgResult *live, const char *name)
{
  for (guint i = 0; i < pg_result_rows(live); i++)
    if (g_strcmp0(pg_result_text(live, i, 0), name) == 0)
      return (int)i;
  return -1;
}

/* Fails when the archive lacks a column that the live table cannot do without. */
static gboolean
check_needed_columns(const PgResult *live, const char *const *archived, const char *table, GError **error)
{
  for (guint i = 0; i < pg_result_rows(live); i++) {
    const char *name = pg_result_text(live, i, 0);
    if (name != NULL && pg_result_bool(live, i, 2) && !g_strv_contains(archived, name)) {
      error_set(error, CCH_ERROR_IMPORT_INCOMPATIBLE,
                "table %s needs a value for column %s, which the archive does not have", table, name);
      return FALSE;
    }
  }
  return TRUE;
}

/* Sorts the archive's columns into those that the live table has too and those that are left behind, of which it tells.
 */
static char **
match_columns(Restore *restore, MergeJob *job, const PgResult *live, const char *const *archived, const char *table)
{
  g_autoptr(GStrvBuilder) shared = g_strv_builder_new();
  g_autoptr(GString) stage_columns = g_string_new(NULL);
  g_autoptr(GString) columns = g_string_new(NULL);
  g_autoptr(GString) record_columns = g_string_new(NULL);
  g_autoptr(GString) ignored = g_string_new(NULL);
  for (const char *const *name = archived; *name != NULL; name++) {
    int index = find_live_column(live, *name);
    gboolean is_shared = index >= 0 && !pg_result_bool(live, (guint)index, 3);
    g_autofree char *quoted = pg_quote_identifier(*name);
    g_autofree char *definition =
        g_strdup_printf("%s %s", quoted, is_shared ? pg_result_text(live, (guint)index, 1) : "pg_catalog.text");
    append_with_comma(stage_columns, definition);
    append_with_comma(is_shared ? columns : ignored, is_shared ? quoted : *name);
    if (!is_shared)
      continue;
    g_autofree char *of_record = g_strdup_printf("r.%s", quoted);
    append_with_comma(record_columns, of_record);
    g_strv_builder_add(shared, *name);
  }
  if (ignored->len > 0) {
    g_autofree char *valid = g_utf8_make_valid(ignored->str, -1);
    backup_progress_warn(restore->progress, TEXT_IMPORT_COLUMNS_IGNORED, table, valid);
  }
  job->stage_columns = g_string_free(g_steal_pointer(&stage_columns), FALSE);
  job->columns = g_string_free(g_steal_pointer(&columns), FALSE);
  job->record_columns = g_string_free(g_steal_pointer(&record_columns), FALSE);
  return g_strv_builder_end(shared);
}

static gboolean
read_conflicts(Restore *restore, MergeJob *job, GError **error)
{
  g_autoptr(PgResult) conflicts = pg_connection_query(restore->connection, error, backup_merge_conflicts_sql, 2,
                                                      job->entry->namespace_name, job->entry->tag);
  if (conflicts == NULL)
    return FALSE;
  job->is_row_by_row = pg_result_bool(conflicts, 0, 0);
  job->check_at_once = g_strdup(pg_result_text(conflicts, 0, 1));
  return TRUE;
}

/* Learns which keys tell rows apart. */
static gboolean
read_keys(Restore *restore, MergeJob *job, const char *const *shared, GError **error)
{
  g_autofree char *shared_array = pg_array(shared);
  g_autoptr(PgResult) keys = pg_connection_query(restore->connection, error, backup_merge_keys_sql, 3,
                                                 job->entry->namespace_name, job->entry->tag, shared_array);
  if (keys == NULL)
    return FALSE;
  GString *filter = g_string_new(NULL);
  for (guint i = 0; i < pg_result_rows(keys); i++) {
    job->has_identity = job->has_identity || pg_result_bool(keys, i, 0);
    if (!pg_result_bool(keys, i, 1) || job->is_row_by_row)
      g_string_append_printf(filter, " AND NOT EXISTS (SELECT FROM %s AS l WHERE %s)", job->target,
                             pg_result_text(keys, i, 2));
  }
  job->key_filter = g_string_free(filter, FALSE);
  return TRUE;
}

static gboolean
read_table(Restore *restore, MergeJob *job, GError **error)
{
  const TocEntry *entry = job->entry;
  g_autofree char *name = entry_display_name(entry);
  g_auto(GStrv) archived = NULL;
  if (!entry_copy_columns(entry, &archived, error))
    return FALSE;
  g_autoptr(PgResult) live =
      pg_connection_query(restore->connection, error, backup_merge_columns_sql, 2, entry->namespace_name, entry->tag);
  if (live == NULL)
    return FALSE;
  const char *relkind = pg_result_rows(live) > 0 ? pg_result_text(live, 0, 4) : NULL;
  if (relkind == NULL || strchr("rp", *relkind) == NULL) {
    error_set(error, CCH_ERROR_IMPORT_INCOMPATIBLE, relkind == NULL ? "table %s does not exist" : "%s is not a table",
              name);
    return FALSE;
  }
  job->is_partitioned = *relkind == 'p';
  job->target = pg_quote_qualified(entry->namespace_name, entry->tag);
  gboolean has_rows = archive_reader_data_info(restore->reader, entry)->rows > 0;
  if (has_rows && !check_needed_columns(live, (const char *const *)archived, name, error))
    return FALSE;
  g_auto(GStrv) shared = match_columns(restore, job, live, (const char *const *)archived, name);
  return read_conflicts(restore, job, error) && read_keys(restore, job, (const char *const *)shared, error);
}

static gboolean
switch_off_triggers(Restore *restore, const MergeJob *job, GError **error)
{
  g_autoptr(PgResult) triggers = pg_connection_query(restore->connection, error, backup_merge_triggers_sql, 2,
                                                     job->entry->namespace_name, job->entry->tag);
  if (triggers == NULL)
    return FALSE;
  for (guint i = 0; i < pg_result_rows(triggers); i++)
    if (!switch_off(restore, pg_result_text(triggers, i, 0), pg_result_text(triggers, i, 1), error))
      return FALSE;
  return TRUE;
}

/* The staged rows that are not there yet. With a key, the key decides; without one, a row comes over as often as the
 * archive has it more often than the table, rows being compared as text. */
static char *
missing_rows_query(const MergeJob *job)
{
  if (job->has_identity)
    return g_strdup_printf("SELECT %s FROM pg_temp.cch_stage AS s WHERE true%s", job->columns, job->key_filter);
  return g_strdup_printf("SELECT %3$s FROM ("
                         "SELECT *, ROW(%3$s)::pg_catalog.text AS \"cch row\", pg_catalog.row_number() OVER "
                         "(PARTITION BY ROW(%3$s)::pg_catalog.text) AS \"cch n\" FROM pg_temp.cch_stage) AS s "
                         "WHERE NOT EXISTS (SELECT FROM (SELECT ROW(%3$s)::pg_catalog.text AS \"cch row\", "
                         "pg_catalog.count(*) AS \"cch n\" FROM %2$s%1$s GROUP BY 1) AS live "
                         "WHERE live.\"cch row\" = s.\"cch row\" AND live.\"cch n\" >= s.\"cch n\")%4$s",
                         job->target, job->is_partitioned ? "" : "ONLY ", job->columns, job->key_filter);
}

static gboolean
insert_at_once(Restore *restore, MergeJob *job, const char *into, const char *query, GError **error)
{
  g_autofree char *insert = g_strdup_printf("%s %s ON CONFLICT DO NOTHING", into, query);
  g_autoptr(PgResult) result = pg_connection_query(restore->connection, error, insert, 0);
  if (result == NULL)
    return FALSE;
  job->inserted = pg_result_affected(result);
  return TRUE;
}

/* Where ON CONFLICT is refused: each row under a subtransaction of its own. Slower, and as exact. */
static gboolean
insert_row_by_row(Restore *restore, MergeJob *job, const char *into, const char *query, GError **error)
{
  g_autofree char *body = g_strdup_printf("#variable_conflict use_column\n"
                                          "DECLARE r pg_catalog.record; n pg_catalog.int8 := 0;\n"
                                          "BEGIN\n"
                                          "  FOR r IN %s LOOP\n"
                                          "    BEGIN\n"
                                          "      %s SELECT %s;\n"
                                          "      n := n + 1;\n"
                                          "    EXCEPTION WHEN unique_violation OR exclusion_violation THEN NULL;\n"
                                          "    END;\n"
                                          "  END LOOP;\n"
                                          "  RETURN n;\n"
                                          "END",
                                          query, into, job->record_columns);
  g_autofree char *literal = pg_quote_literal(body);
  if (!pg_connection_execf(restore->connection, error,
                           "%s; CREATE FUNCTION pg_temp.cch_insert() RETURNS pg_catalog.int8 LANGUAGE plpgsql AS %s",
                           job->check_at_once != NULL ? job->check_at_once : "", literal))
    return FALSE;
  g_autoptr(PgResult) result = pg_connection_query(restore->connection, error, "SELECT pg_temp.cch_insert()", 0);
  if (result == NULL)
    return FALSE;
  job->inserted = (guint64)pg_result_int64(result, 0, 0);
  return pg_connection_exec(restore->connection, "DROP FUNCTION pg_temp.cch_insert()", error);
}

static gboolean
stage_and_insert(Restore *restore, gpointer user_data, GError **error)
{
  MergeJob *job = user_data;
  if (!pg_connection_execf(restore->connection, error, "CREATE TEMPORARY TABLE cch_stage (%s) ON COMMIT DROP",
                           job->stage_columns) ||
      !restore_copy_rows(restore, job->entry, "COPY pg_temp.cch_stage FROM stdin", &job->rows, error))
    return FALSE;
  /* Rows that another transaction has just written make the INSERT wait for its end: that is worth more patience than a
   * lock on a table. */
  gint64 patience_ms = MAX(1000, (restore->lock_deadline_us - g_get_monotonic_time()) / 1000);
  if (!pg_connection_execf(restore->connection, error, "SET LOCAL lock_timeout = %" G_GINT64_FORMAT, patience_ms))
    return FALSE;
  g_autofree char *list = *job->columns != '\0' ? g_strdup_printf(" (%s)", job->columns) : g_strdup("");
  g_autofree char *into = g_strdup_printf("INSERT INTO %s%s OVERRIDING SYSTEM VALUE", job->target, list);
  g_autofree char *query = missing_rows_query(job);
  gboolean ok = job->is_row_by_row ? insert_row_by_row(restore, job, into, query, error)
                                   : insert_at_once(restore, job, into, query, error);
  /* A dropped table keeps its disk space until the commit; one that this savepoint made is truncated on the spot. */
  return ok &&
         pg_connection_execf(restore->connection, error,
                             "TRUNCATE pg_temp.cch_stage; DROP TABLE pg_temp.cch_stage; SET LOCAL lock_timeout = %d",
                             RESTORE_LOCK_TIMEOUT_MS);
}

gboolean
merge_rows(Restore *restore, const TocEntry *entry, guint64 *ret_rows, guint64 *ret_inserted, GError **error)
{
  g_auto(MergeJob) job = {.entry = entry};
  if (!read_table(restore, &job, error) || !switch_off_triggers(restore, &job, error) ||
      !restore_run(restore, stage_and_insert, &job, error))
    return FALSE;
  *ret_rows = job.rows;
  *ret_inserted = job.inserted;
  return TRUE;
}

gboolean
merge_end_rows(Restore *restore, GError **error)
{
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

/* ---- Sequences ---- */

gboolean
merge_note_sequence(Restore *restore, const TocEntry *entry, GError **error)
{
  g_auto(EntrySequenceSet) set = {0};
  if (!entry_sequence_set(entry, &set, error))
    return FALSE;
  NotedSequence noted = {.sequence = g_steal_pointer(&set.sequence), .value = set.value, .is_called = set.is_called};
  g_array_append_val(restore->merge->sequences, noted);
  return TRUE;
}

/* Where a sequence stands. */
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
      restore->connection, error,
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
  g_autoptr(PgResult) state = pg_connection_query(restore->connection, error, select, 0);
  if (state == NULL)
    return FALSE;
  *ret_live = (LiveSequence){.name = g_steal_pointer(&name),
                             .value = pg_result_int64(state, 0, 0),
                             .is_called = pg_result_bool(state, 0, 1),
                             .increment = pg_result_int64(definition, 0, 1)};
  return TRUE;
}

/* TRUE when the archive's value lies beyond the live one, in the sequence's direction. */
static gboolean
is_forward(const NotedSequence *noted, const LiveSequence *live)
{
  if (noted->value == live->value)
    return noted->is_called && !live->is_called;
  return (noted->value > live->value) == (live->increment > 0);
}

/* setval cannot be rolled back, and between reading and setting others may draw values. An ALTER SEQUENCE that changes
 * nothing locks the sequence until the commit and gives it a new file, so that what setval then writes is rolled back
 * with the transaction (PostgreSQL 10 to 18, src/backend/commands/sequence.c, AlterSequence). */
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
  const GArray *sequences = restore->merge->sequences;
  if (sequences->len > 0)
    backup_progress_say(restore->progress, TEXT_IMPORT_SEQUENCES);
  for (guint i = 0; i < sequences->len; i++) {
    const NotedSequence *noted = &g_array_index(sequences, NotedSequence, i);
    if (!move_sequence(restore, noted, error)) {
      g_prefix_error(error, "move sequence %s: ", noted->sequence);
      return FALSE;
    }
  }
  return TRUE;
}
