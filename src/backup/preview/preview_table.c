#include "backup/preview/preview_table.h"

#include "backup/merge/merge_filter.h"
#include "backup/plan/entry_sql.h"
#include "backup/restore/overwrite.h"
#include "backup_sql.h"
#include "base/error.h"

#include <string.h>

#define MAX_EXAMPLES 5

typedef struct {
  PreviewRun *run;
  MergeTable live;
  BackupPreviewTable *table; /* to be filled */
  char *blocked;             /* the condition that another live row has one of s's keys; NULL without such keys */
  guint64 n_equal;           /* rows that are not staged, because the live table has them as they are */
  guint64 twins;             /* staged rows that share their key with another one */
  guint64 blocked_updates;   /* differing rows that another key would keep from being updated */
} Comparison;

static void
comparison_clear(Comparison *comparison)
{
  merge_table_clear(&comparison->live);
  g_free(comparison->blocked);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Comparison, comparison_clear)

static void
example_free(gpointer data)
{
  BackupPreviewExample *example = data;
  g_free(example->key);
  g_free(example->columns);
  g_free(example->values);
  g_free(example);
}

static BackupPreviewTable *
add_table(PreviewRun *run, char *name)
{
  BackupPreviewTable *table = g_new0(BackupPreviewTable, 1);
  table->table = name;
  table->examples = g_ptr_array_new_with_free_func(example_free);
  table->expected.table = name;
  g_ptr_array_add(run->preview->tables, table);
  return table;
}

static gboolean
query_count(const Comparison *comparison, const char *sql, guint64 *ret_count, GError **error)
{
  g_autoptr(PgResult) result = pg_connection_query(comparison->run->connection, error, sql, 0);
  if (result == NULL)
    return FALSE;
  *ret_count = (guint64)pg_result_int64(result, 0, 0);
  return TRUE;
}

/* ---- Rows that another key keeps out ---- */

static gboolean
read_blocking_keys(Comparison *comparison, GError **error)
{
  const MergeTable *live = &comparison->live;
  g_autofree char *shared = pg_array((const char *const *)live->shared);
  g_autoptr(PgResult) keys = pg_connection_query(comparison->run->connection, error, backup_preview_blocking_keys_sql,
                                                 4, live->schema, live->relation, shared, live->identity_index);
  if (keys == NULL)
    return FALSE;
  g_autoptr(GString) blocked = g_string_new(NULL);
  for (guint i = 0; i < pg_result_rows(keys); i++) {
    const char *predicate = pg_result_text(keys, i, 2);
    g_string_append_printf(blocked,
                           "%1$sEXISTS (SELECT FROM (SELECT %2$s FROM %3$s AS l WHERE %4$s AND NOT (%5$s)) AS l, "
                           "(SELECT %2$s FROM (SELECT %6$s) AS x WHERE %4$s) AS m WHERE %7$s)",
                           i > 0 ? " OR " : "", pg_result_text(keys, i, 0), live->from,
                           predicate != NULL ? predicate : "true", live->identity != NULL ? live->identity : "false",
                           live->stage_list, pg_result_text(keys, i, 1));
  }
  if (blocked->len > 0)
    comparison->blocked = g_string_free(g_steal_pointer(&blocked), FALSE);
  return TRUE;
}

static gboolean
count_blocked(Comparison *comparison, GError **error)
{
  const MergeTable *live = &comparison->live;
  if (comparison->blocked == NULL)
    return TRUE;
  g_autofree char *filter = live->identity != NULL
                                ? g_strdup_printf(" AND NOT EXISTS (SELECT FROM %s AS l WHERE %s) AND (%s)", live->from,
                                                  live->identity, comparison->blocked)
                                : g_strdup_printf(" AND (%s)", comparison->blocked);
  if (!merge_count_missing(comparison->run->connection, live, filter, &comparison->table->conflicting, error))
    return FALSE;
  if (comparison->table->different == 0)
    return TRUE;
  g_autofree char *differs = merge_differs(live);
  g_autofree char *updates =
      g_strdup_printf("SELECT pg_catalog.count(*) FROM " MERGE_STAGE " AS s JOIN %s AS l ON %s WHERE %s AND (%s)",
                      live->from, live->identity, differs, comparison->blocked);
  return query_count(comparison, updates, &comparison->blocked_updates, error);
}

/* ---- Rows that differ ---- */

/* An array of the names of the differing columns. */
static char *
differing_columns(const MergeTable *live)
{
  GString *list = g_string_new("ARRAY[");
  for (char **name = live->shared; *name != NULL; name++) {
    g_autofree char *column = pg_quote_identifier(*name);
    g_autofree char *literal = pg_quote_literal(*name);
    g_string_append_printf(list,
                           "%1$sCASE WHEN ROW(l.%2$s)::pg_catalog.record OPERATOR(pg_catalog.*<>) "
                           "ROW(s.%2$s)::pg_catalog.record AND l.%2$s::pg_catalog.text IS DISTINCT FROM "
                           "s.%2$s::pg_catalog.text THEN %3$s END",
                           name == live->shared ? "" : ", ", column, literal);
  }
  g_string_append(list, "]::pg_catalog.text[]");
  return g_string_free(list, FALSE);
}

/* Names of columns whose text is taken for a secret, in the hub and elsewhere. */
static gboolean
may_be_secret(const char *column)
{
  static const char *const words[] = {"key",    "token", "secret", "pass",  "pwd",  "auth",  "cred",   "cookie",
                                      "header", "url",   "dsn",    "proxy", "hash", "print", "session"};
  g_autofree char *lower = g_ascii_strdown(column, -1);
  for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
    if (strstr(lower, words[i]) != NULL)
      return TRUE;
  return FALSE;
}

/* A column's value of row l or s as a JSON text: its beginning if it can be no secret, else null. Text is shown unless
 * its column's name, or a long word or address in it, looks like one; of other types numbers, times, booleans,
 * enumerations and UUIDs. */
static char *
shown_value(const char *row, const char *column, gboolean shows_text)
{
  return g_strdup_printf(
      "(SELECT CASE WHEN t.typcategory IN ('N', 'B', 'D', 'T', 'E') OR t.typname = 'uuid' OR (%3$s AND "
      "t.typcategory = 'S' AND %1$s.%2$s::pg_catalog.text !~ '(sk-|://|[[:alnum:]_+/=-]{24})') "
      "THEN pg_catalog.left(%1$s.%2$s::pg_catalog.text, 60) END "
      "FROM pg_catalog.pg_type AS t WHERE t.oid = pg_catalog.pg_typeof(%1$s.%2$s))",
      row, column, shows_text ? "true" : "false");
}

/* An expression for the differing columns as a JSON text: BackupPreviewExample.values. */
static char *
differing_values(const MergeTable *live)
{
  GString *list = g_string_new("pg_catalog.json_strip_nulls(pg_catalog.to_json(pg_catalog.array_remove(ARRAY[");
  for (char **name = live->shared; *name != NULL; name++) {
    g_autofree char *column = pg_quote_identifier(*name);
    g_autofree char *literal = pg_quote_literal(*name);
    gboolean shows_text = !may_be_secret(*name);
    g_autofree char *of_live = shown_value("l", column, shows_text);
    g_autofree char *of_archive = shown_value("s", column, shows_text);
    g_string_append_printf(
        list,
        "%1$sCASE WHEN ROW(l.%2$s)::pg_catalog.record OPERATOR(pg_catalog.*<>) ROW(s.%2$s)::pg_catalog.record AND "
        "l.%2$s::pg_catalog.text IS DISTINCT FROM s.%2$s::pg_catalog.text THEN pg_catalog.jsonb_build_object('column', "
        "%3$s::pg_catalog.text, 'live', %4$s, 'archive', %5$s, 'liveMasked', nullif(l.%2$s IS NOT NULL AND %4$s IS "
        "NULL, "
        "false), 'archiveMasked', nullif(s.%2$s IS NOT NULL AND %5$s IS NULL, false)) END",
        name == live->shared ? "" : ", ", column, literal, of_live, of_archive);
  }
  g_string_append(list, "]::pg_catalog.jsonb[], NULL)))::pg_catalog.text");
  return g_string_free(list, FALSE);
}

static gboolean
find_examples(Comparison *comparison, GError **error)
{
  const MergeTable *live = &comparison->live;
  if (comparison->table->different == 0)
    return TRUE;
  g_autofree char *differs = merge_differs(live);
  g_autofree char *columns = differing_columns(live);
  g_autofree char *values = differing_values(live);
  g_autofree char *sql = g_strdup_printf(
      "SELECT %s, pg_catalog.array_to_string(%s, ', '), %s FROM " MERGE_STAGE " AS s JOIN %s AS l ON %s "
      "WHERE %s ORDER BY %s LIMIT %d",
      live->identity_shown, columns, values, live->from, live->identity, differs, live->identity_stage, MAX_EXAMPLES);
  g_autoptr(PgResult) rows = pg_connection_query(comparison->run->connection, error, sql, 0);
  if (rows == NULL)
    return FALSE;
  for (guint i = 0; i < pg_result_rows(rows); i++) {
    BackupPreviewExample *example = g_new0(BackupPreviewExample, 1);
    example->key = g_strdup(pg_result_text(rows, i, 0));
    example->columns = g_strdup(pg_result_text(rows, i, 1));
    example->values = g_strdup(pg_result_text(rows, i, 2));
    g_ptr_array_add(comparison->table->examples, example);
  }
  return TRUE;
}

/* ---- Counting ---- */

static gboolean
compare_by_identity(Comparison *comparison, GError **error)
{
  MergeComparison found;
  BackupPreviewTable *table = comparison->table;
  gboolean is_whole = comparison->n_equal == 0;
  if (!merge_delete_twins(comparison->run->connection, &comparison->live, &comparison->twins, error) ||
      !merge_compare(comparison->run->connection, &comparison->live, is_whole, &found, error))
    return FALSE;
  table->added = found.missing;
  table->different = found.different;
  table->identical = found.identical + comparison->n_equal;
  guint64 n_common = table->different + table->identical;
  if (is_whole) {
    table->only_live = found.only_live;
    table->live_rows = found.only_live + n_common;
  } else {
    g_autofree char *count = g_strdup_printf("SELECT pg_catalog.count(*) FROM %s", comparison->live.from);
    if (!query_count(comparison, count, &table->live_rows, error))
      return FALSE;
    table->live_rows = MAX(table->live_rows, n_common); /* somebody may have deleted some meanwhile */
    table->only_live = table->live_rows - n_common;
  }
  return find_examples(comparison, error);
}

static gboolean
compare_multisets(Comparison *comparison, GError **error)
{
  BackupPreviewTable *table = comparison->table;
  g_autofree char *count = g_strdup_printf("SELECT pg_catalog.count(*) FROM %s", comparison->live.from);
  if (!query_count(comparison, count, &table->live_rows, error) ||
      !merge_count_missing(comparison->run->connection, &comparison->live, "", &table->added, error))
    return FALSE;
  table->identical = table->archive_rows - table->added;
  table->only_live = table->live_rows - MIN(table->live_rows, table->identical);
  return TRUE;
}

/* Rows that are loaded through a root are compared with all of its rows, wherever they are stored. Rows missing from
 * this entry are in another entry, or exist only here. The first entry of a root reports the rest when all have been
 * compared. */
static void
share_root(Comparison *comparison)
{
  const MergeTable *live = &comparison->live;
  BackupPreviewTable *table = comparison->table;
  if (g_strcmp0(live->relation, live->entry->tag) == 0 && g_strcmp0(live->schema, live->entry->namespace_name) == 0)
    return;
  BackupPreviewTable *first = g_hash_table_lookup(comparison->run->roots, live->target);
  if (first == NULL) {
    g_hash_table_insert(comparison->run->roots, g_strdup(live->target), table);
    return;
  }
  guint64 found = MIN(table->live_rows - MIN(table->live_rows, table->only_live), first->only_live);
  first->only_live -= found;
  first->live_rows -= found;
  table->live_rows = found;
  table->only_live = 0;
}

static gboolean
stage_and_compare(Restore *restore, gpointer user_data, GError **error)
{
  Comparison *comparison = user_data;
  MergeFound found;
  g_ptr_array_set_size(comparison->table->examples, 0); /* left by an attempt that a lock ended */
  if (!pg_connection_execf(restore_connection(restore), error, "CREATE TEMPORARY TABLE cch_stage (%s) ON COMMIT DROP",
                           comparison->live.stage_columns) ||
      !merge_stage_unequal(restore, &comparison->live, &found, error))
    return FALSE;
  comparison->n_equal = found.equal;
  gboolean has_identity = comparison->live.identity != NULL;
  if (!(has_identity ? compare_by_identity : compare_multisets)(comparison, error))
    return FALSE;
  return comparison->run->options->clean_first || count_blocked(comparison, error);
}

/* Computes what the import would report. */
static void
expect_rows(Comparison *comparison)
{
  const BackupImportOptions *options = comparison->run->options;
  BackupPreviewTable *table = comparison->table;
  BackupTableResult *expected = &table->expected;
  expected->rows_total = table->archive_rows;
  expected->rows_inserted = table->archive_rows;
  if (options->clean_first || table->is_new)
    return;
  expected->rows_inserted = table->added - table->conflicting;
  if (options->on_conflict == ON_CONFLICT_UPDATE)
    expected->rows_updated = table->different - comparison->blocked_updates;
  if (options->on_conflict != ON_CONFLICT_SKIP)
    expected->rows_unchanged = table->identical;
  expected->rows_skipped =
      expected->rows_total - expected->rows_inserted - expected->rows_updated - expected->rows_unchanged;
}

/* ---- Problems ---- */

static void
warn_of_columns(Comparison *comparison)
{
  PreviewRun *run = comparison->run;
  const MergeTable *live = &comparison->live;
  if (run->options->clean_first) {
    if (live->ignored != NULL || live->defaulted != NULL)
      preview_warn(run, TEXT_PREVIEW_COLUMNS_REPLACED, live->name, live->ignored != NULL ? live->ignored : "-",
                   live->defaulted != NULL ? live->defaulted : "-");
    return;
  }
  if (live->ignored != NULL)
    preview_warn(run, TEXT_IMPORT_COLUMNS_IGNORED, live->name, live->ignored);
  if (live->missing != NULL && comparison->table->archive_rows > 0)
    comparison->table->problem = text_format(TEXT_PREVIEW_COLUMN_NEEDED, run->options->language, live->missing);
  else if (live->defaulted != NULL)
    preview_warn(run, TEXT_PREVIEW_COLUMNS_DEFAULTED, live->name, live->defaulted);
}

/* Handles errors of the table rather than of the operation: they become the table's problem. Reports only the
 * SQLSTATE, because the server's message may quote a value. */
static gboolean
take_as_problem(Comparison *comparison, const GError *failure)
{
  const char *sqlstate = error_sqlstate(failure);
  if (error_code(failure) == CCH_ERROR_IMPORT_INVALID_TEXT) {
    comparison->table->problem =
        g_strdup_printf("%s: %s", error_text(failure, comparison->run->options->language), failure->message);
    return TRUE;
  }
  if (error_code(failure) != CCH_ERROR_DATABASE_QUERY || g_cancellable_is_cancelled(comparison->run->cancellable))
    return FALSE;
  comparison->table->problem = text_format(TEXT_PREVIEW_VALUES_REFUSED, comparison->run->options->language, sqlstate);
  return TRUE;
}

/* The relkind, 'r', 'p', …; 0 if no such relation exists. */
static gboolean
find_relkind(PreviewRun *run, const TocEntry *entry, char *ret_relkind, GError **error)
{
  g_autofree char *schema = NULL, *table = NULL;
  if (!entry_copy_target(entry, &schema, &table, error))
    return FALSE;
  g_autofree char *relkind = NULL;
  if (!pg_connection_value(run->connection, &relkind, error,
                           "SELECT c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
                           "ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
                           2, schema, table))
    return FALSE;
  *ret_relkind = relkind != NULL ? *relkind : '\0';
  return TRUE;
}

static gboolean
compare_live(Comparison *comparison, const TocEntry *entry, GError **error)
{
  PreviewRun *run = comparison->run;
  if (!merge_table_read(run->connection, entry, &comparison->live, error) || !read_blocking_keys(comparison, error))
    return FALSE;
  warn_of_columns(comparison);
  g_autoptr(GError) failure = NULL;
  comparison->table->is_compared = restore_run(run->restore, stage_and_compare, comparison, &failure);
  if (!comparison->table->is_compared)
    restore_explain_text(run->restore, entry, &failure);
  if (comparison->table->is_compared)
    share_root(comparison);
  if (comparison->table->is_compared || take_as_problem(comparison, failure))
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&failure));
  return FALSE;
}

gboolean
preview_compare(PreviewRun *run, const TocEntry *entry, GError **error)
{
  g_auto(Comparison) comparison = {.run = run};
  comparison.table = add_table(run, entry_display_name(entry));
  comparison.table->archive_rows = archive_reader_data_info(run->reader, entry)->rows;
  backup_progress_table(run->progress, comparison.table->table);
  backup_progress_say(run->progress, TEXT_PREVIEW_TABLE, comparison.table->table);
  char relkind;
  if (!find_relkind(run, entry, &relkind, error))
    return FALSE;
  if (relkind == '\0') {
    g_autoptr(GError) failure = NULL;
    comparison.table->is_new = TRUE;
    comparison.table->is_compared = restore_check_text(run->restore, entry, &failure);
    if (comparison.table->is_compared)
      comparison.table->added = comparison.table->archive_rows;
    else
      take_as_problem(&comparison, failure);
  } else if (strchr("rp", relkind) == NULL) {
    comparison.table->problem = g_strdup(text_get(TEXT_PREVIEW_NOT_A_TABLE, run->options->language));
  } else if (!compare_live(&comparison, entry, error)) {
    g_prefix_error(error, "compare table %s: ", comparison.table->table);
    return FALSE;
  }
  if (comparison.table->is_compared)
    expect_rows(&comparison);
  backup_progress_table(run->progress, NULL);
  return TRUE;
}

typedef struct {
  char *sql;
  guint64 rows;
} LiveCount;

static gboolean
count_live(Restore *restore, gpointer user_data, GError **error)
{
  LiveCount *count = user_data;
  g_autoptr(PgResult) result = pg_connection_query(restore_connection(restore), error, count->sql, 0);
  if (result == NULL)
    return FALSE;
  count->rows = (guint64)pg_result_int64(result, 0, 0);
  return TRUE;
}

gboolean
preview_count_live(PreviewRun *run, const char *schema, const char *name, GError **error)
{
  g_autofree char *quoted = pg_quote_qualified(schema, name);
  g_autofree char *sql = g_strdup_printf("SELECT pg_catalog.count(*) FROM ONLY %s", quoted);
  LiveCount count = {.sql = sql};
  if (!restore_run(run->restore, count_live, &count, error))
    return FALSE;
  BackupPreviewTable *table = add_table(run, g_strdup_printf("%s.%s", schema, name));
  table->is_compared = TRUE;
  table->live_rows = table->only_live = count.rows;
  gboolean is_log = strcmp(schema, "public") == 0 && strcmp(name, LOG_TABLE) == 0;
  if (count.rows > 0 && !is_log && !run->options->allow_incomplete && overwrite_is_named(run->reader, schema, name))
    table->problem = text_format(TEXT_PREVIEW_ROWS_LOST, run->options->language, count.rows);
  return TRUE;
}
