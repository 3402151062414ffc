/* Rows of an export whose text is not valid in the database's encoding. The server stores such text where it came from
 * a session that claimed SQL_ASCII, and reads it for nobody afterwards: an archive of it can be imported nowhere. The
 * export goes on, because it may be the only copy, and says so. Known for databases in UTF-8. Thread-safe. */
#pragma once

#include "archive/rows/copy_text_utf8.h"
#include "backup/export/export_units.h"
#include "base/language.h"

typedef struct ExportText ExportText;

/* `units` must outlive it. NULL for a database in another encoding, which all functions accept. */
ExportText *export_text_new(const ExportUnits *units, const char *encoding);
void export_text_free(ExportText *text);

/* One COPY's state; zero it before. */
typedef struct {
  Utf8State state;
  gboolean is_row_counted; /* the row that goes on in the next piece is known to be invalid */
} ExportTextState;

/* Checks a piece of an entry's rows, which ends at a row's end unless `is_row_cut`. */
void export_text_check(ExportText *text, ExportTextState *state, guint entry, const guint8 *data, gsize size,
                       gboolean is_row_cut);

/* A sentence for each table with such rows; NULL without any. Free with g_strfreev. */
char **export_text_warnings(ExportText *text, Language language);
