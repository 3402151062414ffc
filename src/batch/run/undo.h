/* Undoes an operation within 24 hours: sets every value that it changed back, all or nothing.
 *
 * A row that somebody has changed since, in one of those fields, or that is gone, is a conflict: the undo is refused
 * and lists them, or leaves them as they are if asked to. The rules of keys hold for an undo too. An undo is an
 * operation itself, and can be taken back. */
#pragma once

#include "batch/run/batch.h"

/* The answer: {operationId, undoneOperationId, restoredCount, skipped: [{entity, id, name}], dryRun, cacheNotified}, of
 * a dry run with rows, fields and refused. Errors: NOT_FOUND, BATCH_UNDO_EXPIRED, BATCH_UNDONE, BATCH_UNDO_NOTHING,
 * BATCH_UNDO_CONFLICT with the rows in `ret_conflicts`; BATCH_*. */
json_t *batch_undo(const BatchContext *context, const char *operation_id, gboolean skip_conflicts, gboolean is_dry_run,
                   BatchProblems *problems, json_t **ret_conflicts, GCancellable *cancellable, GError **error);
