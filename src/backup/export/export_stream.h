/* Writes the archive as a stream of bytes from the workers' pieces, in the archive's order and as fast as it is read.
 * Workers wait while their queues are full.
 *
 * One thread reads. Any thread may ask for the progress. */
#pragma once

#include "backup/export/export.h"
#include "backup/export/export_queue.h"
#include "backup/export/export_units.h"
#include "base/sha256.h"

typedef struct ExportStream ExportStream;

/* All of these must outlive the stream. */
ExportStream *export_stream_new(const ArchiveHeader *header, const GArray *toc_entries, const ExportUnits *units,
                                ExportQueue *queue, ArchiveLevel level);
void export_stream_free(ExportStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExportStream, export_stream_free)

/* Returns at least one byte; 0 at the archive's end; -1 on an error, or (CANCELLED) if the queue was stopped without
 * one. */
gssize export_stream_read(ExportStream *stream, guint8 *buffer, gsize size, GError **error);

/* Totals of an entry (an index into the units' entries), after the end of the stream. */
const RowTotals *export_stream_totals(const ExportStream *stream, guint entry);
guint64 export_stream_bytes(const ExportStream *stream);
/* SHA-256 of the archive; NULL before its end. */
const char *export_stream_sha256(const ExportStream *stream);

gboolean export_stream_patch_offsets(const ExportStream *stream, int fd, GError **error);

void export_stream_progress(ExportStream *stream, BackupExportProgress *ret_progress);
