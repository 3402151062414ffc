#include "batch/edits/csv.h"

#include "base/error.h"

#include <string.h>

typedef struct {
  guint line;
  gsize from, to; /* of the text as it came */
  guint first_cell, n_cells;
} Row;

struct CsvTable {
  char *text;    /* as it came */
  GString *pool; /* the cells, each with a NUL after it */
  GArray *cells; /* gsize: where each begins in the pool */
  GArray *rows;  /* Row */
};

typedef struct {
  CsvTable *table;
  const char *at, *end;
  guint line;
} Reader;

void
csv_free(CsvTable *table)
{
  g_free(table->text);
  g_string_free(table->pool, TRUE);
  g_array_unref(table->cells);
  g_array_unref(table->rows);
  g_free(table);
}

guint
csv_rows(const CsvTable *table)
{
  return table->rows->len;
}

guint
csv_row_line(const CsvTable *table, guint row)
{
  return g_array_index(table->rows, Row, row).line;
}

guint
csv_row_cells(const CsvTable *table, guint row)
{
  return g_array_index(table->rows, Row, row).n_cells;
}

const char *
csv_cell(const CsvTable *table, guint row, guint column)
{
  const Row *found = &g_array_index(table->rows, Row, row);
  return column < found->n_cells ? table->pool->str + g_array_index(table->cells, gsize, found->first_cell + column)
                                 : NULL;
}

char *
csv_row_text(const CsvTable *table, guint row)
{
  const Row *found = &g_array_index(table->rows, Row, row);
  return g_strndup(table->text + found->from, found->to - found->from);
}

static gboolean
fail(guint line, GError **error, const char *problem)
{
  error_set(error, CCH_ERROR_BATCH_FILE, "line %u: %s", line, problem);
  return FALSE;
}

/* TRUE at a comma, at the end of a line, and at the end of the text. */
static gboolean
is_at_end_of_cell(const Reader *reader)
{
  return reader->at == reader->end || *reader->at == ',' || *reader->at == '\n' ||
         (*reader->at == '\r' && reader->at + 1 < reader->end && reader->at[1] == '\n');
}

static gboolean
read_quoted(Reader *reader, GError **error)
{
  guint begun = reader->line;
  for (reader->at++; reader->at < reader->end; reader->at++) {
    if (*reader->at == '"' && (reader->at + 1 == reader->end || reader->at[1] != '"')) {
      reader->at++;
      return is_at_end_of_cell(reader) || fail(reader->line, error, "text after a closing quote");
    }
    reader->at += *reader->at == '"';
    reader->line += *reader->at == '\n';
    g_string_append_c(reader->table->pool, *reader->at);
  }
  return fail(begun, error, "a quote that is never closed");
}

static gboolean
read_plain(Reader *reader, GError **error)
{
  for (; !is_at_end_of_cell(reader); reader->at++) {
    if (*reader->at == '"' || *reader->at == '\r')
      return fail(reader->line, error, *reader->at == '"' ? "a quote inside a cell" : "a carriage return alone");
    g_string_append_c(reader->table->pool, *reader->at);
  }
  return TRUE;
}

static gboolean
read_cell(Reader *reader, GError **error)
{
  CsvTable *table = reader->table;
  gsize start = table->pool->len;
  g_array_append_val(table->cells, start);
  if (!(reader->at < reader->end && *reader->at == '"' ? read_quoted(reader, error) : read_plain(reader, error)))
    return FALSE;
  if (table->pool->len - start > CSV_MAX_CELL_BYTES)
    return fail(reader->line, error, "a cell is larger than 64 KiB");
  g_string_append_c(table->pool, '\0');
  return TRUE;
}

/* A row that has nothing in it is taken back. */
static void
drop_if_empty(CsvTable *table)
{
  const Row *row = &g_array_index(table->rows, Row, table->rows->len - 1);
  for (guint i = 0; i < row->n_cells; i++)
    if (*csv_cell(table, table->rows->len - 1, i) != '\0')
      return;
  g_array_set_size(table->cells, row->first_cell);
  g_array_set_size(table->rows, table->rows->len - 1);
}

static gboolean
read_row(Reader *reader, GError **error)
{
  CsvTable *table = reader->table;
  Row row = {.line = reader->line, .from = (gsize)(reader->at - table->text), .first_cell = table->cells->len};
  for (;; reader->at++) { /* past the comma */
    if (row.n_cells++ == CSV_MAX_COLUMNS)
      return fail(reader->line, error, "more than 64 columns");
    if (!read_cell(reader, error))
      return FALSE;
    if (reader->at == reader->end || *reader->at != ',')
      break;
  }
  row.to = (gsize)(reader->at - table->text);
  g_array_append_val(table->rows, row);
  drop_if_empty(table);
  if (table->rows->len > CSV_MAX_ROWS)
    return fail(reader->line, error, "more than 200,000 rows");
  if (reader->at < reader->end) {
    reader->at += *reader->at == '\r' ? 2 : 1;
    reader->line++;
  }
  return TRUE;
}

static gboolean
check_text(const char *text, gsize size, GError **error)
{
  const char *bad = NULL;
  if (size > CSV_MAX_BYTES) {
    error_set(error, CCH_ERROR_BATCH_FILE, "larger than %d MiB", CSV_MAX_BYTES / (1024 * 1024));
    return FALSE;
  }
  if (g_utf8_validate_len(text, size, &bad)) /* a NUL is not valid either */
    return TRUE;
  guint line = 1;
  for (const char *p = text; p < bad; p++)
    line += *p == '\n';
  return fail(line, error, "not UTF-8");
}

CsvTable *
csv_parse(const char *text, gsize size, GError **error)
{
  static const char mark[] = "\xEF\xBB\xBF";
  if (!check_text(text, size, error))
    return NULL;
  gsize skipped = size >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;
  g_autoptr(CsvTable) table = g_new0(CsvTable, 1);
  table->text = g_strndup(text + skipped, size - skipped);
  table->pool = g_string_sized_new(size);
  table->cells = g_array_new(FALSE, FALSE, sizeof(gsize));
  table->rows = g_array_new(FALSE, FALSE, sizeof(Row));
  Reader reader = {.table = table, .at = table->text, .end = table->text + size - skipped, .line = 1};
  while (reader.at < reader.end)
    if (!read_row(&reader, error))
      return NULL;
  return g_steal_pointer(&table);
}
