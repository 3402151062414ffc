/* A list as a file, read piece by piece in constant memory from one snapshot.
 *
 * CSV (RFC 4180, UTF-8): a header with `id`, columns that identify the row for people (`name` and so on), and the
 * batch's fields by name, so that the edited file can be passed to `cch-data batch … --from`. Cells come from
 * batch_value_to_text. JSON: an array of the list's items. */
#pragma once

#include "batch/list/list.h"

typedef enum { BATCH_SHEET_CSV, BATCH_SHEET_JSON } BatchSheetFormat;

typedef struct BatchSheet BatchSheet;

/* Takes ownership of the connection, even if it fails. `with_mark`: a CSV begins with a byte order mark, from which
 * spreadsheets recognise UTF-8. Errors as in batch_list_page. */
BatchSheet *batch_sheet_open(PgConnection *connection, BatchFilter *filter, const char *redis_url,
                             const BatchPage *page, BatchSheetFormat format, gboolean with_mark, GError **error);
void batch_sheet_free(BatchSheet *sheet);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BatchSheet, batch_sheet_free)

/* At least one byte; 0 at the end; -1 on an error. */
gssize batch_sheet_read(BatchSheet *sheet, guint8 *buffer, gsize size, GError **error);

/* TRUE for a CSV column that is only for people and is not read back. */
gboolean batch_sheet_is_label(BatchEntity entity, const char *column);
