#include "archive/read/codec.h"

#include "base/error.h"

#include <isa-l/igzip_lib.h>
#include <lz4frame.h>
#include <zstd.h>

/* Fits the second-level cache, where the next step finds it. */
#define OUTPUT_BYTES    (256 * 1024)
#define ZSTD_WINDOW_LOG 27

/* One step: consumes bytes of `data`, writes to codec->output. */
typedef struct {
  gsize consumed;
  gsize produced;
  gboolean is_end;     /* the stream's last byte has been read, and its output written */
  gboolean is_overrun; /* and bytes after it have been consumed */
} Step;

struct Codec {
  ArchiveCompression compression;
  gboolean is_ended; /* the stream, or a frame */
  struct inflate_state *inflate;
  LZ4F_dctx *lz4;
  ZSTD_DCtx *zstd;
  guint8 *output;
};

Codec *
codec_new(ArchiveCompression compression)
{
  Codec *codec = g_new0(Codec, 1);
  codec->compression = compression;
  if (compression != ARCHIVE_COMPRESSION_NONE)
    codec->output = g_malloc(OUTPUT_BYTES);
  if (compression == ARCHIVE_COMPRESSION_GZIP) {
    codec->inflate = g_new(struct inflate_state, 1);
    isal_inflate_init(codec->inflate);
  } else if (compression == ARCHIVE_COMPRESSION_LZ4) {
    if (LZ4F_isError(LZ4F_createDecompressionContext(&codec->lz4, LZ4F_VERSION)))
      g_error("out of memory"); /* as g_malloc does */
  } else if (compression == ARCHIVE_COMPRESSION_ZSTD) {
    codec->zstd = ZSTD_createDCtx();
    if (codec->zstd == NULL)
      g_error("out of memory");
    ZSTD_DCtx_setParameter(codec->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
  }
  codec_reset(codec);
  return codec;
}

void
codec_free(Codec *codec)
{
  if (codec == NULL)
    return;
  g_free(codec->inflate);
  LZ4F_freeDecompressionContext(codec->lz4);
  ZSTD_freeDCtx(codec->zstd);
  g_free(codec->output);
  g_free(codec);
}

void
codec_reset(Codec *codec)
{
  codec->is_ended = FALSE;
  if (codec->inflate != NULL) {
    isal_inflate_reset(codec->inflate);
    codec->inflate->avail_in = 0;
    codec->inflate->hist_bits = 0;
    codec->inflate->crc_flag = ISAL_ZLIB;
  } else if (codec->lz4 != NULL) {
    LZ4F_resetDecompressionContext(codec->lz4);
  } else if (codec->zstd != NULL) {
    ZSTD_DCtx_reset(codec->zstd, ZSTD_reset_session_only);
  }
}

static const char *
inflate_error_text(int code)
{
  switch (code) {
  case ISAL_INCORRECT_CHECKSUM:
    return "its checksum is wrong";
  case ISAL_NEED_DICT:
    return "it needs a dictionary";
  case ISAL_INVALID_WRAPPER:
  case ISAL_UNSUPPORTED_METHOD:
    return "it does not begin as a zlib stream";
  default:
    return "it is damaged";
  }
}

static gboolean
step_gzip(Codec *codec, const guint8 *data, gsize size, Step *step, GError **error)
{
  struct inflate_state *state = codec->inflate;
  state->next_in = (guint8 *)data; /* ISA-L only reads it */
  state->avail_in = (guint32)MIN(size, G_MAXUINT32);
  state->next_out = codec->output;
  state->avail_out = OUTPUT_BYTES;
  int code = isal_inflate(state);
  if (code < 0 || code == ISAL_NEED_DICT) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "broken zlib stream: %s", inflate_error_text(code));
    return FALSE;
  }
  gboolean is_end = state->block_state == ISAL_BLOCK_FINISH;
  *step = (Step){
      .consumed = (gsize)(state->next_in - data),
      .produced = OUTPUT_BYTES - state->avail_out,
      .is_end = is_end,
      /* ISA-L reads ahead into a bit buffer, where whole bytes after the checksum remain. */
      .is_overrun = is_end && state->read_in_length >= 8,
  };
  return TRUE;
}

static gboolean
step_lz4(Codec *codec, const guint8 *data, gsize size, Step *step, GError **error)
{
  gsize produced = OUTPUT_BYTES, consumed = size;
  gsize hint = LZ4F_decompress(codec->lz4, codec->output, &produced, data, &consumed, NULL);
  if (LZ4F_isError(hint)) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "broken LZ4 frame: %s", LZ4F_getErrorName(hint));
    return FALSE;
  }
  *step = (Step){.consumed = consumed, .produced = produced, .is_end = hint == 0};
  return TRUE;
}

static gboolean
step_zstd(Codec *codec, const guint8 *data, gsize size, Step *step, GError **error)
{
  ZSTD_inBuffer in = {data, size, 0};
  ZSTD_outBuffer out = {codec->output, OUTPUT_BYTES, 0};
  gsize hint = ZSTD_decompressStream(codec->zstd, &out, &in);
  if (ZSTD_isError(hint)) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "broken zstd frame: %s", ZSTD_getErrorName(hint));
    return FALSE;
  }
  *step = (Step){.consumed = in.pos, .produced = out.pos, .is_end = hint == 0};
  return TRUE;
}

static gboolean
step_any(Codec *codec, const guint8 *data, gsize size, Step *step, GError **error)
{
  switch (codec->compression) {
  case ARCHIVE_COMPRESSION_GZIP:
    return step_gzip(codec, data, size, step, error);
  case ARCHIVE_COMPRESSION_LZ4:
    return step_lz4(codec, data, size, step, error);
  case ARCHIVE_COMPRESSION_ZSTD:
    return step_zstd(codec, data, size, step, error);
  case ARCHIVE_COMPRESSION_NONE:
    break;
  }
  g_assert_not_reached();
}

gboolean
codec_decode(Codec *codec, const guint8 *data, gsize size, CodecSinkFunc sink, gpointer user_data, GError **error)
{
  if (size == 0)
    return TRUE;
  if (codec->compression == ARCHIVE_COMPRESSION_NONE)
    return sink(data, size, user_data, error);

  gboolean is_output_full = FALSE;
  gboolean is_overrun = FALSE;
  while (size > 0 || (is_output_full && !codec->is_ended)) {
    if (codec->is_ended && codec->compression == ARCHIVE_COMPRESSION_GZIP)
      break;
    Step step;
    if (!step_any(codec, data, size, &step, error))
      return FALSE;
    if (size > 0 && step.consumed == 0 && step.produced == 0 && !step.is_end) {
      error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "broken compressed stream: it leads nowhere");
      return FALSE;
    }
    if (step.produced > 0 && !sink(codec->output, step.produced, user_data, error))
      return FALSE;
    data += step.consumed;
    size -= step.consumed;
    is_output_full = step.produced == OUTPUT_BYTES;
    codec->is_ended = step.is_end;
    is_overrun = step.is_overrun;
  }
  if (size > 0 || is_overrun) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "bytes follow the end of the compressed stream");
    return FALSE;
  }
  return TRUE;
}

gboolean
codec_finish(const Codec *codec, GError **error)
{
  if (codec->compression == ARCHIVE_COMPRESSION_NONE || codec->is_ended)
    return TRUE;
  error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "the compressed stream is cut short");
  return FALSE;
}
