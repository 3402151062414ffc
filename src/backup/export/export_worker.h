/* A thread that copies units of an export over its own connection: reads rows, counts, hashes and compresses them,
 * and pushes the pieces. It ends when no unit is left or the queue was stopped. An error of its own stops the queue. */
#pragma once

#include "backup/export/export_queue.h"
#include "backup/export/export_text.h"
#include "backup/export/export_units.h"

typedef struct ExportWorker ExportWorker;

/* The connection is in the snapshot's transaction, and belongs to the worker until free. `text` may be NULL. */
ExportWorker *export_worker_start(guint number, PgConnection *connection, const ExportUnits *units, ExportQueue *queue,
                                  ExportText *text, ArchiveLevel level);

/* Waits for the thread's end. To end it early, stop the queue, then trigger the connection's cancellable. */
void export_worker_free(ExportWorker *worker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExportWorker, export_worker_free)
