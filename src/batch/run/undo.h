/* Undoes an operation within 24 hours: sets every changed value back, all or nothing.
 *
 * A row is a conflict if one of these fields has been changed since, or if the row is gone. The undo is refused with
 * a list of the conflicts, or skips them if requested. The rules for keys apply to an undo, too. An undo is an
 * operation itself, and can be undone. */
#pragma once

#include "batch/run/batch.h"

/* Returns the answer: {operationId, undoneOperationId, restoredCount, skipped: [{entity, id, name}], dryRun,
 * cacheNotified}; for a dry run also rows, fields, refused. Errors: NOT_FOUND, BATCH_UNDO_EXPIRED, BATCH_UNDONE,
 * BATCH_UNDO_NOTHING, BATCH_UNDO_CONFLICT with the rows in `ret_conflicts`; BATCH_*. */
json_t *batch_undo(const BatchContext *context, const char *operation_id, gboolean skip_conflicts, gboolean is_dry_run,
                   BatchProblems *problems, json_t **ret_conflicts, GCancellable *cancellable, GError **error);
