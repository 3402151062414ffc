/* Reads the beginning of an archive: its header, and as much of its table of contents as is there. */
#pragma once

#include "archive/toc/toc.h"

typedef struct {
  gboolean has_header; /* the header is whole */
  ArchiveHeader header;
  gboolean is_complete; /* so is the table of contents */
  guint n_entries;      /* that the table of contents says it has; 0 while that is not known */
  GArray *entries;      /* TocEntry: the whole ones, from the first on */
  guint64 bytes_read;   /* for them; all that there is, unless it is complete */
} ArchivePrefix;

void archive_prefix_clear(ArchivePrefix *prefix);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ArchivePrefix, archive_prefix_clear)

/* Reads the regular file behind fd, the beginning of an archive of `size` bytes (G_MAXUINT64: not known). A truncated
 * file is not an error. Errors are those of archive_reader_open; ARCHIVE_CORRUPT also for what would go beyond `size`.
 */
gboolean archive_prefix_read(int fd, guint64 size, ArchivePrefix *ret_prefix, GError **error);
