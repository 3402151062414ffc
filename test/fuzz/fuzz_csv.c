/* CSV: cells that are read and written again read the same. Any rows for a batch are read or refused. */
#include "batch/edits/csv.h"
#include "batch/edits/edits.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every cell in quotes. */
static GString *
write_again(const CsvTable *table)
{
  GString *text = g_string_new(NULL);
  for (guint row = 0; row < csv_rows(table); row++) {
    for (guint column = 0; column < csv_row_cells(table, row); column++) {
      g_autoptr(GString) cell = g_string_new(csv_cell(table, row, column));
      g_string_replace(cell, "\"", "\"\"", 0);
      g_string_append_printf(text, "%s\"%s\"", column > 0 ? "," : "", cell->str);
    }
    g_string_append_c(text, '\n');
  }
  return text;
}

static void
compare(const CsvTable *a, const CsvTable *b)
{
  if (b == NULL || csv_rows(a) != csv_rows(b))
    abort();
  for (guint row = 0; row < csv_rows(a); row++) {
    if (csv_row_cells(a, row) != csv_row_cells(b, row) || csv_row_line(a, row) == 0)
      abort();
    for (guint column = 0; column < csv_row_cells(a, row); column++)
      if (strcmp(csv_cell(a, row, column), csv_cell(b, row, column)) != 0)
        abort();
    /* Below the header, like the file of rows that could not be changed. */
    g_autofree char *head = csv_head_text(a), *row_text = csv_row_text(a, row);
    g_autofree char *text = g_strconcat(head, "\n", row_text, NULL);
    g_autoptr(CsvTable) one = csv_parse(text, strlen(text), NULL);
    if (one == NULL || csv_rows(one) != 2 || csv_row_cells(one, 1) != csv_row_cells(a, row))
      abort();
  }
}

static void
read_edits(const uint8_t *data, size_t size)
{
  g_autoptr(GHashTable) widths = g_hash_table_new(g_str_hash, g_str_equal);
  BatchEntity entity = size > 0 ? data[size - 1] % 3 : BATCH_USERS;
  g_auto(BatchProblems) problems = {.language = LANGUAGE_EN};
  g_autoptr(GError) error = NULL;
  g_autoptr(BatchEdits) edits = batch_edits_parse(entity, (const char *)data, size, widths, &problems, &error);
  if ((edits == NULL) != (error != NULL))
    abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(CsvTable) table = csv_parse((const char *)data, size, NULL);
  if (table != NULL) {
    g_autoptr(GString) text = write_again(table);
    g_autoptr(CsvTable) again = csv_parse(text->str, text->len, NULL);
    compare(table, again);
  }
  read_edits(data, size);
  return 0;
}
