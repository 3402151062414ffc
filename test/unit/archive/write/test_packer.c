#include "archive/write/packer.h"

#include "archive/read/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <zlib.h>

static gboolean
append(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  g_byte_array_append(user_data, data, (guint)size);
  return TRUE;
}

static GByteArray *
make_data(gsize size, gboolean is_noise)
{
  g_autoptr(GRand) random = g_rand_new_with_seed((guint32)size);
  g_autoptr(GString) text = g_string_sized_new(size + 64);
  while (text->len < size) {
    if (is_noise)
      g_string_append_c(text, (char)g_rand_int(random));
    else
      g_string_append_printf(text, "%u\tmodel-%u\t%u.%06u\tt\n", g_rand_int(random), g_rand_int(random) % 20,
                             g_rand_int(random) % 9, g_rand_int(random) % 1000000);
  }
  GByteArray *data = g_byte_array_new();
  return g_byte_array_append(data, (const guint8 *)text->str, (guint)size);
}

static GByteArray *
pack(ArchivePacker *packer, const GByteArray *data, ArchivePiece *piece)
{
  g_autoptr(GError) error = NULL;
  assert_true(archive_packer_pack(packer, data->data, data->len, piece, &error));
  assert_int_equal(piece->raw_size, data->len);
  return g_byte_array_append(g_byte_array_new(), piece->data, (guint)piece->size);
}

/* The stream that the writer makes of the pieces. */
static GByteArray *
join(ArchiveLevel level, const GPtrArray *pieces, const guint *order, guint32 adler)
{
  gboolean is_zlib = archive_level_compression(level) == ARCHIVE_COMPRESSION_GZIP;
  const guint8 end[] = {
      0x01, 0x00, 0x00, 0xff, 0xff, (guint8)(adler >> 24), (guint8)(adler >> 16), (guint8)(adler >> 8), (guint8)adler};
  GByteArray *stream = g_byte_array_new();
  if (is_zlib)
    g_byte_array_append(stream, (const guint8 *)"\x78\x01", 2);
  for (guint i = 0; i < pieces->len; i++) {
    const GByteArray *piece = pieces->pdata[order[i]];
    if (piece->len > 0)
      g_byte_array_append(stream, piece->data, piece->len);
  }
  if (is_zlib)
    g_byte_array_append(stream, end, sizeof end);
  return stream;
}

static GByteArray *
unpack(ArchiveLevel level, const GByteArray *stream)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Codec) codec = codec_new(archive_level_compression(level));
  GByteArray *out = g_byte_array_new();
  codec_reset(codec);
  if (!codec_decode(codec, stream->data, stream->len, append, out, &error) || !codec_finish(codec, &error))
    fail_msg("%s: %s", archive_level_name(level), error->message);
  return out;
}

static void
pieces_join_to_one_stream_in_any_order(void **state)
{
  static const gsize sizes[] = {0, 1, 5, 1000, 70000, 1 << 20};
  static const guint orders[][12] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {11, 3, 7, 0, 1, 10, 4, 6, 2, 9, 8, 5}};
  for (ArchiveLevel level = 0; level < ARCHIVE_LEVEL_COUNT; level++) {
    g_autoptr(ArchivePacker) packer = archive_packer_new(level);
    g_auto(ArchivePiece) piece = {0};
    g_autoptr(GPtrArray) raw = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    g_autoptr(GPtrArray) packed = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    guint32 adlers[12];
    for (guint i = 0; i < 12; i++) {
      GByteArray *data = make_data(sizes[i / 2], i % 2 == 1);
      g_ptr_array_add(raw, data);
      g_ptr_array_add(packed, pack(packer, data, &piece));
      adlers[i] = piece.adler32;
    }
    for (gsize o = 0; o < G_N_ELEMENTS(orders); o++) {
      g_autoptr(GByteArray) expected = g_byte_array_new();
      guint32 adler = 1;
      for (guint i = 0; i < 12; i++) {
        const GByteArray *data = raw->pdata[orders[o][i]];
        adler = (guint32)adler32_combine(adler, adlers[orders[o][i]], data->len);
        if (data->len > 0)
          g_byte_array_append(expected, data->data, data->len);
      }
      g_autoptr(GByteArray) stream = join(level, packed, orders[o], adler);
      g_autoptr(GByteArray) out = unpack(level, stream);
      assert_int_equal(out->len, expected->len);
      assert_memory_equal(out->data, expected->data, out->len);
    }
  }
}

static void
a_large_piece_is_packed_at_every_level(void **state)
{
  g_autoptr(GByteArray) data = make_data(11 * 1000 * 1000, FALSE);
  const guint order[] = {0};
  for (ArchiveLevel level = 0; level < ARCHIVE_LEVEL_COUNT; level++) {
    g_autoptr(ArchivePacker) packer = archive_packer_new(level);
    g_auto(ArchivePiece) piece = {0};
    g_autoptr(GPtrArray) packed = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    g_ptr_array_add(packed, pack(packer, data, &piece));
    g_autoptr(GByteArray) stream = join(level, packed, order, piece.adler32);
    g_autoptr(GByteArray) out = unpack(level, stream);
    assert_int_equal(out->len, data->len);
    assert_memory_equal(out->data, data->data, out->len);
  }
}

static gsize
packed_size(ArchiveLevel level, const GByteArray *data)
{
  g_autoptr(ArchivePacker) packer = archive_packer_new(level);
  g_auto(ArchivePiece) piece = {0};
  g_autoptr(GByteArray) packed = pack(packer, data, &piece);
  return packed->len;
}

static void
the_levels_are_what_their_names_say(void **state)
{
  g_autoptr(GByteArray) data = make_data(ARCHIVE_PIECE_BYTES, FALSE);
  uLongf zlib6 = compressBound(data->len);
  g_autofree guint8 *scratch = g_malloc(zlib6);
  assert_int_equal(compress2(scratch, &zlib6, data->data, data->len, 6), Z_OK);
  gsize fast = packed_size(ARCHIVE_LEVEL_FAST, data), balanced = packed_size(ARCHIVE_LEVEL_BALANCED, data),
        small = packed_size(ARCHIVE_LEVEL_SMALL, data);
  assert_true(small <= zlib6);
  assert_true(small < balanced && balanced < fast && fast < data->len);
  assert_true(packed_size(ARCHIVE_LEVEL_ZSTD, data) < fast);
  assert_true(packed_size(ARCHIVE_LEVEL_LZ4, data) < data->len);
  assert_int_equal(packed_size(ARCHIVE_LEVEL_NONE, data), data->len);
}

static void
a_damaged_frame_is_noticed(void **state)
{
  static const ArchiveLevel levels[] = {ARCHIVE_LEVEL_LZ4, ARCHIVE_LEVEL_ZSTD};
  g_autoptr(GByteArray) data = make_data(3000, TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS(levels); i++) {
    g_autoptr(ArchivePacker) packer = archive_packer_new(levels[i]);
    g_auto(ArchivePiece) piece = {0};
    g_autoptr(GByteArray) packed = pack(packer, data, &piece);
    g_autoptr(Codec) codec = codec_new(archive_level_compression(levels[i]));
    packed->data[packed->len / 2] ^= 1; /* in the middle of incompressible data */
    g_autoptr(GByteArray) out = g_byte_array_new();
    codec_reset(codec);
    assert_false(codec_decode(codec, packed->data, packed->len, append, out, NULL));
  }
}

static void
levels_have_names(void **state)
{
  for (ArchiveLevel level = 0; level < ARCHIVE_LEVEL_COUNT; level++) {
    ArchiveLevel found = ARCHIVE_LEVEL_COUNT;
    assert_true(archive_level_from_name(archive_level_name(level), &found));
    assert_int_equal(found, level);
  }
  ArchiveLevel untouched = ARCHIVE_LEVEL_SMALL;
  assert_false(archive_level_from_name("gzip", &untouched));
  assert_int_equal(untouched, ARCHIVE_LEVEL_SMALL);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pieces_join_to_one_stream_in_any_order),
      cmocka_unit_test(a_large_piece_is_packed_at_every_level),
      cmocka_unit_test(the_levels_are_what_their_names_say),
      cmocka_unit_test(a_damaged_frame_is_noticed),
      cmocka_unit_test(levels_have_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
