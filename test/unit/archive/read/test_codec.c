#include "archive/archive_builder.h"
#include "archive/read/codec.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static const ArchiveCompression compressed[] = {ARCHIVE_COMPRESSION_GZIP, ARCHIVE_COMPRESSION_LZ4,
                                                ARCHIVE_COMPRESSION_ZSTD};

static gboolean
append(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  assert_true(size > 0);
  g_byte_array_append(user_data, data, (guint)size);
  return TRUE;
}

/* Decodes in pieces of `piece` bytes. NULL: refused. */
static GByteArray *
decode(Codec *codec, const guint8 *stored, gsize size, gsize piece)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GByteArray) out = g_byte_array_new();
  gboolean ok = TRUE;
  codec_reset(codec);
  for (gsize at = 0; ok && at < size; at += piece)
    ok = codec_decode(codec, stored + at, MIN(piece, size - at), append, out, &error);
  ok = ok && codec_finish(codec, &error);
  assert_int_equal(ok, error == NULL);
  if (!ok)
    assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_CORRUPT);
  return ok ? g_steal_pointer(&out) : NULL;
}

static void
assert_decodes_to(Codec *codec, const GByteArray *stored, gsize piece, const void *data, gsize size)
{
  g_autoptr(GByteArray) out = decode(codec, stored->data, stored->len, piece);
  assert_non_null(out);
  assert_int_equal(out->len, size);
  if (size > 0)
    assert_memory_equal(out->data, data, size);
}

/* Text that compresses somewhat. */
static GString *
sample_text(gsize size)
{
  g_autoptr(GRand) random = g_rand_new_with_seed(1);
  GString *text = g_string_sized_new(size);
  while (text->len < size)
    g_string_append_printf(text, "%d\tname %d\n", g_rand_int_range(random, 0, 100000), g_rand_int_range(random, 0, 9));
  return g_string_truncate(text, size);
}

static void
a_stream_decodes_in_pieces_of_any_size(void **state)
{
  g_autoptr(GString) text = sample_text(1000000);
  static const gsize sizes[] = {0, 1, 5, 300, 256 * 1024, 1000000};
  static const gsize pieces[] = {1, 2, 7, 4096, 10000000};
  for (gsize c = 0; c < G_N_ELEMENTS(compressed); c++) {
    g_autoptr(Codec) codec = codec_new(compressed[c]);
    for (gsize s = 0; s < G_N_ELEMENTS(sizes); s++) {
      g_autoptr(GByteArray) stored = builder_compress(compressed[c], text->str, sizes[s]);
      for (gsize p = 0; p < G_N_ELEMENTS(pieces); p++)
        assert_decodes_to(codec, stored, pieces[p], text->str, sizes[s]);
    }
  }
}

static void
a_highly_compressed_stream_decodes_with_bounded_buffers(void **state)
{
  gsize size = 20 * 1000 * 1000;
  g_autofree guint8 *zeros = g_malloc0(size);
  for (gsize c = 0; c < G_N_ELEMENTS(compressed); c++) {
    g_autoptr(Codec) codec = codec_new(compressed[c]);
    g_autoptr(GByteArray) stored = builder_compress(compressed[c], zeros, size);
    assert_decodes_to(codec, stored, stored->len, zeros, size);
  }
}

static void
a_stream_cut_anywhere_is_refused(void **state)
{
  g_autoptr(GString) text = sample_text(2000);
  for (gsize c = 0; c < G_N_ELEMENTS(compressed); c++) {
    g_autoptr(Codec) codec = codec_new(compressed[c]);
    g_autoptr(GByteArray) stored = builder_compress(compressed[c], text->str, text->len);
    for (gsize cut = 0; cut < stored->len; cut++)
      for (gsize piece = 1; piece <= 2000; piece *= 20)
        assert_null(decode(codec, stored->data, cut, piece));
  }
}

static void
whatever_follows_a_streams_end_is_refused(void **state)
{
  static const guint8 garbage[20] = {0};
  g_autoptr(GString) text = sample_text(300);
  for (gsize c = 0; c < G_N_ELEMENTS(compressed); c++) {
    g_autoptr(Codec) codec = codec_new(compressed[c]);
    for (gsize size = 0; size < text->len; size += 29) {
      g_autoptr(GByteArray) stored = builder_compress(compressed[c], text->str, size);
      guint whole = stored->len;
      for (guint extra = 1; extra <= sizeof garbage; extra++) {
        g_byte_array_set_size(stored, whole);
        g_byte_array_append(stored, garbage, extra);
        for (gsize piece = 1; piece <= stored->len; piece++)
          assert_null(decode(codec, stored->data, stored->len, piece));
      }
    }
  }
}

static void
a_second_zlib_stream_is_refused_and_a_second_frame_continues(void **state)
{
  for (gsize c = 0; c < G_N_ELEMENTS(compressed); c++) {
    g_autoptr(Codec) codec = codec_new(compressed[c]);
    g_autoptr(GByteArray) stored = builder_compress(compressed[c], "one", 3);
    g_autoptr(GByteArray) second = builder_compress(compressed[c], "two", 3);
    g_byte_array_append(stored, second->data, second->len);
    for (gsize piece = 1; piece <= stored->len; piece++) {
      if (compressed[c] == ARCHIVE_COMPRESSION_GZIP)
        assert_null(decode(codec, stored->data, stored->len, piece));
      else
        assert_decodes_to(codec, stored, piece, "onetwo", 6);
    }
  }
}

static void
the_last_of_several_frames_may_not_be_cut(void **state)
{
  g_autoptr(GString) text = sample_text(2000);
  for (gsize c = 1; c < G_N_ELEMENTS(compressed); c++) {
    g_autoptr(Codec) codec = codec_new(compressed[c]);
    g_autoptr(GByteArray) stored = builder_compress(compressed[c], text->str, text->len);
    guint one = stored->len;
    g_autoptr(GByteArray) second = builder_compress(compressed[c], text->str, text->len);
    g_byte_array_append(stored, second->data, second->len);
    for (gsize cut = one + 1; cut < stored->len; cut++)
      assert_null(decode(codec, stored->data, cut, 4096));
  }
}

static void
every_flipped_bit_of_a_zlib_stream_is_found_or_harmless(void **state)
{
  g_autoptr(GString) text = sample_text(1500);
  g_autoptr(Codec) codec = codec_new(ARCHIVE_COMPRESSION_GZIP);
  g_autoptr(GByteArray) stored = builder_compress(ARCHIVE_COMPRESSION_GZIP, text->str, text->len);
  guint harmless = 0;
  for (gsize bit = 0; bit < (gsize)stored->len * 8; bit++) {
    stored->data[bit / 8] ^= (guint8)(1 << bit % 8);
    g_autoptr(GByteArray) out = decode(codec, stored->data, stored->len, 100);
    if (out != NULL) {
      harmless++;
      assert_int_equal(out->len, text->len);
      assert_memory_equal(out->data, text->str, text->len);
    }
    stored->data[bit / 8] ^= (guint8)(1 << bit % 8);
  }
  /* The unused bits after the last symbol, and no others. */
  assert_true(harmless < 8);
}

static void
a_gzip_member_or_a_preset_dictionary_is_not_a_zlib_stream(void **state)
{
  static const guint8 gzip[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  static const guint8 dictionary[] = {0x78, 0xbb, 0, 0, 0, 1, 3, 0, 0, 0, 0, 1};
  g_autoptr(Codec) codec = codec_new(ARCHIVE_COMPRESSION_GZIP);
  assert_null(decode(codec, gzip, sizeof gzip, sizeof gzip));
  assert_null(decode(codec, dictionary, sizeof dictionary, sizeof dictionary));
}

static void
a_zstd_window_above_128_mb_is_refused(void **state)
{
  /* Magic, a header without content size, a window descriptor, an empty last block. */
  guint8 frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, (27 - 10) << 3, 0x01, 0x00, 0x00};
  g_autoptr(Codec) codec = codec_new(ARCHIVE_COMPRESSION_ZSTD);
  g_autoptr(GByteArray) allowed = decode(codec, frame, sizeof frame, sizeof frame);
  assert_non_null(allowed);
  frame[5] = (28 - 10) << 3;
  assert_null(decode(codec, frame, sizeof frame, sizeof frame));
}

static gboolean
refuse(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  error_set(error, CCH_ERROR_DATABASE_QUERY, "no");
  return FALSE;
}

static void
an_error_of_the_sink_stops_the_decoding(void **state)
{
  static const ArchiveCompression all[] = {ARCHIVE_COMPRESSION_NONE, ARCHIVE_COMPRESSION_GZIP, ARCHIVE_COMPRESSION_LZ4,
                                           ARCHIVE_COMPRESSION_ZSTD};
  for (gsize c = 0; c < G_N_ELEMENTS(all); c++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Codec) codec = codec_new(all[c]);
    g_autoptr(GByteArray) stored = builder_compress(all[c], "text", 4);
    assert_false(codec_decode(codec, stored->data, stored->len, refuse, NULL, &error));
    assert_int_equal(error_code(error), CCH_ERROR_DATABASE_QUERY);
  }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stream_decodes_in_pieces_of_any_size),
      cmocka_unit_test(a_highly_compressed_stream_decodes_with_bounded_buffers),
      cmocka_unit_test(a_stream_cut_anywhere_is_refused),
      cmocka_unit_test(whatever_follows_a_streams_end_is_refused),
      cmocka_unit_test(a_second_zlib_stream_is_refused_and_a_second_frame_continues),
      cmocka_unit_test(the_last_of_several_frames_may_not_be_cut),
      cmocka_unit_test(every_flipped_bit_of_a_zlib_stream_is_found_or_harmless),
      cmocka_unit_test(a_gzip_member_or_a_preset_dictionary_is_not_a_zlib_stream),
      cmocka_unit_test(a_zstd_window_above_128_mb_is_refused),
      cmocka_unit_test(an_error_of_the_sink_stops_the_decoding),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
