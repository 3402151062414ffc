#include "backup/side/own_state.h"

#include "backup_sql.h"

enum { BUFFER_BYTES = 64 * 1024 };

gboolean
own_state_find_unknown(PgConnection *live, PgConnection *other, char **ret_table, GError **error)
{
  g_autoptr(PgResult) tables = pg_connection_query(live, error, backup_own_tables_sql, 0);
  if (tables == NULL)
    return FALSE;
  for (guint row = 0; row < pg_result_rows(tables); row++) {
    g_autofree char *name = pg_quote_qualified("cch_data", pg_result_text(tables, row, 0));
    g_autofree char *found = NULL;
    if (!pg_connection_value(other, &found, error, "SELECT pg_catalog.to_regclass($1)", 1, name))
      return FALSE;
    if (found == NULL) {
      *ret_table = g_strdup(pg_result_text(tables, row, 0));
      return TRUE;
    }
  }
  *ret_table = NULL;
  return TRUE;
}

static gboolean
pump_rows(PgConnection *live, PgConnection *other, GError **error)
{
  g_autofree guint8 *buffer = g_malloc(BUFFER_BYTES);
  gssize n;
  while ((n = pg_connection_copy_out_read(live, buffer, BUFFER_BYTES, error)) > 0)
    if (!pg_connection_copy_in_write(other, buffer, (gsize)n, error)) {
      pg_connection_copy_out_abort(live);
      return FALSE;
    }
  if (n == 0)
    return pg_connection_copy_in_end(other, NULL, error);
  pg_connection_copy_in_abort(other);
  return FALSE;
}

static gboolean
copy_table(PgConnection *live, PgConnection *other, const char *table, const char *columns, GError **error)
{
  g_autofree char *name = pg_quote_qualified("cch_data", table);
  g_autofree char *out = g_strdup_printf("COPY %s (%s) TO STDOUT", name, columns);
  g_autofree char *in = g_strdup_printf("COPY %s (%s) FROM STDIN", name, columns);
  if (!pg_connection_copy_out_begin(live, out, error))
    return FALSE;
  if (!pg_connection_copy_in_begin(other, in, error)) {
    pg_connection_copy_out_abort(live);
    return FALSE;
  }
  return pump_rows(live, other, error);
}

/* One TRUNCATE for all tables, because of foreign keys between them. */
static gboolean
empty_tables(PgConnection *other, const PgResult *tables, GError **error)
{
  g_autoptr(GString) names = g_string_new(NULL);
  for (guint row = 0; row < pg_result_rows(tables); row++) {
    g_autofree char *name = pg_quote_qualified("cch_data", pg_result_text(tables, row, 0));
    g_string_append_printf(names, "%s%s", row > 0 ? ", " : "", name);
  }
  return names->len == 0 || pg_connection_execf(other, error, "TRUNCATE %s", names->str);
}

static gboolean
copy_sequences(PgConnection *live, PgConnection *other, GError **error)
{
  g_autoptr(PgResult) sequences = pg_connection_query(live, error, backup_own_sequences_sql, 0);
  if (sequences == NULL)
    return FALSE;
  for (guint row = 0; row < pg_result_rows(sequences); row++)
    if (!pg_connection_exec(other, pg_result_text(sequences, row, 0), error))
      return FALSE;
  return TRUE;
}

static gboolean
copy_all(PgConnection *live, PgConnection *other, GError **error)
{
  g_autoptr(PgResult) tables = pg_connection_query(live, error, backup_own_tables_sql, 0);
  if (tables == NULL || !empty_tables(other, tables, error))
    return FALSE;
  for (guint row = 0; row < pg_result_rows(tables); row++)
    if (!copy_table(live, other, pg_result_text(tables, row, 0), pg_result_text(tables, row, 1), error)) {
      g_prefix_error(error, "cch_data.%s: ", pg_result_text(tables, row, 0));
      return FALSE;
    }
  return copy_sequences(live, other, error);
}

gboolean
own_state_copy(PgConnection *live, PgConnection *other, GError **error)
{
  if (!pg_connection_exec(live, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", error))
    return FALSE;
  gboolean ok = copy_all(live, other, error);
  pg_connection_rollback(live);
  g_prefix_error(error, "keep cch_data: ");
  return ok;
}
