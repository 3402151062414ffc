/* Reads an archive's header and its table of contents (pg_backup_archiver.c: ReadHead, ReadToc). */
#pragma once

#include "archive/toc/wire.h"

/* Limits on the sizes that an archive may state. */
#define ARCHIVE_MAX_ENTRIES      (1000 * 1000)
#define ARCHIVE_MAX_STRING_BYTES (64 * 1024 * 1024)  /* one TOC string */
#define ARCHIVE_MAX_TOC_BYTES    (256 * 1024 * 1024) /* all TOC strings together */

/* TRUE if a file that begins with these bytes can be a custom-format archive ("PGDMP", major version 1, format 1),
 * or if there are too few bytes to tell. 16 bytes always suffice. */
gboolean archive_magic_plausible(const guint8 *bytes, gsize n_bytes);

/* Parses the header from the start of the file, and tells the source the sizes of integers and offsets. Errors:
 * ARCHIVE_FORMAT, ARCHIVE_VERSION, ARCHIVE_CORRUPT, FILE. */
gboolean toc_parse_header(WireSource *source, ArchiveHeader *ret_header, GError **error);

/* Parses the entries after the header into an array of TocEntry, which owns them. Errors: ARCHIVE_CORRUPT,
 * ARCHIVE_UNSUPPORTED (a table WITH OIDS), FILE. */
GArray *toc_parse_entries(WireSource *source, const ArchiveHeader *header, GError **error);

/* The same in two steps: the number of entries, and the entries. After a failure the array has the complete ones. */
gboolean toc_parse_count(WireSource *source, const ArchiveHeader *header, guint *ret_n_entries, GError **error);
GArray *toc_entries_new(void);
gboolean toc_parse_into(GArray *entries, guint n_entries, WireSource *source, const ArchiveHeader *header,
                        GError **error);
