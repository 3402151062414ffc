/* Reads all data of an archive over several threads, each entry by one of them, and counts and hashes the rows. */
#pragma once

#include "archive/read/reader.h"
#include "archive/rows/row_hash.h"

/* `reader` was scanned or checked; afterwards its data infos are counted. `ret_totals` has one element for each entry:
 * rows, bytes and hash of its COPY text; all zero for an entry without data or with other data. 0 threads: one for each
 * processor. `progress` (may be NULL) is called by one thread at a time, but by any. Errors are the reader's; of
 * several damaged entries one is named. */
gboolean archive_survey(ArchiveReader *reader, guint n_threads, RowTotals *ret_totals, ArchiveProgressFunc progress,
                        gpointer user_data, GCancellable *cancellable, GError **error);
