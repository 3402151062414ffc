/* Passes compressed pieces from the workers to the writer of the archive.
 *
 * Units are handed out in the archive's order. Each worker has its own queue, bounded by bytes: a worker that is ahead
 * of the archive waits when its queue is full. The reader takes pieces of the current entry from any worker. A deadlock
 * is impossible: an unfinished unit of that entry belongs to a worker whose queue holds no later entry before it, so
 * the reader can empty that queue.
 *
 * Thread-safe. Stopping, by an error or by the reader, wakes everyone. */
#pragma once

#include "archive/rows/row_hash.h"
#include "archive/write/packer.h"

#include <gio/gio.h>

typedef struct ExportQueue ExportQueue;

typedef struct {
  ArchivePiece piece;
  guint unit;
  RowTotals totals;     /* of the rows that end in this piece */
  gboolean is_row_cut;  /* the worker's next piece continues the last row */
  gboolean is_unit_end; /* the last piece of the unit */
  guint32 large_object; /* its OID; else 0 */
  gboolean is_object_start, is_object_end;
} ExportPiece;

/* `max_bytes`: per worker; one piece is always allowed. */
ExportQueue *export_queue_new(guint n_workers, guint n_units, gsize max_bytes);
void export_queue_free(ExportQueue *queue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExportQueue, export_queue_free)

/* For workers: the next unit; FALSE if none is left, or the queue was stopped. */
gboolean export_queue_next_unit(ExportQueue *queue, guint *ret_unit);

/* Returns a piece to fill, reused if possible. Give it back to push or return it. */
ExportPiece *export_queue_borrow(ExportQueue *queue);
void export_queue_return(ExportQueue *queue, ExportPiece *piece);

/* Takes ownership of the piece; waits while the worker's queue is full. FALSE if the queue was stopped. */
gboolean export_queue_push(ExportQueue *queue, guint worker, ExportPiece *piece);

/* For the reader: a piece of one of the units first_unit to first_unit + n_units - 1. A non-negative `from` limits
 * it to that worker. *ret_worker is the piece's worker. The caller returns the piece. NULL if the queue was stopped. */
ExportPiece *export_queue_pop(ExportQueue *queue, guint first_unit, guint n_units, int from, int *ret_worker);

/* Stops the queue; the first error is kept (copied; NULL: none). */
void export_queue_stop(ExportQueue *queue, const GError *error);

/* TRUE, with the error, if the queue was stopped with one. */
gboolean export_queue_failure(ExportQueue *queue, GError **error);
