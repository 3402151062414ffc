/* Reads an archive's header and its table of contents (pg_backup_archiver.c: ReadHead, ReadToc). */
#pragma once

#include "archive/wire.h"

/* From the start of the file; tells the source the sizes of integers and offsets. Errors: ARCHIVE_FORMAT,
 * ARCHIVE_VERSION, ARCHIVE_CORRUPT, FILE. */
gboolean toc_parse_header(WireSource *source, ArchiveHeader *ret_header, GError **error);

/* From behind the header: an array of TocEntry that frees them. Errors: ARCHIVE_CORRUPT, ARCHIVE_UNSUPPORTED (a table
 * WITH OIDS), FILE. */
GArray *toc_parse_entries(WireSource *source, const ArchiveHeader *header, GError **error);
