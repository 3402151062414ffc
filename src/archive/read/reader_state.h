/* A reader's state and its lookups, below the modules that read blocks (reader_block.h) and find them
 * (reader_locate.c). */
#pragma once

#include "archive/read/codec.h"
#include "archive/read/entry_data.h"
#include "archive/toc/wire.h"

/* Chunks are as small as a row: their bytes are gathered before they are decompressed. */
#define READER_INPUT_BYTES (256 * 1024)

/* Shared by a reader and its clones; does not change once it was read. */
typedef struct {
  ArchiveHeader header;
  guint64 data_start;      /* position of the first block */
  GArray *entries;         /* TocEntry */
  GHashTable *index_by_id; /* dump ID -> index + 1 */
} ArchiveToc;

typedef struct ArchiveReader {
  int fd;
  ArchiveToc *toc; /* a reference */
  WireSource *source;
  gboolean is_located;    /* the blocks were found */
  gboolean is_expecting;  /* or are found when they are read: the file is still arriving */
  guint64 walked_to;      /* is_expecting: where the first block begins that was not found yet */
  guint64 padding_bytes;  /* zero bytes behind the last block */
  ArchiveDataInfo *infos; /* one an entry */
  Codec *codec;
  guint8 *input;
} ArchiveReader;

guint reader_n_entries(const ArchiveReader *reader);
const TocEntry *reader_entry(const ArchiveReader *reader, guint index);
/* The entry with this dump ID, or NULL. */
const TocEntry *reader_find(const ArchiveReader *reader, int dump_id);
ArchiveDataInfo *reader_info(const ArchiveReader *reader, const TocEntry *entry);

/* is_expecting: passes over blocks until it meets this entry's. */
gboolean reader_walk_to(ArchiveReader *reader, const TocEntry *entry, GCancellable *cancellable, GError **error);

/* Finds the blocks that lie whole in a file that has only the beginning of an archive. */
void reader_locate_beginning(ArchiveReader *reader, GCancellable *cancellable);

/* At the archive's end: passes over zero bytes, which transfers leave that allocate a file beforehand. ARCHIVE_CORRUPT,
 * with the command that cuts it off, for anything else that follows. */
gboolean reader_pass_padding(ArchiveReader *reader, GCancellable *cancellable, GError **error);
