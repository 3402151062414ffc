/* Reads all data of an archive on several threads, one thread per entry at a time, and counts and hashes the rows. */
#pragma once

#include "archive/read/reader.h"
#include "archive/rows/row_hash.h"

/* `reader` was scanned or checked; afterwards its data infos are counted. `ret_totals` has one element per entry:
 * rows, bytes and hash of its COPY text; all zero for an entry without data or with other data. 0 threads: one per
 * processor. `progress` (may be NULL) is called on any thread, by one at a time. Errors are the reader's; of several
 * damaged entries one is named. */
gboolean archive_survey(ArchiveReader *reader, guint n_threads, RowTotals *ret_totals, ArchiveProgressFunc progress,
                        gpointer user_data, GCancellable *cancellable, GError **error);
