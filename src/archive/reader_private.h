/* The reader's inside: reader.c opens and answers, reader_block.c reads blocks, reader_locate.c finds them. */
#pragma once

#include "archive/codec.h"
#include "archive/copy_text.h"
#include "archive/reader.h"
#include "archive/wire.h"

/* Chunks are as small as a row: their bytes are gathered before they are decompressed. */
#define READER_INPUT_BYTES (256 * 1024)

/* Shared by a reader and its clones; does not change once it was read. */
typedef struct {
  ArchiveHeader header;
  guint64 data_start;      /* position of the first block */
  GArray *entries;         /* TocEntry */
  GHashTable *index_by_id; /* dump ID -> index + 1 */
} ArchiveToc;

struct ArchiveReader {
  int fd;
  ArchiveToc *toc; /* a reference */
  WireSource *source;
  gboolean is_located;    /* the blocks were found */
  ArchiveDataInfo *infos; /* one an entry */
  Codec *codec;
  guint8 *input;
};

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

ArchiveDataInfo *reader_info(const ArchiveReader *reader, const TocEntry *entry);

/* At a block: whose it is, by its type byte and dump ID. */
const TocEntry *reader_read_block_header(ArchiveReader *reader, GError **error);

/* The same, for a block met in passing: it must be the entry's only one. */
const TocEntry *reader_meet_block(ArchiveReader *reader, GError **error);

/* Behind a block's header: reads it to its end and fills pass->info but for the positions. */
gboolean reader_read_block(ReaderPass *pass, const TocEntry *entry, GError **error);

/* Every entry that has data has had its block. */
gboolean reader_check_none_missing(const ArchiveReader *reader, GError **error);
