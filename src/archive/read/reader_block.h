/* Reads one data block: whose it is, and its contents from the first chunk to the last. */
#pragma once

#include "archive/read/copy_text.h"
#include "archive/read/reader_state.h"

#include <gio/gio.h>

/* One pass over one block. */
typedef struct {
  ArchiveReader *reader;
  ArchiveDataInfo info; /* what it finds */
  gboolean is_copy_text;
  gboolean is_skipped; /* passed over without decompressing it */
  CopyText copy_text;

  ArchiveSinkFunc sink; /* NULL: nowhere */
  ArchiveLargeObjectFunc large_object;
  gpointer user_data;

  ArchiveProgressFunc progress; /* may be NULL, as may the next */
  gpointer progress_data;
  guint64 *reported; /* bytes */
  GCancellable *cancellable;
} ReaderPass;

/* At a block: whose it is, by its type byte and dump ID. */
const TocEntry *reader_read_block_header(ArchiveReader *reader, GError **error);

/* Behind a block's header: reads it to its end and fills pass->info but for the positions. */
gboolean reader_read_block(ReaderPass *pass, const TocEntry *entry, GError **error);
