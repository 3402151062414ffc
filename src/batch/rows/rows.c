#include "batch/rows/rows.h"

#include "base/error.h"

#include <string.h>

static void
row_free(gpointer data)
{
  BatchRow *row = data;
  if (row == NULL)
    return;
  for (guint i = 0; i < row->n_fields; i++) {
    g_free(row->before[i]);
    g_free(row->after[i]);
  }
  g_free(row->before);
  g_free(row->after);
  g_free(row->label);
  g_free(row);
}

void
batch_rows_free(BatchRows *rows)
{
  g_ptr_array_unref(rows->fields);
  g_ptr_array_unref(rows->rows);
  g_free(rows);
}

char *
batch_ids_value(const GArray *ids)
{
  GString *text = g_string_new("{");
  for (guint i = 0; i < ids->len; i++)
    g_string_append_printf(text, "%s%" G_GINT64_FORMAT, i > 0 ? "," : "", g_array_index(ids, gint64, i));
  g_string_append_c(text, '}');
  return g_string_free(text, FALSE);
}

/* SQL for a row's name for people, and for its owner. */
static const char *
identity_columns(BatchEntity entity)
{
  static const char *const columns[BATCH_N_ENTITIES] = {"name, 0", "name, user_id", "name, 0", "url, vendor_id"};
  return columns[entity];
}

static char *
lock_sql(BatchEntity entity, const GPtrArray *fields, gboolean with_deleted)
{
  GString *sql = g_string_new(NULL);
  g_string_printf(sql, "SELECT id, %s, deleted_at IS NOT NULL", identity_columns(entity));
  for (guint i = 0; i < fields->len; i++)
    g_string_append_printf(sql, ", %s::text", ((const BatchField *)fields->pdata[i])->column);
  g_string_append_printf(sql, " FROM public.%s WHERE id = ANY($1::int4[])%s ORDER BY id FOR NO KEY UPDATE",
                         batch_entity_name(entity), with_deleted ? "" : " AND deleted_at IS NULL");
  return g_string_free(sql, FALSE);
}

static BatchRow *
read_row(const PgResult *result, guint index, guint n_fields)
{
  BatchRow *row = g_new0(BatchRow, 1);
  row->id = pg_result_int64(result, index, 0);
  row->label = g_strdup(pg_result_text(result, index, 1));
  row->owner_id = pg_result_int64(result, index, 2);
  row->is_deleted = pg_result_bool(result, index, 3);
  row->n_fields = n_fields;
  row->before = g_new0(char *, n_fields);
  row->after = g_new0(char *, n_fields);
  for (guint i = 0; i < n_fields; i++) {
    row->before[i] = g_strdup(pg_result_text(result, index, 4 + i));
    row->after[i] = g_strdup(row->before[i]);
  }
  return row;
}

BatchRows *
batch_rows_lock(PgConnection *connection, BatchEntity entity, GPtrArray *fields, const char *ids, gboolean with_deleted,
                GError **error)
{
  g_autofree char *sql = lock_sql(entity, fields, with_deleted);
  g_autoptr(PgResult) result = pg_connection_query(connection, error, sql, 1, ids);
  if (result == NULL)
    return NULL;
  BatchRows *rows = g_new0(BatchRows, 1);
  rows->entity = entity;
  rows->fields = g_ptr_array_ref(fields);
  rows->rows = g_ptr_array_new_with_free_func(row_free);
  for (guint i = 0; i < pg_result_rows(result); i++)
    g_ptr_array_add(rows->rows, read_row(result, i, fields->len));
  return rows;
}

static int
compare_id(gconstpointer id, gconstpointer row)
{
  gint64 a = *(const gint64 *)id, b = (*(BatchRow *const *)row)->id;
  return a < b ? -1 : a > b;
}

BatchRow *
batch_rows_find(const BatchRows *rows, gint64 id)
{
  BatchRow **found =
      rows->rows->len > 0 ? bsearch(&id, rows->rows->pdata, rows->rows->len, sizeof(gpointer), compare_id) : NULL;
  return found != NULL ? *found : NULL;
}

void
batch_row_set(BatchRow *row, guint field, const char *value)
{
  char *copy = g_strdup(value);
  g_free(row->after[field]);
  row->after[field] = copy;
}

gboolean
batch_row_differs(const BatchRow *row)
{
  for (guint i = 0; i < row->n_fields; i++)
    if (g_strcmp0(row->before[i], row->after[i]) != 0)
      return TRUE;
  return FALSE;
}

/* The UPDATE's parameters: an array of the differing rows' ids, and an array of each field's new values. */
static GPtrArray *
new_values(BatchRows *rows)
{
  GPtrArray *arrays = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(gint64));
  g_autoptr(GPtrArray) column = g_ptr_array_new();
  for (guint i = 0; i < rows->rows->len; i++) {
    const BatchRow *row = rows->rows->pdata[i];
    if (batch_row_differs(row))
      g_array_append_val(ids, row->id);
  }
  g_ptr_array_add(arrays, batch_ids_value(ids));
  for (guint k = 0; k < rows->fields->len; k++) {
    g_ptr_array_set_size(column, 0);
    for (guint i = 0; i < rows->rows->len; i++) {
      const BatchRow *row = rows->rows->pdata[i];
      if (batch_row_differs(row))
        g_ptr_array_add(column, row->after[k]);
    }
    g_ptr_array_add(arrays, pg_array_n((const char *const *)column->pdata, column->len));
  }
  rows->n_changed = ids->len;
  return arrays;
}

static char *
update_sql(const BatchRows *rows)
{
  g_autoptr(GString) set = g_string_new(NULL);
  g_autoptr(GString) values = g_string_new(NULL);
  g_autoptr(GString) names = g_string_new(NULL);
  g_autoptr(GString) stored = g_string_new(NULL);
  for (guint i = 0; i < rows->fields->len; i++) {
    const BatchField *field = rows->fields->pdata[i];
    g_string_append_printf(set, ", %s = new.%s", field->column, field->column);
    g_string_append_printf(values, ", $%u::%s[]", i + 2, batch_field_sql_type(field));
    g_string_append_printf(names, ", %s", field->column);
    g_string_append_printf(stored, ", t.%s::text", field->column);
  }
  return g_strdup_printf("UPDATE public.%s AS t SET updated_at = now()%s FROM unnest($1::int4[]%s) AS new (id%s) "
                         "WHERE t.id = new.id RETURNING t.id%s",
                         batch_entity_name(rows->entity), set->str, values->str, names->str, stored->str);
}

gboolean
batch_rows_write(PgConnection *connection, BatchRows *rows, GError **error)
{
  g_autoptr(GPtrArray) values = new_values(rows);
  if (rows->n_changed == 0)
    return TRUE;
  g_autofree char *sql = update_sql(rows);
  g_autoptr(PgResult) result =
      pg_connection_queryv(connection, error, sql, values->len, (const char *const *)values->pdata);
  if (result == NULL)
    return FALSE;
  if (pg_result_rows(result) != rows->n_changed) { /* a trigger of the database kept some */
    error_set(error, CCH_ERROR_BATCH_ROWS_LOST, "%u of %u rows of %s", pg_result_rows(result), rows->n_changed,
              batch_entity_name(rows->entity));
    return FALSE;
  }
  for (guint i = 0; i < pg_result_rows(result); i++) {
    BatchRow *row = batch_rows_find(rows, pg_result_int64(result, i, 0));
    for (guint k = 0; k < row->n_fields; k++)
      batch_row_set(row, k, pg_result_text(result, i, 1 + k));
  }
  return TRUE;
}
