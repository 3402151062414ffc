/* A CSV parser (RFC 4180, and what spreadsheets write). Cells stand between commas, semicolons or tabs, whichever the
 * first line has most of, or says in Excel's way ("sep=;"); lines end with LF or CR LF. A cell in quotes may hold all
 * of these, and two quotes for one. The text is UTF-8, with or without a byte order mark, or UTF-16 with one; any bytes
 * may be given, and an error names the line, and an encoding that the text seems to be in. Empty lines are skipped. */
#pragma once

#include <glib.h>

enum {
  CSV_MAX_BYTES = 64 * 1024 * 1024,
  CSV_MAX_ROWS = 200000,
  CSV_MAX_COLUMNS = 64,
  CSV_MAX_CELL_BYTES = 65536,
};

typedef struct CsvTable CsvTable;

/* BATCH_FILE. The text is copied. */
CsvTable *csv_parse(const char *text, gsize size, GError **error);
void csv_free(CsvTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CsvTable, csv_free)

guint csv_rows(const CsvTable *table);
guint csv_row_line(const CsvTable *table, guint row); /* where it begins; the first line is 1 */
guint csv_row_cells(const CsvTable *table, guint row);
const char *csv_cell(const CsvTable *table, guint row, guint column);
/* The row as it came, without the end of its line; free with g_free. */
char *csv_row_text(const CsvTable *table, guint row);
/* The first row as it came, with what stands above it: below it every row reads as it did. The table has a row; free with
 * g_free. */
char *csv_head_text(const CsvTable *table);
