#include "base/error.h"
#include "upload/tus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

static void
assert_file_name(const char *metadata, const char *wanted)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *name = tus_parse_file_name(metadata, &error);
  assert_null(error);
  if (wanted != NULL)
    assert_string_equal(name, wanted);
  else
    assert_null(name);
}

static void
assert_refused_metadata(const char *metadata)
{
  g_autoptr(GError) error = NULL;
  assert_null(tus_parse_file_name(metadata, &error));
  assert_non_null(error);
  assert_int_equal(error_code(error), CCH_ERROR_REQUEST_PARAMETER);
}

static char *
in_base64(const char *text)
{
  return g_base64_encode((const guchar *)text, strlen(text));
}

static void
a_count_is_decimal_digits_and_nothing_else(void **state)
{
  (void)state;
  static const char *const wrong[] = {"", " ", "-1", "+1", "1 ", " 1", "1e3", "0x10", "1.0", "9223372036854775808",
                                      "٣"};
  guint64 count = 7;
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
    g_autoptr(GError) error = NULL;
    assert_false(tus_parse_count("Upload-Offset", wrong[i], &count, &error));
    assert_int_equal(error_code(error), CCH_ERROR_REQUEST_PARAMETER);
    assert_non_null(strstr(error->message, "Upload-Offset"));
  }
  assert_int_equal(count, 7);
  assert_true(tus_parse_count("Upload-Offset", "9223372036854775807", &count, NULL));
  assert_true(count == G_MAXINT64);
  assert_true(tus_parse_count("Upload-Offset", "0", &count, NULL));
  assert_int_equal(count, 0);
}

static void
the_file_name_is_found_among_other_pairs(void **state)
{
  (void)state;
  assert_file_name("filename YmFja3VwLmR1bXA=", "backup.dump");
  assert_file_name("filetype YQ==,filename YmFja3VwLmR1bXA=,is_confidential", "backup.dump");
  assert_file_name("filetype YQ==, filename YmFja3VwLmR1bXA=", "backup.dump");
  assert_file_name("filename 5aSH5Lu9LmR1bXA=", "备份.dump");
  assert_file_name("filename", "");
  assert_file_name("filetype YQ==", NULL);
  assert_file_name("", NULL);
  assert_file_name("Filename YQ==", NULL);
}

static void
malformed_metadata_is_refused(void **state)
{
  (void)state;
  static const char *const wrong[] = {",",
                                      "filename YQ==,",
                                      ",filename YQ==",
                                      "filename YQ",
                                      "filename Y===",
                                      "filename =",
                                      "filename YQ=a",
                                      "filename  YQ==",
                                      "filename Y Q==",
                                      "filename \tYQ==",
                                      "file\tname YQ==",
                                      "fil\xc3\xa9 YQ==",
                                      "a YQ==,a YQ==",
                                      "filename YQ==,filename YQ=="};
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++)
    assert_refused_metadata(wrong[i]);
}

static void
a_name_that_is_no_text_is_refused(void **state)
{
  (void)state;
  static const char *const wrong[] = {"filename /w==" /* \xff */, "filename AA==" /* NUL */, "filename Cg==" /* \n */,
                                      "filename fw==" /* DEL */, "filename 7aCA" /* a surrogate */};
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++)
    assert_refused_metadata(wrong[i]);
}

static void
metadata_is_bounded(void **state)
{
  (void)state;
  g_autofree char *longest = g_strnfill(TUS_MAX_FILE_NAME, 'a'), *longer = g_strnfill(TUS_MAX_FILE_NAME + 1, 'a');
  g_autofree char *longest64 = in_base64(longest), *longer64 = in_base64(longer);
  g_autofree char *good = g_strconcat("filename ", longest64, NULL), *bad = g_strconcat("filename ", longer64, NULL);
  assert_file_name(good, longest);
  assert_refused_metadata(bad);

  g_autofree char *padding = g_strnfill(TUS_MAX_METADATA_BYTES, 'A');
  g_autofree char *large = g_strconcat("x ", padding, NULL);
  assert_refused_metadata(large);

  g_autoptr(GString) pairs = g_string_new("filename YQ==");
  for (int i = 1; i < TUS_MAX_METADATA_PAIRS; i++)
    g_string_append_printf(pairs, ",k%d", i);
  assert_file_name(pairs->str, "a");
  g_string_append(pairs, ",one");
  assert_refused_metadata(pairs->str);
}

static void
a_checksum_is_as_long_as_its_algorithm_says(void **state)
{
  (void)state;
  TusChecksum checksum = {0};
  assert_true(tus_parse_checksum("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", &checksum, NULL));
  assert_int_equal(checksum.type, G_CHECKSUM_SHA1);
  assert_int_equal(checksum.size, 20);
  assert_int_equal(checksum.digest[0], 0x2a);
  assert_true(tus_parse_checksum("sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", &checksum, NULL));
  assert_int_equal(checksum.type, G_CHECKSUM_SHA256);
  assert_int_equal(checksum.size, 32);
  assert_int_equal(checksum.digest[31], 0x55);
  static const char *const wrong[] = {"sha1",
                                      "sha1 ",
                                      "md5 1B2M2Y8AsgTpgAmY7PhCfg==",
                                      "SHA1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
                                      "sha256 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
                                      "sha1  Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
                                      "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0= ",
                                      "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0",
                                      "sha1 ===="};
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
    g_autoptr(GError) error = NULL;
    assert_false(tus_parse_checksum(wrong[i], &checksum, &error));
    assert_int_equal(error_code(error), CCH_ERROR_REQUEST_PARAMETER);
  }
  assert_int_equal(checksum.size, 32);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_count_is_decimal_digits_and_nothing_else),
      cmocka_unit_test(the_file_name_is_found_among_other_pairs),
      cmocka_unit_test(malformed_metadata_is_refused),
      cmocka_unit_test(a_name_that_is_no_text_is_refused),
      cmocka_unit_test(metadata_is_bounded),
      cmocka_unit_test(a_checksum_is_as_long_as_its_algorithm_says),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
