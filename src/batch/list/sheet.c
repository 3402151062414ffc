#include "batch/list/sheet.h"

#include "base/error.h"
#include "batch_sql.h"

#include <string.h>

enum { ROWS_AT_A_TIME = 500 };

typedef enum { NOT_BEGUN, IN_ROWS, ENDED } Stage;

struct BatchSheet {
  PgConnection *connection;
  BatchEntity entity;
  BatchSheetFormat format;
  gboolean with_mark;
  Stage stage;
  gboolean has_rows;
  GHashTable *columns; /* columns of the table: an older hub has fewer */
  GString *text;       /* generated, not yet read */
  gsize offset;
};

static const char *const labels[BATCH_N_ENTITIES][5] = {
    [BATCH_USERS] = {"name", "role"},
    [BATCH_KEYS] = {"name", "userId", "userName", "maskedKey"},
    [BATCH_PROVIDERS] = {"name", "providerType"},
};

gboolean
batch_sheet_is_label(BatchEntity entity, const char *column)
{
  return g_strv_contains(labels[entity], column);
}

void
batch_sheet_free(BatchSheet *sheet)
{
  pg_connection_free(sheet->connection);
  g_clear_pointer(&sheet->columns, g_hash_table_unref);
  g_string_free(sheet->text, TRUE);
  g_free(sheet);
}

static gboolean
read_columns(BatchSheet *sheet, GError **error)
{
  g_autoptr(PgResult) rows =
      pg_connection_query(sheet->connection, error, batch_widths_sql, 1, batch_entity_name(sheet->entity));
  if (rows == NULL)
    return FALSE;
  sheet->columns = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < pg_result_rows(rows); i++)
    g_hash_table_add(sheet->columns, g_strdup(pg_result_text(rows, i, 0)));
  return TRUE;
}

BatchSheet *
batch_sheet_open(PgConnection *connection, BatchFilter *filter, const char *redis_url, const BatchPage *page,
                 BatchSheetFormat format, gboolean with_mark, GError **error)
{
  g_autoptr(BatchSheet) sheet = g_new0(BatchSheet, 1);
  sheet->connection = connection;
  sheet->entity = batch_filter_entity(filter);
  sheet->format = format;
  sheet->with_mark = with_mark;
  sheet->text = g_string_new(NULL);
  return read_columns(sheet, error) && batch_list_open(connection, filter, redis_url, page, error)
             ? g_steal_pointer(&sheet)
             : NULL;
}

static gboolean
is_shown(const BatchSheet *sheet, const BatchField *field)
{
  return field->entity == sheet->entity && !field->is_internal && g_hash_table_contains(sheet->columns, field->column);
}

/* Quotes the cell if RFC 4180 requires it. */
static void
append_cell(GString *row, const char *cell)
{
  if (row->len > 0)
    g_string_append_c(row, ',');
  if (strpbrk(cell, ",\"\r\n") == NULL) {
    g_string_append(row, cell);
    return;
  }
  g_string_append_c(row, '"');
  for (const char *p = cell; *p != '\0'; p++) {
    if (*p == '"')
      g_string_append_c(row, '"');
    g_string_append_c(row, *p);
  }
  g_string_append_c(row, '"');
}

static void
append_row(BatchSheet *sheet, const GString *row)
{
  g_string_append_len(sheet->text, row->str, (gssize)row->len);
  g_string_append(sheet->text, "\r\n");
}

static void
append_header(BatchSheet *sheet)
{
  if (sheet->format == BATCH_SHEET_JSON) {
    g_string_append_c(sheet->text, '[');
    return;
  }
  g_autoptr(GString) row = g_string_new("id");
  for (const char *const *label = labels[sheet->entity]; *label != NULL; label++)
    append_cell(row, *label);
  for (const BatchField *field = batch_fields; field->name != NULL; field++)
    if (is_shown(sheet, field))
      append_cell(row, field->name);
  if (sheet->with_mark)
    g_string_append(sheet->text, "\xEF\xBB\xBF");
  append_row(sheet, row);
}

/* The fields' values as batches compare them, after the id and the labels, which are members of the list's items. */
static PgResult *
read_rows(BatchSheet *sheet, const char *ids, GError **error)
{
  g_autoptr(GString) columns = g_string_new(NULL);
  for (const BatchField *field = batch_fields; field->name != NULL; field++)
    if (is_shown(sheet, field))
      g_string_append_printf(columns, ", t.%s::text", field->column);
  g_autofree char *sql = g_strdup_printf("SELECT t.id%s FROM unnest($1::int4[]) WITH ORDINALITY AS wanted (id, place) "
                                         "JOIN public.%s AS t ON t.id = wanted.id ORDER BY wanted.place",
                                         columns->str, batch_entity_name(sheet->entity));
  return pg_connection_query(sheet->connection, error, sql, 1, ids);
}

static char *
label_cell(const json_t *item, const char *label)
{
  const json_t *value = json_object_get(item, label);
  if (json_is_integer(value))
    return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
  return batch_text_cell(json_string_value(value));
}

static void
append_csv_row(BatchSheet *sheet, const json_t *item, const PgResult *values, guint index)
{
  g_autoptr(GString) row = g_string_new(pg_result_text(values, index, 0));
  for (const char *const *label = labels[sheet->entity]; *label != NULL; label++) {
    g_autofree char *cell = label_cell(item, *label);
    append_cell(row, cell);
  }
  guint column = 0;
  for (const BatchField *field = batch_fields; field->name != NULL; field++) {
    if (!is_shown(sheet, field))
      continue;
    g_autofree char *cell = batch_value_to_text(field, pg_result_text(values, index, ++column));
    append_cell(row, cell);
  }
  append_row(sheet, row);
}

static gboolean
append_rows(BatchSheet *sheet, const char *ids, GError **error)
{
  g_autoptr(PgResult) items = batch_list_items(sheet->connection, sheet->entity, ids, error);
  if (items == NULL)
    return FALSE;
  if (sheet->format == BATCH_SHEET_JSON) {
    for (guint i = 0; i < pg_result_rows(items); i++) {
      g_string_append_printf(sheet->text, "%s\n%s", sheet->has_rows ? "," : "", pg_result_text(items, i, 1));
      sheet->has_rows = TRUE;
    }
    return TRUE;
  }
  g_autoptr(PgResult) values = read_rows(sheet, ids, error);
  for (guint i = 0; values != NULL && i < pg_result_rows(values); i++) {
    g_autoptr(json_t) item = json_loads(pg_result_text(items, i, 1), 0, NULL);
    append_csv_row(sheet, item, values, i);
  }
  return values != NULL;
}

/* Generates the next portion of text; none at the end. */
static gboolean
produce_rows(BatchSheet *sheet, GError **error)
{
  g_string_truncate(sheet->text, 0);
  sheet->offset = 0;
  if (sheet->stage == NOT_BEGUN) {
    append_header(sheet);
    sheet->stage = IN_ROWS;
    return TRUE;
  }
  if (sheet->stage == ENDED)
    return TRUE;
  g_autofree char *ids = batch_list_fetch(sheet->connection, ROWS_AT_A_TIME, error);
  if (ids == NULL)
    return FALSE;
  if (strcmp(ids, "{}") != 0)
    return append_rows(sheet, ids, error);
  sheet->stage = ENDED;
  if (sheet->format == BATCH_SHEET_JSON)
    g_string_append(sheet->text, "\n]\n");
  return TRUE;
}

gssize
batch_sheet_read(BatchSheet *sheet, guint8 *buffer, gsize size, GError **error)
{
  if (sheet->offset == sheet->text->len && !produce_rows(sheet, error))
    return -1;
  gsize n = MIN(size, sheet->text->len - sheet->offset);
  memcpy(buffer, sheet->text->str + sheet->offset, n);
  sheet->offset += n;
  return (gssize)n;
}
