/* Writes an archive's header and table of contents (pg_backup_archiver.c: WriteHead, WriteToc). What toc_parse read
 * is written byte for byte, except for offsets and for integers if the header states another size. */
#pragma once

#include "archive/toc/toc.h"

/* An integer as stored in the archive; the value is from -2^31 to 2^32 - 1. */
void toc_write_int(GByteArray *out, const ArchiveHeader *header, gint64 value);

void toc_write_header(GByteArray *out, const ArchiveHeader *header);

/* Offsets become "not set", or stay "no data". `ret_positions` (n_entries of them) gets the position in `out` of
 * each entry's offset: a state byte and offset_size bytes. */
void toc_write_entries(GByteArray *out, const ArchiveHeader *header, const TocEntry *entries, guint n_entries,
                       guint64 *ret_positions);
