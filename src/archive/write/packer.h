/* Compresses pieces of a table's COPY text on any thread, for the writer (archive/write/writer.h) to join into one
 * entry's data.
 *
 * Split an entry's data anywhere, into pieces of about ARCHIVE_PIECE_BYTES; each is compressed by itself. Rows have no
 * order, so pieces of whole rows may come from several threads and be joined in any order. The pieces of a split row
 * must follow each other. Pass rows only: the writer adds the end marker `\.`.
 *
 * A packer belongs to one thread at a time, a piece to its holder. Both are created once and reused: after the first
 * pieces nothing is allocated. */
#pragma once

#include "archive/toc/toc.h"

/* Enough for the compressors to find repetitions; the maximum size of a piece is 64 MB. */
#define ARCHIVE_PIECE_BYTES     (1024 * 1024)
#define ARCHIVE_PIECE_MAX_BYTES (64 * 1024 * 1024)

/* Speeds and sizes: docs/archive-format.md. */
typedef enum {
  ARCHIVE_LEVEL_NONE,
  ARCHIVE_LEVEL_FAST, /* zlib stream, as the next two */
  ARCHIVE_LEVEL_BALANCED,
  ARCHIVE_LEVEL_SMALL, /* no larger than pg_dump's default */
  ARCHIVE_LEVEL_LZ4,   /* this and the next: for pg_restore of PostgreSQL 16 or newer */
  ARCHIVE_LEVEL_ZSTD,
  ARCHIVE_LEVEL_COUNT
} ArchiveLevel;

/* "none", "fast", "balanced", "small", "lz4", "zstd". */
const char *archive_level_name(ArchiveLevel level);
gboolean archive_level_from_name(const char *name, ArchiveLevel *ret_level);
ArchiveCompression archive_level_compression(ArchiveLevel level);

/* Zero-initialise it; clear it at the end. */
typedef struct {
  guint8 *data; /* compressed; NULL or at least `capacity` bytes */
  gsize size;
  gsize capacity;
  guint64 raw_size; /* bytes before compression */
  guint32 adler32;  /* of the uncompressed bytes */
} ArchivePiece;

void archive_piece_clear(ArchivePiece *piece);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ArchivePiece, archive_piece_clear)

typedef struct ArchivePacker ArchivePacker;

ArchivePacker *archive_packer_new(ArchiveLevel level);
void archive_packer_free(ArchivePacker *packer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchivePacker, archive_packer_free)

/* Replaces the contents of `piece`. `size` may be 0: the writer skips such a piece. Fails (INTERNAL) only if a
 * compression library fails. */
gboolean archive_packer_pack(ArchivePacker *packer, const guint8 *data, gsize size, ArchivePiece *piece,
                             GError **error);
