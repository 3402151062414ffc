/* An event as JSON: one frame of the SSE stream, one line of `cch-data import --json`.
 *
 * {"type","message","exitCode"} as specified, plus phase, table, rows, rowsTotal, bytes, bytesTotal, percent, warning,
 * warningCount, errorCount, errorCode, and for complete tables: [{table, rows, inserted, skipped}]. */
#pragma once

#include "backup/report/event.h"

/* Without line breaks; free with g_free. */
char *backup_event_to_json(const BackupEvent *event);
