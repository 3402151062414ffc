#include "backup/export/estimate.h"

#include "backup/plan/plan.h"
#include "backup_sql.h"

/* Typical figures for databases without earlier exports, measured with made-up and real request logs on two cores
 * (docs/benchmarks.md).
 */
static const struct {
  double archive_share;    /* bytes of the archive per byte of the tables */
  double bytes_per_second; /* bytes of the tables */
} usual[] = {
    [ARCHIVE_LEVEL_NONE] = {0.90, 125e6}, [ARCHIVE_LEVEL_FAST] = {0.17, 125e6}, [ARCHIVE_LEVEL_BALANCED] = {0.15, 95e6},
    [ARCHIVE_LEVEL_SMALL] = {0.14, 72e6}, [ARCHIVE_LEVEL_LZ4] = {0.28, 125e6},  [ARCHIVE_LEVEL_ZSTD] = {0.13, 110e6},
};

#define USUAL_START_S 0.3 /* connections, snapshot, table of contents */

char *
estimate_excluded(gboolean exclude_logs, const char *const *exclude_table_data)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  if (exclude_logs)
    g_ptr_array_add(names, (gpointer)LOG_TABLE);
  for (; exclude_table_data != NULL && *exclude_table_data != NULL; exclude_table_data++)
    g_ptr_array_add(names, (gpointer)*exclude_table_data);
  return pg_array_n((const char *const *)names->pdata, names->len);
}

gboolean
estimate_source(PgConnection *connection, const char *excluded, EstimateSource *ret_source, GError **error)
{
  g_autoptr(PgResult) result = pg_connection_query(connection, error, backup_estimate_size_sql, 1, excluded);
  if (result == NULL)
    return FALSE;
  ret_source->relation_bytes = (guint64)pg_result_int64(result, 0, 0);
  ret_source->rows = (guint64)pg_result_int64(result, 0, 1);
  return TRUE;
}

json_t *
estimate_tables(PgConnection *connection, const char *excluded, GError **error)
{
  g_autoptr(PgResult) rows = pg_connection_query(connection, error, backup_estimate_tables_sql, 1, excluded);
  if (rows == NULL)
    return NULL;
  json_t *tables = json_array();
  for (guint i = 0; i < pg_result_rows(rows); i++)
    json_array_append_new(tables,
                          json_pack("{s:s, s:I, s:I, s:b}", "table", pg_result_text(rows, i, 0), "bytes",
                                    (json_int_t)pg_result_int64(rows, i, 1), "rows",
                                    (json_int_t)pg_result_int64(rows, i, 2), "excluded", pg_result_bool(rows, i, 3)));
  return tables;
}

/* Before the migration that adds this column there are no earlier exports. */
static gboolean
has_history(PgConnection *connection, gboolean *ret_has, GError **error)
{
  g_autofree char *found = NULL;
  if (!pg_connection_value(connection, &found, error,
                           "SELECT attname FROM pg_catalog.pg_attribute WHERE attname = 'relation_bytes' "
                           "AND attrelid = pg_catalog.to_regclass('cch_data.exports')",
                           0))
    return FALSE;
  *ret_has = found != NULL;
  return TRUE;
}

gboolean
estimate_export(PgConnection *connection, const EstimateSource *source, const char *excluded, ArchiveLevel level,
                Estimate *ret_estimate, GError **error)
{
  double bytes = (double)source->relation_bytes;
  gboolean is_known = FALSE;
  *ret_estimate = (Estimate){.archive_bytes = (guint64)(bytes * usual[level].archive_share),
                             .seconds = USUAL_START_S + bytes / usual[level].bytes_per_second};
  if (!has_history(connection, &is_known, error))
    return FALSE;
  if (!is_known)
    return TRUE;
  g_autoptr(PgResult) result =
      pg_connection_query(connection, error, backup_estimate_history_sql, 2, archive_level_name(level), excluded);
  if (result == NULL)
    return FALSE;
  guint n_exports = (guint)pg_result_int64(result, 0, 0);
  if (n_exports > 0)
    *ret_estimate = (Estimate){.archive_bytes = (guint64)(bytes * g_ascii_strtod(pg_result_text(result, 0, 1), NULL)),
                               .seconds = bytes * g_ascii_strtod(pg_result_text(result, 0, 2), NULL),
                               .n_exports = n_exports};
  return TRUE;
}
