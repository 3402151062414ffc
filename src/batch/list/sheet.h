/* A list as a file, read piece by piece in constant memory, out of one snapshot.
 *
 * CSV (RFC 4180, UTF-8): a header row with `id`, the columns that say whose row it is (`name` and the like), and the
 * batch's fields by their names, so that the file, edited, is what `cch-data batch … --from` takes. Cells are those of
 * batch_value_to_text. JSON: an array of the items of the list. */
#pragma once

#include "batch/list/list.h"

typedef enum { BATCH_SHEET_CSV, BATCH_SHEET_JSON } BatchSheetFormat;

typedef struct BatchSheet BatchSheet;

/* Takes the connection over, also when it fails. `with_mark`: a CSV begins with the byte order mark by which
 * spreadsheets know UTF-8. Errors as batch_list_page. */
BatchSheet *batch_sheet_open(PgConnection *connection, BatchFilter *filter, const char *redis_url,
                             const BatchPage *page, BatchSheetFormat format, gboolean with_mark, GError **error);
void batch_sheet_free(BatchSheet *sheet);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BatchSheet, batch_sheet_free)

/* At least one byte; 0 at the end; -1 on an error. */
gssize batch_sheet_read(BatchSheet *sheet, guint8 *buffer, gsize size, GError **error);

/* TRUE for a column of a CSV that is there for people only, and is not read back. */
gboolean batch_sheet_is_label(BatchEntity entity, const char *column);
