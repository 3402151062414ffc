/* An event as JSON: one frame of the SSE stream, one line of `cch-data import --json`.
 *
 * {"type","message","exitCode"} as specified, plus phase, table, rows, rowsTotal, bytes, bytesTotal, percent, warning,
 * warningCount, errorCount, errorCode, and for complete tables: [{table, rows, inserted, skipped}]. */
#pragma once

#include "backup/report/event.h"
#include "base/json.h"

/* Free with json_decref. */
json_t *backup_event_to_json(const BackupEvent *event);

/* The event's text, without line breaks, for a socket or standard output; free with g_free. */
char *backup_event_json_text(const json_t *event);
