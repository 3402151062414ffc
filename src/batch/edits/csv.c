#include "batch/edits/csv.h"

#include "base/error.h"

#include <string.h>

typedef struct {
  guint line;
  gsize from, to; /* offsets in the original text */
  guint first_cell, n_cells;
} Row;

struct CsvTable {
  char *text;    /* the original */
  GString *pool; /* the cells, each with a NUL after it */
  GArray *cells; /* gsize: where each cell begins in the pool */
  GArray *rows;  /* Row */
};

typedef struct {
  CsvTable *table;
  const char *at, *end;
  guint line;
  char separator;
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

char *
csv_head_text(const CsvTable *table)
{
  return g_strndup(table->text, g_array_index(table->rows, Row, 0).to);
}

static gboolean
fail(guint line, GError **error, const char *problem)
{
  error_set(error, CCH_ERROR_BATCH_FILE, "line %u: %s", line, problem);
  return FALSE;
}

/* TRUE at a separator, a line end, or the end of the text. */
static gboolean
is_at_end_of_cell(const Reader *reader)
{
  return reader->at == reader->end || *reader->at == reader->separator || *reader->at == '\n' ||
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

/* Removes the row again if it is empty. */
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
  for (;; reader->at++) { /* past the separator */
    if (row.n_cells++ == CSV_MAX_COLUMNS)
      return fail(reader->line, error, "more than 64 columns");
    if (!read_cell(reader, error))
      return FALSE;
    if (reader->at == reader->end || *reader->at != reader->separator)
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
  if (g_utf8_validate_len(text, size, &bad)) /* a NUL is invalid, too */
    return TRUE;
  guint line = 1;
  for (const char *p = text; p < bad; p++)
    line += *p == '\n';
  g_autofree char *from_gbk = g_convert(text, (gssize)size, "UTF-8", "GB18030", NULL, NULL, NULL);
  return fail(line, error,
              from_gbk != NULL && memchr(text, 0, size) == NULL
                  ? "not UTF-8 but probably GBK; save it as \"CSV UTF-8\", or convert it: iconv -f GBK -t UTF-8"
                  : "not UTF-8");
}

/* Converts UTF-16 with a byte order mark, as in Excel's "Unicode text", to UTF-8; NULL for any other text. */
static char *
from_utf16(const char *text, gsize size, gsize *ret_size)
{
  gboolean is_little = size >= 2 && memcmp(text, "\xFF\xFE", 2) == 0;
  gboolean is_big = size >= 2 && memcmp(text, "\xFE\xFF", 2) == 0;
  if (!is_little && !is_big)
    return NULL;
  return g_convert(text + 2, (gssize)size - 2, "UTF-8", is_little ? "UTF-16LE" : "UTF-16BE", NULL, ret_size, NULL);
}

/* The separator that the first line has most often outside quotes; a comma if it has none. */
static char
find_separator(const char *at, const char *end)
{
  static const char separators[] = ",;\t";
  guint counts[sizeof separators] = {0};
  gboolean is_quoted = FALSE;
  for (; at < end && (is_quoted || *at != '\n'); at++) {
    const char *found = *at != '\0' ? strchr(separators, *at) : NULL;
    is_quoted ^= *at == '"';
    if (found != NULL && !is_quoted)
      counts[found - separators]++;
  }
  guint most = 0;
  for (guint i = 1; separators[i] != '\0'; i++)
    if (counts[i] > counts[most])
      most = i;
  return separators[most];
}

/* Excel's first line "sep=;", which is not part of the table. */
static gboolean
skip_separator_line(Reader *reader)
{
  gsize left = (gsize)(reader->end - reader->at);
  if (left < 5 || memcmp(reader->at, "sep=", 4) != 0 || strchr(",;\t", reader->at[4]) == NULL)
    return FALSE;
  const char *after = reader->at + 5;
  gsize end_bytes = left == 5 ? 0 : *after == '\n' ? 1 : 2;
  if (end_bytes == 2 && !g_str_has_prefix(after, "\r\n"))
    return FALSE;
  reader->separator = reader->at[4];
  reader->at = after + end_bytes;
  reader->line++;
  return TRUE;
}

CsvTable *
csv_parse(const char *text, gsize size, GError **error)
{
  static const char mark[] = "\xEF\xBB\xBF";
  gsize converted_size = 0;
  g_autofree char *converted = size <= CSV_MAX_BYTES ? from_utf16(text, size, &converted_size) : NULL;
  if (converted != NULL) {
    text = converted;
    size = converted_size;
  }
  if (!check_text(text, size, error))
    return NULL;
  gsize skipped = 0; /* some programs add a mark to a file that has one */
  while (size - skipped >= 3 && memcmp(text + skipped, mark, 3) == 0)
    skipped += 3;
  g_autoptr(CsvTable) table = g_new0(CsvTable, 1);
  table->text = g_strndup(text + skipped, size - skipped);
  table->pool = g_string_sized_new(size);
  table->cells = g_array_new(FALSE, FALSE, sizeof(gsize));
  table->rows = g_array_new(FALSE, FALSE, sizeof(Row));
  Reader reader = {.table = table, .at = table->text, .end = table->text + size - skipped, .line = 1};
  if (!skip_separator_line(&reader))
    reader.separator = find_separator(reader.at, reader.end);
  while (reader.at < reader.end)
    if (!read_row(&reader, error))
      return NULL;
  return g_steal_pointer(&table);
}
