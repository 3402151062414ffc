/* A CSV parser (RFC 4180, and what spreadsheets write).
 *
 * Cells are separated by commas, semicolons or tabs: the one that is most frequent in the first line, or the one
 * named in Excel's way ("sep=;"). Lines end with LF or CR LF. A quoted cell may contain any of these, and two quotes
 * for one. The text is UTF-8, with or without a byte order mark, or UTF-16 with one. Any bytes may be passed: an
 * error names the line, and the encoding that the text seems to have. Empty lines are skipped. */
#pragma once

#include <glib.h>

enum {
  CSV_MAX_BYTES = 64 * 1024 * 1024,
  CSV_MAX_ROWS = 200000,
  CSV_MAX_COLUMNS = 64,
  CSV_MAX_CELL_BYTES = 65536,
};

typedef struct CsvTable CsvTable;

/* BATCH_FILE on an error. Copies the text. */
CsvTable *csv_parse(const char *text, gsize size, GError **error);
void csv_free(CsvTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CsvTable, csv_free)

guint csv_rows(const CsvTable *table);
guint csv_row_line(const CsvTable *table, guint row); /* line number of the row's beginning; the first line is 1 */
guint csv_row_cells(const CsvTable *table, guint row);
const char *csv_cell(const CsvTable *table, guint row, guint column);
/* The original row without its line end; free with g_free. */
char *csv_row_text(const CsvTable *table, guint row);
/* The original first row and what precedes it: with this above them, all rows are parsed as before. The table must
 * have a row; free with g_free. */
char *csv_head_text(const CsvTable *table);
