/* Writes an archive's header and table of contents (pg_backup_archiver.c: WriteHead, WriteToc): what toc_parse read is
 * written as it was, byte for byte, but for offsets and sizes of integers that the header states differently. */
#pragma once

#include "archive/toc/toc.h"

/* An integer as the archive has it; values below -2^31 or above 2^32 - 1 do not occur. */
void toc_write_int(GByteArray *out, const ArchiveHeader *header, gint64 value);

void toc_write_header(GByteArray *out, const ArchiveHeader *header);

/* Offsets become "not set", or stay "no data". `ret_positions` (n_entries of them) gets where in `out` each entry's
 * offset is: a state byte and offset_size bytes. */
void toc_write_entries(GByteArray *out, const ArchiveHeader *header, const TocEntry *entries, guint n_entries,
                       guint64 *ret_positions);
