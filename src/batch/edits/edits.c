#include "batch/edits/edits.h"

#include "base/error.h"
#include "batch/edits/csv.h"
#include "batch/list/sheet.h"
#include "batch/rows/rows.h"

#include <string.h>

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

typedef struct {
  BatchEdits *edits;
  GHashTable *widths;
  BatchProblems *problems;
  GHashTable *ids;     /* gint64: the ids read so far */
  GHashTable *unknown; /* names that were reported already */
} Reader;

static void
edit_free(gpointer data)
{
  BatchEdit *edit = data;
  g_array_unref(edit->values);
  g_free(edit->text);
  g_free(edit);
}

static BatchEdits *
edits_new(BatchEntity entity)
{
  BatchEdits *edits = g_new0(BatchEdits, 1);
  edits->entity = entity;
  edits->fields = g_ptr_array_new();
  edits->edits = g_ptr_array_new_with_free_func(edit_free);
  return edits;
}

void
batch_edits_free(BatchEdits *edits)
{
  g_free(edits->header);
  g_ptr_array_unref(edits->fields);
  g_ptr_array_unref(edits->edits);
  g_free(edits);
}

static BatchEdit *
add_edit(BatchEdits *edits, gint64 id, guint place, char *text)
{
  BatchEdit *edit = g_new0(BatchEdit, 1);
  edit->id = id;
  edit->place = place;
  edit->values = batch_values_new();
  edit->text = text;
  g_ptr_array_add(edits->edits, edit);
  return edit;
}

BatchEdits *
batch_edits_from_ids(BatchEntity entity, const GArray *ids)
{
  BatchEdits *edits = edits_new(entity);
  edits->header = g_strdup("id");
  for (guint i = 0; i < ids->len; i++) {
    gint64 id = g_array_index(ids, gint64, i);
    add_edit(edits, id, i, g_strdup_printf("%" G_GINT64_FORMAT, id));
  }
  return edits;
}

static void
add_field(BatchEdits *edits, const BatchField *field)
{
  if (!g_ptr_array_find(edits->fields, field, NULL))
    g_ptr_array_add(edits->fields, (gpointer)field);
}

/* A value's position for messages: "line 3, column rpm", "[2].rpm"; free with g_free. */
static char *
place_text(const BatchEdits *edits, guint place, const char *column)
{
  if (edits->is_json)
    return g_strdup_printf("[%u].%s", place, column);
  return g_strdup_printf("line %u, column %s", place, column);
}

static void
add_problem(const Reader *reader, guint place, const char *column, BatchProblem problem, const BatchField *field)
{
  g_autofree char *path = place_text(reader->edits, place, column);
  batch_problems_add(reader->problems, path, problem, field);
}

/* Names the id, which nothing else may show: it can be one of a range. */
static void
add_unknown_id(const Reader *reader, const BatchEdit *edit)
{
  g_autofree char *path =
      edit->place > 0 || reader->edits->is_json ? place_text(reader->edits, edit->place, "id") : g_strdup("id");
  JsonTree id = {.type = JSON_TOKEN_NUMBER};
  g_autofree char *digits = g_strdup_printf("%" G_GINT64_FORMAT, edit->id);
  id.text = digits;
  batch_problems_add_given(reader->problems, path, "unknown_id", &id);
}

/* FALSE if the row is refused. */
static gboolean
check_id(const Reader *reader, guint place, gint64 id)
{
  gboolean is_new = id > 0 && g_hash_table_add(reader->ids, g_memdup2(&id, sizeof id));
  add_problem(reader, place, "id", id == 0 ? "not_an_id" : is_new ? NULL : "duplicate", NULL);
  return is_new;
}

/* The columns' fields; NULL for `id` and for columns for people. Returns the index of `id`, or -1. */
static int
read_header(const Reader *reader, const CsvTable *table, const BatchField **fields)
{
  int id = -1;
  g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < csv_row_cells(table, 0); i++) {
    g_autofree char *name = g_strstrip(g_strdup(csv_cell(table, 0, i)));
    fields[i] = batch_field_find(reader->edits->entity, name);
    if (!g_hash_table_add(names, g_strdup(name)))
      add_problem(reader, csv_row_line(table, 0), name, "duplicate", NULL);
    else if (strcmp(name, "id") == 0)
      id = (int)i;
    else if (fields[i] != NULL)
      add_field(reader->edits, fields[i]);
    else if (!batch_sheet_is_label(reader->edits->entity, name))
      add_problem(reader, csv_row_line(table, 0), name, "unknown_field", NULL);
  }
  return id;
}

static void
read_cell(const Reader *reader, BatchEdit *edit, const BatchField *field, const char *cell)
{
  BatchValue value = {.field = field};
  guint width = GPOINTER_TO_UINT(g_hash_table_lookup(reader->widths, field->column));
  BatchProblem problem = batch_field_is_absent(field, reader->widths)
                             ? "no_column"
                             : batch_value_from_text(field, cell, width, &value.value);
  if (problem == NULL)
    g_array_append_val(edit->values, value);
  else
    add_problem(reader, edit->place, field->name, problem, field);
}

static void
read_csv_row(const Reader *reader, const CsvTable *table, guint row, int id_column, const BatchField *const *fields)
{
  guint line = csv_row_line(table, row);
  if (csv_row_cells(table, row) != csv_row_cells(table, 0)) {
    g_autofree char *path = g_strdup_printf("line %u", line);
    batch_problems_add(reader->problems, path, "wrong_cells", NULL);
    return;
  }
  guint64 id = 0;
  g_autofree char *id_text = g_strstrip(g_strdup(csv_cell(table, row, (guint)id_column)));
  g_ascii_string_to_unsigned(id_text, 10, 1, G_MAXINT32, &id, NULL);
  check_id(reader, line, (gint64)id);
  BatchEdit *edit = add_edit(reader->edits, (gint64)id, line, csv_row_text(table, row));
  for (guint i = 0; i < csv_row_cells(table, row); i++) {
    const char *cell = csv_cell(table, row, i);
    if (fields[i] != NULL && *cell != '\0')
      read_cell(reader, edit, fields[i], cell);
  }
}

static gboolean
read_csv(const Reader *reader, const char *text, gsize size, GError **error)
{
  const BatchField *fields[CSV_MAX_COLUMNS] = {NULL};
  g_autoptr(CsvTable) table = csv_parse(text, size, error);
  if (table == NULL)
    return FALSE;
  int id = csv_rows(table) > 0 ? read_header(reader, table, fields) : -1;
  if (id < 0) {
    error_set(error, CCH_ERROR_BATCH_FILE, "the first line names no column \"id\" (columns are separated by commas)");
    return FALSE;
  }
  reader->edits->header = csv_head_text(table);
  for (guint row = 1; row < csv_rows(table); row++)
    read_csv_row(reader, table, row, id, fields);
  return TRUE;
}

static void
read_member(const Reader *reader, BatchEdit *edit, const JsonTree *given)
{
  const char *name = given->key;
  BatchEntity entity = reader->edits->entity;
  const BatchField *field = batch_field_find(entity, name);
  if (field == NULL) {
    /* Reported once for all rows. */
    if (strcmp(name, "id") != 0 && !batch_sheet_is_label(entity, name) &&
        g_hash_table_add(reader->unknown, g_strdup(name)))
      add_problem(reader, edit->place, name, "unknown_field", NULL);
    return;
  }
  BatchValue value = {0};
  g_autofree char *path = place_text(reader->edits, edit->place, name);
  batch_value_read(field, given, path, reader->widths, reader->problems, &value);
  g_array_append_val(edit->values, value);
  add_field(reader->edits, field);
}

/* Parses an element of the file's array; `token` is its first token. */
static gboolean
read_element(const Reader *reader, JsonScan *scan, JsonToken token, guint place, GError **error)
{
  const char *text = scan->token;
  gsize size = scan->token_size;
  if ((token == JSON_TOKEN_OBJECT || token == JSON_TOKEN_ARRAY) && !json_scan_skip_value(scan, &text, &size, error))
    return FALSE;
  g_autoptr(JsonTree) element = token == JSON_TOKEN_OBJECT ? json_tree_parse(text, size, error) : NULL;
  if (token == JSON_TOKEN_OBJECT && element == NULL)
    return FALSE;
  gint64 id = 0;
  json_tree_integer(json_tree_get(element, "id"), 1, G_MAXINT32, &id);
  if (!check_id(reader, place, id))
    return TRUE;
  BatchEdit *edit = add_edit(reader->edits, id, place, g_strndup(text, size));
  for (guint i = 0; i < json_tree_size(element); i++)
    read_member(reader, edit, json_tree_child(element, i));
  return TRUE;
}

static gboolean
read_elements(const Reader *reader, JsonScan *scan, GError **error)
{
  JsonToken token = json_scan_next(scan, error);
  for (guint place = 0; token == JSON_TOKEN_ARRAY; place++) {
    JsonToken element = json_scan_next(scan, error);
    if (element == JSON_TOKEN_ERROR)
      return FALSE;
    if (element == JSON_TOKEN_ARRAY_END)
      return json_scan_next(scan, error) == JSON_TOKEN_END;
    if (place >= CSV_MAX_ROWS)
      break;
    if (!read_element(reader, scan, element, place, error)) {
      g_prefix_error(error, "[%u]: ", place);
      return FALSE;
    }
  }
  if (token != JSON_TOKEN_ERROR)
    error_set(error, CCH_ERROR_BATCH_FILE, "not an array of up to 200,000 rows");
  return FALSE;
}

static gboolean
read_json(const Reader *reader, const char *text, gsize size, GError **error)
{
  if (size > CSV_MAX_BYTES) {
    error_set(error, CCH_ERROR_BATCH_FILE, "more than 64 MiB");
    return FALSE;
  }
  gsize mark = size >= 3 && memcmp(text, BYTE_ORDER_MARK, 3) == 0 ? 3 : 0;
  JsonScan scan;
  json_scan_init(&scan, text + mark, size - mark);
  g_autoptr(GError) problem = NULL;
  if (json_check_utf8(text, size, &problem) && read_elements(reader, &scan, &problem))
    return TRUE;
  error_set(error, CCH_ERROR_BATCH_FILE, "%s", problem->message);
  return FALSE;
}

/* The first problem as an error; TRUE if there are none. */
static gboolean
check_problems(const BatchProblems *problems, GError **error)
{
  if (!batch_problems_any(problems))
    return TRUE;
  const json_t *first = json_array_get(problems->list, 0);
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s: %s", json_string_value(json_object_get(first, "path")),
            json_string_value(json_object_get(first, "message")));
  return FALSE;
}

static gboolean
looks_like_json(const char *text, gsize size)
{
  gsize i = size >= 3 && memcmp(text, BYTE_ORDER_MARK, 3) == 0 ? 3 : 0;
  while (i < size && g_ascii_isspace(text[i]))
    i++;
  return i < size && (text[i] == '[' || text[i] == '{');
}

BatchEdits *
batch_edits_parse(BatchEntity entity, const char *text, gsize size, GHashTable *widths, BatchProblems *problems,
                  GError **error)
{
  g_autoptr(BatchEdits) edits = edits_new(entity);
  g_autoptr(GHashTable) ids = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  g_autoptr(GHashTable) unknown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  const Reader reader = {edits, widths, problems, ids, unknown};
  edits->is_json = looks_like_json(text, size);
  gboolean is_read = edits->is_json ? read_json(&reader, text, size, error) : read_csv(&reader, text, size, error);
  return is_read && check_problems(problems, error) ? g_steal_pointer(&edits) : NULL;
}

static char *
ids_value(const BatchEdits *edits)
{
  g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(gint64));
  for (guint i = 0; i < edits->edits->len; i++)
    g_array_append_val(ids, ((const BatchEdit *)edits->edits->pdata[i])->id);
  return batch_ids_value(ids);
}

static int
compare_edits(gconstpointer a, gconstpointer b)
{
  const BatchEdit *x = *(BatchEdit *const *)a, *y = *(BatchEdit *const *)b;
  if (x->owner_id != y->owner_id)
    return x->owner_id < y->owner_id ? -1 : 1;
  return x->id < y->id ? -1 : x->id > y->id;
}

gboolean
batch_edits_complete(BatchEdits *edits, PgConnection *connection, BatchProblems *problems, GError **error)
{
  g_autofree char *ids = ids_value(edits);
  g_autofree char *sql =
      g_strdup_printf("SELECT id, %s FROM public.%s WHERE id = ANY ($1::int4[]) AND deleted_at IS NULL",
                      edits->entity == BATCH_KEYS ? "user_id" : "0", batch_entity_name(edits->entity));
  g_autoptr(PgResult) found = pg_connection_query(connection, error, sql, 1, ids);
  if (found == NULL)
    return FALSE;
  g_autoptr(GHashTable) owners = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  for (guint i = 0; i < pg_result_rows(found); i++) {
    gint64 id = pg_result_int64(found, i, 0);
    g_hash_table_insert(owners, g_memdup2(&id, sizeof id), GINT_TO_POINTER((int)pg_result_int64(found, i, 1)));
  }
  const Reader reader = {.edits = edits, .problems = problems};
  for (guint i = 0; i < edits->edits->len; i++) {
    BatchEdit *edit = edits->edits->pdata[i];
    gpointer owner = NULL;
    if (g_hash_table_lookup_extended(owners, &edit->id, NULL, &owner))
      edit->owner_id = GPOINTER_TO_INT(owner);
    else
      add_unknown_id(&reader, edit);
  }
  g_ptr_array_sort(edits->edits, compare_edits);
  return check_problems(problems, error);
}

guint
batch_edits_next(const BatchEdits *edits, guint from)
{
  BatchEdit **all = (BatchEdit **)edits->edits->pdata;
  guint n = edits->edits->len;
  if (n - from <= BATCH_MAX_ROWS)
    return n;
  guint to = from + BATCH_MAX_ROWS;
  while (edits->entity == BATCH_KEYS && to > from && all[to]->owner_id == all[to - 1]->owner_id)
    to--;
  return to > from ? to : from + BATCH_MAX_ROWS; /* a user with more keys than fit into a batch */
}

static int
compare_ids(gconstpointer a, gconstpointer b)
{
  const BatchEdit *x = *(BatchEdit *const *)a, *y = *(BatchEdit *const *)b;
  return x->id < y->id ? -1 : x->id > y->id;
}

static void
add_values(BatchRequest *request, GArray *target, const GArray *values)
{
  for (guint i = 0; i < values->len; i++) {
    BatchValue copy = batch_value_copy(&g_array_index(values, BatchValue, i));
    batch_request_add_value(request, target, &copy);
  }
}

BatchRequest *
batch_edits_request(const BatchEdits *edits, guint from, guint to, BatchAction action, const GArray *values,
                    gboolean is_dry_run)
{
  BatchRequest *request = batch_request_new(edits->entity, action);
  request->is_dry_run = is_dry_run;
  g_autoptr(GPtrArray) sorted = g_ptr_array_new();
  for (guint i = from; i < to; i++)
    g_ptr_array_add(sorted, edits->edits->pdata[i]);
  g_ptr_array_sort(sorted, compare_ids);
  for (guint i = 0; i < sorted->len; i++) {
    const BatchEdit *edit = sorted->pdata[i];
    add_values(request, batch_request_add_row(request, edit->id), values != NULL ? values : edit->values);
  }
  return request;
}

GString *
batch_edits_write(const BatchEdits *edits, const GArray *is_left)
{
  GString *text = g_string_new(edits->is_json ? "[" : NULL);
  if (!edits->is_json)
    g_string_append_printf(text, "%s\r\n", edits->header);
  gboolean is_first = TRUE;
  for (guint i = 0; i < edits->edits->len; i++) {
    if (!g_array_index(is_left, gboolean, i))
      continue;
    const BatchEdit *edit = edits->edits->pdata[i];
    if (edits->is_json)
      g_string_append_printf(text, "%s\n%s", is_first ? "" : ",", edit->text);
    else
      g_string_append_printf(text, "%s\r\n", edit->text);
    is_first = FALSE;
  }
  if (edits->is_json)
    g_string_append(text, "\n]\n");
  return text;
}
