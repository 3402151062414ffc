/* Compresses pieces of a table's COPY text on any thread, so that they can be joined to one entry's data by the writer
 * (archive/write/writer.h).
 *
 * Cut an entry's data anywhere, at about ARCHIVE_PIECE_BYTES; each piece is compressed by itself. Rows have no order,
 * so whole-row pieces of one entry may come from several threads and be joined in any order; the pieces of a row that
 * is cut must follow each other. The end marker `\.` is the writer's: pass rows only.
 *
 * A packer belongs to one thread at a time, a piece to whoever holds it. Both are made once and used again: after the
 * first pieces nothing is allocated. */
#pragma once

#include "archive/toc/toc.h"

/* Enough for the compressors to see what repeats; 64 MB is the most that a piece may have. */
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

/* Zero it to begin with; clear it in the end. */
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

/* Replaces what is in `piece`. `size` may be 0: the writer passes over such a piece. Fails (INTERNAL) only if a
 * compression library does. */
gboolean archive_packer_pack(ArchivePacker *packer, const guint8 *data, gsize size, ArchivePiece *piece,
                             GError **error);
