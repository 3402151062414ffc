#include "archive/detect/unwrap.h"

#include "archive/archive_builder.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define NO_LIMIT G_MAXUINT64

static void
append16(GByteArray *bytes, guint value)
{
  guint8 two[] = {(guint8)value, (guint8)(value >> 8)};
  g_byte_array_append(bytes, two, 2);
}

static void
append32(GByteArray *bytes, guint32 value)
{
  append16(bytes, value & 0xffff);
  append16(bytes, value >> 16);
}

static GByteArray *
deflated(const GByteArray *bytes, int window)
{
  z_stream stream = {0};
  assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
  GByteArray *out = g_byte_array_new();
  g_byte_array_set_size(out, (guint)deflateBound(&stream, bytes->len));
  stream.next_in = bytes->data;
  stream.avail_in = bytes->len;
  stream.next_out = out->data;
  stream.avail_out = out->len;
  assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
  g_byte_array_set_size(out, (guint)stream.total_out);
  deflateEnd(&stream);
  return out;
}

static GByteArray *
zstd_compressed(const GByteArray *bytes)
{
  GByteArray *out = g_byte_array_new();
  g_byte_array_set_size(out, (guint)ZSTD_compressBound(bytes->len));
  size_t n = ZSTD_compress(out->data, out->len, bytes->data, bytes->len, 3);
  assert_false(ZSTD_isError(n));
  g_byte_array_set_size(out, (guint)n);
  return out;
}

/* PKWARE's APPNOTE: local headers and data, the central directory, its end. */
static GByteArray *
zipped(const GByteArray *const *files, const char *const *names, guint n_files, guint flags)
{
  GByteArray *zip = g_byte_array_new();
  g_autoptr(GByteArray) central = g_byte_array_new();
  for (guint i = 0; i < n_files; i++) {
    g_autoptr(GByteArray) data = deflated(files[i], -15);
    guint32 position = zip->len, crc = (guint32)crc32(crc32(0, NULL, 0), files[i]->data, files[i]->len);
    g_byte_array_append(zip, (const guint8 *)"PK\3\4\24\0", 6);
    g_byte_array_append(central, (const guint8 *)"PK\1\2\24\0\24\0", 8);
    GByteArray *both[] = {zip, central};
    for (int k = 0; k < 2; k++) {
      append16(both[k], flags);
      append16(both[k], 8);
      append32(both[k], 0);
      append32(both[k], crc);
      append32(both[k], data->len);
      append32(both[k], files[i]->len);
      append16(both[k], (guint)strlen(names[i]));
      append16(both[k], 0);
    }
    append16(central, 0); /* comment */
    append32(central, 0); /* disk, internal attributes */
    append32(central, 0); /* external attributes */
    append32(central, position);
    g_byte_array_append(zip, (const guint8 *)names[i], (guint)strlen(names[i]));
    g_byte_array_append(zip, data->data, data->len);
    g_byte_array_append(central, (const guint8 *)names[i], (guint)strlen(names[i]));
  }
  guint32 start = zip->len;
  g_byte_array_append(zip, central->data, central->len);
  g_byte_array_append(zip, (const guint8 *)"PK\5\6\0\0\0\0", 8);
  append16(zip, n_files);
  append16(zip, n_files);
  append32(zip, central->len);
  append32(zip, start);
  append16(zip, 0);
  return zip;
}

static gboolean
gather(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  (void)error;
  g_byte_array_append(user_data, data, (guint)size);
  return TRUE;
}

/* NULL with the error. */
static GByteArray *
unwrapped(const GByteArray *bytes, UnwrapExtent extent, guint64 max_bytes, GError **error)
{
  int fd = builder_open_file(bytes);
  g_autoptr(GByteArray) out = g_byte_array_new();
  gboolean ok = unwrap_file(fd, extent, max_bytes, gather, out, NULL, error);
  close(fd);
  return ok ? g_steal_pointer(&out) : NULL;
}

static GByteArray *
sample(void)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_NONE);
  return archive_builder_build(builder);
}

static GByteArray *
wrap(guint kind, const GByteArray *inner)
{
  const char *names[] = {"folder/backup.dump", "__MACOSX/folder/._backup.dump"};
  const GByteArray *files[] = {inner, inner};
  return kind == 0 ? deflated(inner, 31) : kind == 1 ? zstd_compressed(inner) : zipped(files, names, kind - 1, 0);
}
enum { N_KINDS = 4 };

static void
an_archive_comes_out_of_gzip_zstd_and_zip_as_it_went_in(void **state)
{
  (void)state;
  g_autoptr(GByteArray) inner = sample();
  for (guint kind = 0; kind < N_KINDS; kind++) {
    g_autoptr(GByteArray) outer = wrap(kind, inner);
    g_autoptr(GError) error = NULL;
    assert_true(unwrap_is_plausible(outer->data, 4));
    g_autoptr(GByteArray) out = unwrapped(outer, UNWRAP_WHOLE, inner->len, &error);
    assert_null(error);
    assert_int_equal(out->len, inner->len);
    assert_memory_equal(out->data, inner->data, inner->len);
  }
  assert_false(unwrap_is_plausible(inner->data, 4));
}

static void
what_is_cut_at_any_byte_is_refused_and_its_beginning_can_be_had(void **state)
{
  (void)state;
  g_autoptr(GByteArray) inner = sample();
  for (guint kind = 0; kind < N_KINDS; kind++) {
    g_autoptr(GByteArray) outer = wrap(kind, inner);
    for (guint size = outer->len; size-- > 4;) {
      g_byte_array_set_size(outer, size);
      g_autoptr(GError) error = NULL;
      g_autoptr(GByteArray) out = unwrapped(outer, UNWRAP_WHOLE, NO_LIMIT, &error);
      assert_null(out);
      assert_true(error_code(error) == CCH_ERROR_ARCHIVE_CORRUPT || error_code(error) == CCH_ERROR_ARCHIVE_FORMAT);
      g_autoptr(GByteArray) beginning = unwrapped(outer, UNWRAP_BEGINNING, NO_LIMIT, NULL);
      if (beginning != NULL)
        assert_memory_equal(beginning->data, inner->data, MIN(beginning->len, inner->len));
    }
  }
}

static void
more_than_the_limit_is_refused(void **state)
{
  (void)state;
  g_autoptr(GByteArray) bomb = sample();
  guint n = bomb->len;
  g_byte_array_set_size(bomb, 50 * 1024 * 1024);
  memset(bomb->data + n, 0, bomb->len - n);
  for (guint kind = 0; kind < N_KINDS; kind++) {
    g_autoptr(GByteArray) outer = wrap(kind, bomb);
    g_autoptr(GError) error = NULL;
    assert_null(unwrapped(outer, UNWRAP_WHOLE, 1024 * 1024, &error));
    assert_int_equal(error_code(error), CCH_ERROR_IMPORT_FILE_TOO_LARGE);
  }
}

static void
what_is_inside_is_called_by_its_name(void **state)
{
  (void)state;
  g_autoptr(GByteArray) sql = g_byte_array_new(), text = g_byte_array_new();
  g_byte_array_append(sql, (const guint8 *)"--\n-- PostgreSQL database dump\n--\n", 33);
  g_byte_array_append(text, (const guint8 *)"hello", 5);
  static const TextId expected[][2] = {{TEXT_FOREIGN_GZIP_SQL, TEXT_FOREIGN_GZIP},
                                       {TEXT_FOREIGN_ZSTD_SQL, TEXT_FOREIGN_ZSTD},
                                       {TEXT_FOREIGN_ZIP_SQL, TEXT_FOREIGN_ZIP}};
  for (guint kind = 0; kind < G_N_ELEMENTS(expected); kind++) {
    for (int k = 0; k < 2; k++) {
      g_autoptr(GByteArray) outer = wrap(kind, k == 0 ? sql : text);
      g_autoptr(GError) error = NULL;
      assert_null(unwrapped(outer, UNWRAP_WHOLE, NO_LIMIT, &error));
      assert_string_equal(error_text(error, LANGUAGE_EN), text_get(expected[kind][k], LANGUAGE_EN));
    }
  }
}

static void
a_zip_of_several_files_or_with_a_password_is_refused_by_name(void **state)
{
  (void)state;
  g_autoptr(GByteArray) inner = sample();
  const char *names[] = {"one.dump", "two.dump"};
  const GByteArray *files[] = {inner, inner};
  g_autoptr(GByteArray) several = zipped(files, names, 2, 0), secret = zipped(files, names, 1, 1);
  g_autoptr(GError) of_several = NULL, of_secret = NULL;
  assert_null(unwrapped(several, UNWRAP_WHOLE, NO_LIMIT, &of_several));
  assert_null(unwrapped(secret, UNWRAP_WHOLE, NO_LIMIT, &of_secret));
  assert_string_equal(error_text(of_several, LANGUAGE_EN), text_get(TEXT_FOREIGN_ZIP_SEVERAL, LANGUAGE_EN));
  assert_string_equal(error_text(of_secret, LANGUAGE_EN), text_get(TEXT_FOREIGN_ZIP_ENCRYPTED, LANGUAGE_EN));
}

static void
every_flipped_bit_of_a_gzip_file_is_found_or_harmless(void **state)
{
  (void)state;
  g_autoptr(GByteArray) inner = sample();
  g_autoptr(GByteArray) outer = wrap(0, inner);
  guint n_found = 0;
  for (guint bit = 0; bit < outer->len * 8; bit += 3) {
    outer->data[bit / 8] ^= (guint8)(1 << bit % 8);
    g_autoptr(GByteArray) out = unwrapped(outer, UNWRAP_WHOLE, NO_LIMIT, NULL);
    outer->data[bit / 8] ^= (guint8)(1 << bit % 8);
    if (out == NULL)
      n_found++;
    else
      assert_memory_equal(out->data, inner->data, inner->len);
  }
  assert_true(n_found > outer->len * 2);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_archive_comes_out_of_gzip_zstd_and_zip_as_it_went_in),
      cmocka_unit_test(what_is_cut_at_any_byte_is_refused_and_its_beginning_can_be_had),
      cmocka_unit_test(more_than_the_limit_is_refused),
      cmocka_unit_test(what_is_inside_is_called_by_its_name),
      cmocka_unit_test(a_zip_of_several_files_or_with_a_password_is_refused_by_name),
      cmocka_unit_test(every_flipped_bit_of_a_gzip_file_is_found_or_harmless),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
