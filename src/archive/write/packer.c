#include "archive/write/packer.h"

#include "archive/write/deflate_tail.h"
#include "base/error.h"

#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <lz4frame.h>
#include <string.h>
#include <zstd.h>

#define ZSTD_LEVEL             3
#define LIBDEFLATE_BALANCED    3
#define LIBDEFLATE_SMALL       6
#define ISAL_LEVEL             1
#define ISAL_LEVEL_BUFFER      ISAL_DEF_LVL1_DEFAULT
#define ISAL_STORED_BYTES      65535 /* largest stored block */
#define ISAL_BLOCK_EXTRA_BYTES 16    /* its header and the end of a piece */

struct ArchivePacker {
  ArchiveLevel level;
  struct isal_zstream *isal;
  guint8 *isal_buffer;
  struct libdeflate_compressor *libdeflate;
  DeflateTail *tail;
  ZSTD_CCtx *zstd;
  LZ4F_cctx *lz4;
};

static const struct {
  const char *name;
  ArchiveCompression compression;
} levels[ARCHIVE_LEVEL_COUNT] = {
    [ARCHIVE_LEVEL_NONE] = {"none", ARCHIVE_COMPRESSION_NONE},
    [ARCHIVE_LEVEL_FAST] = {"fast", ARCHIVE_COMPRESSION_GZIP},
    [ARCHIVE_LEVEL_BALANCED] = {"balanced", ARCHIVE_COMPRESSION_GZIP},
    [ARCHIVE_LEVEL_SMALL] = {"small", ARCHIVE_COMPRESSION_GZIP},
    [ARCHIVE_LEVEL_LZ4] = {"lz4", ARCHIVE_COMPRESSION_LZ4},
    [ARCHIVE_LEVEL_ZSTD] = {"zstd", ARCHIVE_COMPRESSION_ZSTD},
};

const char *
archive_level_name(ArchiveLevel level)
{
  g_return_val_if_fail(level < ARCHIVE_LEVEL_COUNT, NULL);
  return levels[level].name;
}

gboolean
archive_level_from_name(const char *name, ArchiveLevel *ret_level)
{
  for (ArchiveLevel level = 0; level < ARCHIVE_LEVEL_COUNT; level++) {
    if (strcmp(name, levels[level].name) == 0) {
      *ret_level = level;
      return TRUE;
    }
  }
  return FALSE;
}

ArchiveCompression
archive_level_compression(ArchiveLevel level)
{
  g_return_val_if_fail(level < ARCHIVE_LEVEL_COUNT, ARCHIVE_COMPRESSION_NONE);
  return levels[level].compression;
}

void
archive_piece_clear(ArchivePiece *piece)
{
  g_free(piece->data);
  memset(piece, 0, sizeof *piece);
}

static void
new_isal(ArchivePacker *packer)
{
  packer->isal = g_new0(struct isal_zstream, 1);
  packer->isal_buffer = g_malloc(ISAL_LEVEL_BUFFER);
}

static void
new_zstd(ArchivePacker *packer)
{
  packer->zstd = ZSTD_createCCtx();
  if (packer->zstd == NULL)
    g_error("out of memory"); /* as g_malloc does */
  ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
  ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_checksumFlag, 1);
}

ArchivePacker *
archive_packer_new(ArchiveLevel level)
{
  ArchivePacker *packer = g_new0(ArchivePacker, 1);
  packer->level = level;
  if (level == ARCHIVE_LEVEL_FAST) {
    new_isal(packer);
  } else if (level == ARCHIVE_LEVEL_BALANCED || level == ARCHIVE_LEVEL_SMALL) {
    packer->libdeflate =
        libdeflate_alloc_compressor(level == ARCHIVE_LEVEL_SMALL ? LIBDEFLATE_SMALL : LIBDEFLATE_BALANCED);
    packer->tail = deflate_tail_new();
    if (packer->libdeflate == NULL)
      g_error("out of memory");
  } else if (level == ARCHIVE_LEVEL_ZSTD) {
    new_zstd(packer);
  } else if (level == ARCHIVE_LEVEL_LZ4) {
    if (LZ4F_isError(LZ4F_createCompressionContext(&packer->lz4, LZ4F_VERSION)))
      g_error("out of memory");
  }
  return packer;
}

void
archive_packer_free(ArchivePacker *packer)
{
  if (packer == NULL)
    return;
  g_free(packer->isal);
  g_free(packer->isal_buffer);
  libdeflate_free_compressor(packer->libdeflate);
  deflate_tail_free(packer->tail);
  ZSTD_freeCCtx(packer->zstd);
  LZ4F_freeCompressionContext(packer->lz4);
  g_free(packer);
}

static void
reserve(ArchivePiece *piece, gsize capacity)
{
  if (piece->capacity >= capacity)
    return;
  g_free(piece->data);
  piece->data = g_malloc(capacity);
  piece->capacity = capacity;
}

/* A full flush ends the piece at a byte boundary, and makes the next piece independent of it. */
static gboolean
pack_isal(ArchivePacker *packer, const guint8 *data, gsize size, ArchivePiece *piece, GError **error)
{
  struct isal_zstream *stream = packer->isal;
  reserve(piece, size + (size / ISAL_STORED_BYTES + 1) * ISAL_BLOCK_EXTRA_BYTES);
  isal_deflate_init(stream);
  stream->level = ISAL_LEVEL;
  stream->level_buf = packer->isal_buffer;
  stream->level_buf_size = ISAL_LEVEL_BUFFER;
  stream->flush = FULL_FLUSH;
  stream->next_in = (guint8 *)data; /* only read */
  stream->avail_in = (guint32)size;
  stream->next_out = piece->data;
  stream->avail_out = (guint32)piece->capacity;
  int code = isal_deflate(stream);
  if (code != COMP_OK || stream->avail_in > 0 || stream->avail_out == 0) {
    error_set(error, CCH_ERROR_INTERNAL, "ISA-L could not compress (%d)", code);
    return FALSE;
  }
  piece->size = piece->capacity - stream->avail_out;
  return TRUE;
}

/* libdeflate only produces whole streams: its last block is changed so that others may follow. */
static gboolean
pack_libdeflate(ArchivePacker *packer, const guint8 *data, gsize size, ArchivePiece *piece, GError **error)
{
  reserve(piece, libdeflate_deflate_compress_bound(packer->libdeflate, size) + DEFLATE_TAIL_MAX_BYTES);
  piece->size = libdeflate_deflate_compress(packer->libdeflate, data, size, piece->data, piece->capacity);
  if (piece->size == 0 || !deflate_tail_reopen(packer->tail, piece->data, &piece->size, piece->capacity)) {
    error_set(error, CCH_ERROR_INTERNAL, "libdeflate could not compress");
    return FALSE;
  }
  return TRUE;
}

static gboolean
pack_zstd(ArchivePacker *packer, const guint8 *data, gsize size, ArchivePiece *piece, GError **error)
{
  reserve(piece, ZSTD_compressBound(size));
  gsize stored = ZSTD_compress2(packer->zstd, piece->data, piece->capacity, data, size);
  if (ZSTD_isError(stored)) {
    error_set(error, CCH_ERROR_INTERNAL, "zstd could not compress: %s", ZSTD_getErrorName(stored));
    return FALSE;
  }
  piece->size = stored;
  return TRUE;
}

static gboolean
pack_lz4(ArchivePacker *packer, const guint8 *data, gsize size, ArchivePiece *piece, GError **error)
{
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  preferences.frameInfo.blockSizeID = LZ4F_max1MB;
  preferences.autoFlush = 1; /* needs no buffer of its own */
  reserve(piece, LZ4F_HEADER_SIZE_MAX + LZ4F_compressBound(size, &preferences));
  gsize begin = LZ4F_compressBegin(packer->lz4, piece->data, piece->capacity, &preferences);
  gsize body = begin, end = begin;
  if (!LZ4F_isError(begin))
    body = LZ4F_compressUpdate(packer->lz4, piece->data + begin, piece->capacity - begin, data, size, NULL);
  if (!LZ4F_isError(begin) && !LZ4F_isError(body))
    end = LZ4F_compressEnd(packer->lz4, piece->data + begin + body, piece->capacity - begin - body, NULL);
  if (LZ4F_isError(begin) || LZ4F_isError(body) || LZ4F_isError(end)) {
    error_set(error, CCH_ERROR_INTERNAL, "LZ4 could not compress");
    return FALSE;
  }
  piece->size = begin + body + end;
  return TRUE;
}

static gboolean
pack_none(const guint8 *data, gsize size, ArchivePiece *piece)
{
  reserve(piece, size);
  memcpy(piece->data, data, size);
  piece->size = size;
  return TRUE;
}

static gboolean
pack_any(ArchivePacker *packer, const guint8 *data, gsize size, ArchivePiece *piece, GError **error)
{
  switch (packer->level) {
  case ARCHIVE_LEVEL_NONE:
    return pack_none(data, size, piece);
  case ARCHIVE_LEVEL_FAST:
    return pack_isal(packer, data, size, piece, error);
  case ARCHIVE_LEVEL_BALANCED:
  case ARCHIVE_LEVEL_SMALL:
    return pack_libdeflate(packer, data, size, piece, error);
  case ARCHIVE_LEVEL_LZ4:
    return pack_lz4(packer, data, size, piece, error);
  case ARCHIVE_LEVEL_ZSTD:
    return pack_zstd(packer, data, size, piece, error);
  case ARCHIVE_LEVEL_COUNT:
    break;
  }
  g_assert_not_reached();
}

gboolean
archive_packer_pack(ArchivePacker *packer, const guint8 *data, gsize size, ArchivePiece *piece, GError **error)
{
  g_return_val_if_fail(size <= ARCHIVE_PIECE_MAX_BYTES, FALSE);
  piece->size = 0;
  piece->raw_size = size;
  piece->adler32 = 1;
  ArchiveCompression compression = archive_level_compression(packer->level);
  if (size == 0 && (compression == ARCHIVE_COMPRESSION_NONE || compression == ARCHIVE_COMPRESSION_GZIP))
    return TRUE;
  if (compression == ARCHIVE_COMPRESSION_GZIP)
    piece->adler32 = libdeflate_adler32(1, data, size);
  return pack_any(packer, data, size, piece, error);
}
