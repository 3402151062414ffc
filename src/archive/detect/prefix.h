/* Reads the beginning of an archive: its header, and as much of its table of contents as is present. */
#pragma once

#include "archive/toc/toc.h"

typedef struct {
  gboolean has_header; /* the header is complete */
  ArchiveHeader header;
  gboolean is_complete; /* the table of contents is complete */
  guint n_entries;      /* number of entries according to the table of contents; 0 if unknown */
  GArray *entries;      /* TocEntry: the complete ones, from the first on */
  guint64 bytes_read;   /* used for the entries; the whole file, unless they are complete */
} ArchivePrefix;

void archive_prefix_clear(ArchivePrefix *prefix);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ArchivePrefix, archive_prefix_clear)

/* Reads the regular file behind fd, the beginning of an archive of `size` bytes (G_MAXUINT64: unknown). A truncated
 * file is not an error. Other errors are those of archive_reader_open; ARCHIVE_CORRUPT also for anything that would
 * exceed `size`.
 */
gboolean archive_prefix_read(int fd, guint64 size, ArchivePrefix *ret_prefix, GError **error);
