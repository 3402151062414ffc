/* The first byte is a level, the rest is data. Compressed by libdeflate and reopened, the stream must still yield the
 * data. The data as a stream is reopened exactly if zlib accepts it as a complete one. */
#include "archive/write/deflate_tail.h"

#include <glib.h>
#include <libdeflate.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_BYTES (1024 * 1024)

/* Inflates an unfinished stream; FALSE on failure. */
static gboolean
inflate_open(const guint8 *stored, gsize size, guint8 *out, gsize *ret_size)
{
  z_stream stream = {.next_in = (Bytef *)stored, .avail_in = (uInt)size, .next_out = out, .avail_out = OUTPUT_BYTES};
  g_assert(inflateInit2(&stream, -15) == Z_OK);
  int code = inflate(&stream, Z_SYNC_FLUSH);
  gboolean ok = (code == Z_OK || code == Z_BUF_ERROR) && stream.avail_in == 0;
  *ret_size = stream.total_out;
  inflateEnd(&stream);
  return ok;
}

/* Whether zlib accepts these bytes as one stream with nothing after it, and its contents. */
static gboolean
inflate_whole(const guint8 *stored, gsize size, guint8 *out, gsize *ret_size)
{
  z_stream stream = {.next_in = (Bytef *)stored, .avail_in = (uInt)size, .next_out = out, .avail_out = OUTPUT_BYTES};
  g_assert(inflateInit2(&stream, -15) == Z_OK);
  gboolean ok = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0;
  *ret_size = stream.total_out;
  inflateEnd(&stream);
  return ok;
}

static void
check_reopened(const guint8 *stored, gsize size, const guint8 *expected, gsize expected_size, guint8 *out)
{
  gsize n = 0;
  g_assert(inflate_open(stored, size, out, &n));
  g_assert(n == expected_size && memcmp(out, expected, n) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size < 1)
    return 0;
  g_autoptr(DeflateTail) tail = deflate_tail_new();
  g_autofree guint8 *stored = g_malloc(size * 2 + 100), *out = g_malloc(OUTPUT_BYTES), *whole = g_malloc(OUTPUT_BYTES);
  gsize capacity = size * 2 + 100;

  struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(data[0] % 13);
  gsize n = libdeflate_deflate_compress(compressor, data + 1, size - 1, stored, capacity - DEFLATE_TAIL_MAX_BYTES);
  libdeflate_free_compressor(compressor);
  g_assert(n > 0 && deflate_tail_reopen(tail, stored, &n, capacity));
  check_reopened(stored, n, data + 1, size - 1, out);

  memcpy(stored, data, size);
  n = size;
  gboolean is_reopened = deflate_tail_reopen(tail, stored, &n, capacity);
  gsize whole_size = 0;
  if (inflate_whole(data, size, whole, &whole_size)) {
    g_assert(is_reopened);
    check_reopened(stored, n, whole, whole_size, out);
  }
  return 0;
}
