#include "backup/merge/merge_table.h"

#include "backup/plan/entry_sql.h"
#include "backup/restore/way.h"
#include "backup_sql.h"
#include "base/error.h"

#include <string.h>

#define MAX_KEYS_TOLD 5

void
merge_table_clear(MergeTable *table)
{
  g_free(table->schema);
  g_free(table->relation);
  g_free(table->name);
  g_free(table->target);
  g_free(table->from);
  g_free(table->stage_columns);
  g_strfreev(table->shared);
  g_free(table->columns);
  g_free(table->stage_list);
  g_free(table->live_list);
  g_free(table->set_list);
  g_free(table->ignored);
  g_free(table->defaulted);
  g_free(table->missing);
  g_free(table->key_filter);
  g_free(table->identity);
  g_free(table->identity_live);
  g_free(table->identity_stage);
  g_free(table->identity_shown);
  g_strfreev(table->identity_columns);
  g_free(table->identity_index);
  g_strfreev(table->always_identities);
  g_free(table->check_at_once);
}

/* ---- Columns ---- */

/* Result columns of merge_columns.sql. */
enum { LIVE_NAME, LIVE_TYPE, LIVE_IS_NEEDED, LIVE_IS_GENERATED, LIVE_RELKIND, LIVE_IS_ALWAYS_IDENTITY };

/* Appends to a list: "a, b". */
static void G_GNUC_PRINTF(2, 3) append(GString *list, const char *format, ...)
{
  if (list->len > 0)
    g_string_append(list, ", ");
  va_list args;
  va_start(args, format);
  g_string_append_vprintf(list, format, args);
  va_end(args);
}

static int
find_live_column(const PgResult *live, const char *name)
{
  for (guint i = 0; i < pg_result_rows(live); i++)
    if (g_strcmp0(pg_result_text(live, i, LIVE_NAME), name) == 0)
      return (int)i;
  return -1;
}

static char *
find_missing_column(const PgResult *live, const char *const *archived)
{
  for (guint i = 0; i < pg_result_rows(live); i++) {
    const char *name = pg_result_text(live, i, LIVE_NAME);
    if (name != NULL && pg_result_bool(live, i, LIVE_IS_NEEDED) && !g_strv_contains(archived, name))
      return g_strdup(name);
  }
  return NULL;
}

/* Live columns that store values and that the archive lacks. */
static char *
list_defaulted(const PgResult *live, const char *const *archived)
{
  g_autoptr(GString) list = g_string_new(NULL);
  for (guint i = 0; i < pg_result_rows(live); i++) {
    const char *name = pg_result_text(live, i, LIVE_NAME);
    if (name != NULL && !pg_result_bool(live, i, LIVE_IS_GENERATED) && !g_strv_contains(archived, name))
      append(list, "%s", name);
  }
  return list->len > 0 ? g_utf8_make_valid(list->str, -1) : NULL;
}

/* Sorts the archive's columns into those that the live table has and those that it lacks. */
static void
match_columns(MergeTable *table, const PgResult *live, const char *const *archived)
{
  g_autoptr(GStrvBuilder) shared = g_strv_builder_new();
  g_autoptr(GString) ignored = g_string_new(NULL);
  GString *definitions = g_string_new(NULL), *columns = g_string_new(NULL);
  GString *stage_list = g_string_new(NULL), *live_list = g_string_new(NULL);
  for (const char *const *name = archived; *name != NULL; name++) {
    int index = find_live_column(live, *name);
    gboolean is_shared = index >= 0 && !pg_result_bool(live, (guint)index, LIVE_IS_GENERATED);
    g_autofree char *quoted = pg_quote_identifier(*name);
    append(definitions, "%s %s", quoted, is_shared ? pg_result_text(live, (guint)index, LIVE_TYPE) : "pg_catalog.text");
    if (!is_shared) {
      append(ignored, "%s", *name);
      continue;
    }
    append(columns, "%s", quoted);
    append(stage_list, "s.%s", quoted);
    append(live_list, "l.%s", quoted);
    g_strv_builder_add(shared, *name);
  }
  table->ignored = ignored->len > 0 ? g_utf8_make_valid(ignored->str, -1) : NULL;
  table->stage_columns = g_string_free(definitions, FALSE);
  table->columns = g_string_free(columns, FALSE);
  table->stage_list = g_string_free(stage_list, FALSE);
  table->live_list = g_string_free(live_list, FALSE);
  table->shared = g_strv_builder_end(shared);
}

/* An UPDATE cannot set a GENERATED ALWAYS AS IDENTITY column. If it is in the identity, its value is right already. */
static void
list_settable(MergeTable *table, const PgResult *live)
{
  g_autoptr(GStrvBuilder) always = g_strv_builder_new();
  GString *set_list = g_string_new(NULL);
  for (char **name = table->shared; *name != NULL; name++) {
    gboolean is_always = pg_result_bool(live, (guint)find_live_column(live, *name), LIVE_IS_ALWAYS_IDENTITY);
    gboolean is_identity =
        table->identity_columns != NULL && g_strv_contains((const char *const *)table->identity_columns, *name);
    if (is_always && is_identity)
      continue;
    if (is_always)
      g_strv_builder_add(always, *name);
    g_autofree char *quoted = pg_quote_identifier(*name);
    append(set_list, "%1$s = s.%1$s", quoted);
  }
  table->always_identities = g_strv_builder_end(always);
  table->set_list = g_string_free(set_list, FALSE);
}

/* ---- Keys ---- */

static gboolean
read_conflicts(PgConnection *connection, MergeTable *table, GError **error)
{
  g_autoptr(PgResult) conflicts =
      pg_connection_query(connection, error, backup_merge_conflicts_sql, 2, table->schema, table->relation);
  if (conflicts == NULL)
    return FALSE;
  table->is_row_by_row = pg_result_bool(conflicts, 0, 0);
  table->check_at_once = g_strdup(pg_result_text(conflicts, 0, 1));
  table->has_unique = pg_result_bool(conflicts, 0, 2);
  return TRUE;
}

/* Result columns of merge_keys.sql. */
enum { KEY_IS_IDENTITY, KEY_IS_IMMEDIATE, KEY_CONDITION, KEY_LIVE, KEY_STAGE, KEY_COLUMNS, KEY_SHOWN, KEY_INDEX };

static gboolean
read_identity(PgConnection *connection, MergeTable *table, const PgResult *keys, GError **error)
{
  table->identity = g_strdup(pg_result_text(keys, 0, KEY_CONDITION));
  table->identity_live = g_strdup(pg_result_text(keys, 0, KEY_LIVE));
  table->identity_stage = g_strdup(pg_result_text(keys, 0, KEY_STAGE));
  table->identity_shown = g_strdup(pg_result_text(keys, 0, KEY_SHOWN));
  table->identity_index = g_strdup(pg_result_text(keys, 0, KEY_INDEX));
  g_autoptr(PgResult) names = pg_connection_query(connection, error, "SELECT pg_catalog.unnest($1::pg_catalog.text[])",
                                                  1, pg_result_text(keys, 0, KEY_COLUMNS));
  if (names == NULL)
    return FALSE;
  g_autoptr(GStrvBuilder) columns = g_strv_builder_new();
  for (guint i = 0; i < pg_result_rows(names); i++)
    g_strv_builder_add(columns, pg_result_text(names, i, 0));
  table->identity_columns = g_strv_builder_end(columns);
  return TRUE;
}

/* Finds the keys that identify rows. */
static gboolean
read_keys(PgConnection *connection, MergeTable *table, GError **error)
{
  g_autofree char *shared = pg_array((const char *const *)table->shared);
  g_autoptr(PgResult) keys =
      pg_connection_query(connection, error, backup_merge_keys_sql, 3, table->schema, table->relation, shared);
  if (keys == NULL)
    return FALSE;
  GString *filter = g_string_new(NULL);
  for (guint i = 0; i < pg_result_rows(keys); i++)
    if (!pg_result_bool(keys, i, KEY_IS_IMMEDIATE) || table->is_row_by_row)
      g_string_append_printf(filter, " AND NOT EXISTS (SELECT FROM %s AS l WHERE %s)", table->from,
                             pg_result_text(keys, i, KEY_CONDITION));
  table->key_filter = g_string_free(filter, FALSE);
  gboolean has_identity = pg_result_rows(keys) > 0 && pg_result_bool(keys, 0, KEY_IS_IDENTITY);
  return !has_identity || read_identity(connection, table, keys, error);
}

gboolean
merge_table_read(PgConnection *connection, const TocEntry *entry, MergeTable *ret_table, GError **error)
{
  g_auto(MergeTable) table = {.entry = entry, .name = entry_display_name(entry)};
  g_auto(GStrv) archived = NULL;
  if (!entry_copy_columns(entry, &archived, error) || !entry_copy_target(entry, &table.schema, &table.relation, error))
    return FALSE;
  g_autoptr(PgResult) live =
      pg_connection_query(connection, error, backup_merge_columns_sql, 2, table.schema, table.relation);
  if (live == NULL)
    return FALSE;
  const char *relkind = pg_result_rows(live) > 0 ? pg_result_text(live, 0, LIVE_RELKIND) : NULL;
  if (relkind == NULL || strchr("rp", *relkind) == NULL) {
    error_set(error, CCH_ERROR_IMPORT_INCOMPATIBLE, relkind == NULL ? "table %s does not exist" : "%s is not a table",
              table.name);
    return FALSE;
  }
  table.target = pg_quote_qualified(table.schema, table.relation);
  table.from = g_strconcat(*relkind == 'p' ? "" : "ONLY ", table.target, NULL);
  table.missing = find_missing_column(live, (const char *const *)archived);
  table.defaulted = list_defaulted(live, (const char *const *)archived);
  match_columns(&table, live, (const char *const *)archived);
  if (!read_conflicts(connection, &table, error) || !read_keys(connection, &table, error))
    return FALSE;
  list_settable(&table, live);
  *ret_table = table;
  table = (MergeTable){0};
  return TRUE;
}

/* ---- Comparing ---- */

char *
merge_differs(const MergeTable *table)
{
  return g_strdup_printf("ROW(%1$s)::pg_catalog.record OPERATOR(pg_catalog.*<>) ROW(%2$s)::pg_catalog.record "
                         "AND ROW(%1$s)::pg_catalog.text <> ROW(%2$s)::pg_catalog.text",
                         table->live_list, table->stage_list);
}

char *
merge_missing_rows(const MergeTable *table, const char *filter)
{
  if (table->identity != NULL)
    return g_strdup_printf("SELECT %s FROM " MERGE_STAGE " AS s WHERE true%s", table->columns, filter);
  return restore_rows_beyond(MERGE_STAGE, table->from, table->columns, filter);
}

gboolean
merge_compare(PgConnection *connection, const MergeTable *table, gboolean with_only_live,
              MergeComparison *ret_comparison, GError **error)
{
  g_autofree char *differs = merge_differs(table);
  const char *column = strchr(table->identity_live, '.');
  g_autofree char *sql =
      g_strdup_printf("SELECT pg_catalog.count(*) FILTER (WHERE l%1$s IS NULL), "
                      "pg_catalog.count(*) FILTER (WHERE l%1$s IS NOT NULL AND s%1$s IS NOT NULL AND %2$s), "
                      "pg_catalog.count(*) FILTER (WHERE l%1$s IS NOT NULL AND s%1$s IS NULL), pg_catalog.count(*) "
                      "FROM " MERGE_STAGE " AS s %5$s JOIN %3$s AS l ON %4$s",
                      column, differs, table->from, table->identity, with_only_live ? "FULL" : "LEFT");
  g_autoptr(PgResult) counts = pg_connection_query(connection, error, sql, 0);
  if (counts == NULL)
    return FALSE;
  MergeComparison found = {.missing = (guint64)pg_result_int64(counts, 0, 0),
                           .different = (guint64)pg_result_int64(counts, 0, 1),
                           .only_live = (guint64)pg_result_int64(counts, 0, 2)};
  found.identical = (guint64)pg_result_int64(counts, 0, 3) - found.missing - found.different - found.only_live;
  *ret_comparison = found;
  return TRUE;
}

gboolean
merge_count_missing(PgConnection *connection, const MergeTable *table, const char *filter, guint64 *ret_missing,
                    GError **error)
{
  g_autofree char *query = merge_missing_rows(table, filter);
  g_autofree char *sql = g_strdup_printf("SELECT pg_catalog.count(*) FROM (%s) AS missing", query);
  g_autoptr(PgResult) count = pg_connection_query(connection, error, sql, 0);
  if (count == NULL)
    return FALSE;
  *ret_missing = (guint64)pg_result_int64(count, 0, 0);
  return TRUE;
}

gboolean
merge_delete_twins(PgConnection *connection, const MergeTable *table, guint64 *ret_deleted, GError **error)
{
  *ret_deleted = 0;
  g_autofree char *find = g_strdup_printf("SELECT FROM " MERGE_STAGE " AS s GROUP BY %s HAVING pg_catalog.count(*) > 1 "
                                          "LIMIT 1",
                                          table->identity_stage);
  g_autoptr(PgResult) found = pg_connection_query(connection, error, find, 0);
  if (found == NULL || pg_result_rows(found) == 0)
    return found != NULL;
  g_autofree char *delete = g_strdup_printf(
      "DELETE FROM " MERGE_STAGE " AS s USING (SELECT s.ctid AS \"cch id\", pg_catalog.row_number() OVER "
      "(PARTITION BY %s ORDER BY s.ctid) AS \"cch n\" FROM " MERGE_STAGE " AS s) AS twin "
      "WHERE twin.\"cch id\" = s.ctid AND twin.\"cch n\" > 1",
      table->identity_stage);
  g_autoptr(PgResult) deleted = pg_connection_query(connection, error, delete, 0);
  if (deleted == NULL)
    return FALSE;
  *ret_deleted = pg_result_affected(deleted);
  return TRUE;
}

gboolean
merge_list_keys(PgConnection *connection, const MergeTable *table, gboolean with_missing, char **ret_keys,
                GError **error)
{
  g_autofree char *differs = merge_differs(table);
  g_autofree char *sql = g_strdup_printf(
      "SELECT pg_catalog.string_agg(shown, '; ') FROM (SELECT %s AS shown FROM " MERGE_STAGE " AS s LEFT JOIN %s AS l "
      "ON %s WHERE (%s IS NULL AND %s) OR (%s IS NOT NULL AND %s) ORDER BY %s LIMIT %d) AS keys",
      table->identity_shown, table->from, table->identity, table->identity_live, with_missing ? "true" : "false",
      table->identity_live, differs, table->identity_stage, MAX_KEYS_TOLD);
  return pg_connection_value(connection, ret_keys, error, sql, 0);
}
