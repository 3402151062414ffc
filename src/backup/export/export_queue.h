/* Packed pieces on their way from the workers to whoever writes the archive.
 *
 * Units are handed out in the archive's order, and each worker has a queue of its own, bounded by bytes: one that ran
 * ahead of the archive waits when its queue is full. The reader takes pieces of the entry that it is at from any
 * worker. No deadlock is possible: a unit of that entry which is not finished is worked on by a worker whose queue
 * holds nothing of later entries before it, so that the reader empties it.
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
  gboolean is_row_cut;  /* the next piece of this worker goes on with the row */
  gboolean is_unit_end; /* the last piece of the unit */
  guint32 large_object; /* its OID; else 0 */
  gboolean is_object_start, is_object_end;
} ExportPiece;

/* `max_bytes`: for each worker; one piece is always let through. */
ExportQueue *export_queue_new(guint n_workers, guint n_units, gsize max_bytes);
void export_queue_free(ExportQueue *queue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExportQueue, export_queue_free)

/* Workers: the next unit; FALSE when there is none, or the queue was stopped. */
gboolean export_queue_next_unit(ExportQueue *queue, guint *ret_unit);

/* A piece to fill, used before where possible; give it to push or return it. */
ExportPiece *export_queue_borrow(ExportQueue *queue);
void export_queue_return(ExportQueue *queue, ExportPiece *piece);

/* Takes the piece; waits while the worker's queue is full. FALSE when the queue was stopped. */
gboolean export_queue_push(ExportQueue *queue, guint worker, ExportPiece *piece);

/* The reader: a piece of one of the units first_unit to first_unit + n_units - 1, of worker `from` alone unless it is
 * negative; *ret_worker is whose it was. To be returned. NULL when the queue was stopped. */
ExportPiece *export_queue_pop(ExportQueue *queue, guint first_unit, guint n_units, int from, int *ret_worker);

/* Stops; the first error is kept (copied; NULL: none). */
void export_queue_stop(ExportQueue *queue, const GError *error);

/* TRUE with the error that the queue was stopped with. */
gboolean export_queue_failure(ExportQueue *queue, GError **error);
