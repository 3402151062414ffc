#include "archive/detect/foreign.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define BYTES(text) (text), sizeof(text) - 1

static void
every_kind_of_file_is_called_by_its_name(void **state)
{
  (void)state;
  static const struct {
    const char *bytes;
    gsize n_bytes;
    TextId text;
  } files[] = {
      {BYTES(""), TEXT_FOREIGN_EMPTY},
      {BYTES("PG"), TEXT_FOREIGN_CUT},
      {BYTES("PGDMP\1\16\0\4\10\3rest"), TEXT_FOREIGN_TOC_DAT},
      {BYTES("\xef\xbb\xbfPGDMP\1\16"), TEXT_FOREIGN_BOM},
      {BYTES("pg_dump: warning: odd\nPGDMP\1\16\0\4\10\1"), TEXT_FOREIGN_IN_FRONT},
      {BYTES("\xff\xfeP\0G\0D\0M\0P\0\1\0"), TEXT_FOREIGN_UTF16_ARCHIVE},
      {BYTES("\xff\xfe-\0-\0\n\0"), TEXT_FOREIGN_UTF16_TEXT},
      {BYTES("-\0-\0\n\0-\0-\0 \0P\0o\0"), TEXT_FOREIGN_UTF16_TEXT},
      {BYTES("\0-\0-\0\n\0-\0-\0 \0P\0o"), TEXT_FOREIGN_UTF16_TEXT},
      {BYTES("00000000: 5047 444d 5001 0e00  PGDMP...\n"), TEXT_FOREIGN_TEXT},
      {BYTES("UEdETVABDgAECAEAAQ=="), TEXT_FOREIGN_BASE64},
      {BYTES("H4sICO12DGsAA2EuZHVtcADs"), TEXT_FOREIGN_BASE64},
      {BYTES("begin 644 a.dump\nM4$=$35"), TEXT_FOREIGN_TEXT},
      {BYTES("BEGIN;\nINSERT"), TEXT_FOREIGN_SQL},
      {BYTES("\x02\x21\x4c\x18\1\0\0\0PGDMP\1"), TEXT_FOREIGN_LZ4},
      {BYTES("]\0\0\x80\0"), TEXT_FOREIGN_LZMA},
      {BYTES("\x89LZO\0\r\n\x1a\n"), TEXT_FOREIGN_LZOP},
      {BYTES("TAPE\0\0\3\0"), TEXT_FOREIGN_OTHER_DATABASE},
      {BYTES("\3\3WEXPORT:V11.02.00\n"), TEXT_FOREIGN_OTHER_DATABASE},
      {BYTES("RCLONE\0\0\1\2"), TEXT_FOREIGN_RCLONE},
      {BYTES("5047444d50010e00"), TEXT_FOREIGN_HEX},
      {BYTES("--\n-- PostgreSQL database dump\n--\n"), TEXT_FOREIGN_SQL},
      {BYTES("\n\nSET statement_timeout = 0;\n"), TEXT_FOREIGN_SQL},
      {BYTES("\\restrict k9\n\n--\n-- PostgreSQL database dump\n"), TEXT_FOREIGN_SQL},
      {BYTES("\xef\xbb\xbfINSERT INTO users VALUES (1);\n"), TEXT_FOREIGN_SQL},
      {BYTES("--\n-- PostgreSQL database cluster dump\n--\n"), TEXT_FOREIGN_SQL_CLUSTER},
      {BYTES("-- MySQL dump 10.13\n"), TEXT_FOREIGN_MYSQL},
      {BYTES("PRAGMA foreign_keys=OFF;\n"), TEXT_FOREIGN_SQLITE},
      {BYTES("SQLite format 3\0more"), TEXT_FOREIGN_SQLITE},
      {BYTES("REDIS0011\xfa"), TEXT_FOREIGN_REDIS},
      {BYTES("<!DOCTYPE html><html>502</html>"), TEXT_FOREIGN_HTML},
      {BYTES("  <?xml version=\"1.0\"?><Error/>"), TEXT_FOREIGN_HTML},
      {BYTES("{\"error\":\"not found\"}"), TEXT_FOREIGN_JSON},
      {BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), TEXT_FOREIGN_LFS},
      {BYTES("Salted__12345678"), TEXT_FOREIGN_OPENSSL},
      {BYTES("-----BEGIN PGP MESSAGE-----\n"), TEXT_FOREIGN_GPG},
      {BYTES("\x85\x02\x0c\x03\x11\x22"), TEXT_FOREIGN_GPG},
      {BYTES("\x8c\x0d\x04\x09\x03\x02"), TEXT_FOREIGN_GPG},
      {BYTES("age-encryption.org/v1\n-> X25519 "), TEXT_FOREIGN_AGE},
      {BYTES("\x1f\x8b\x08\0"), TEXT_FOREIGN_GZIP},
      {BYTES("\xfd"
             "7zXZ\0"),
       TEXT_FOREIGN_XZ},
      {BYTES("BZh91AY&SY"), TEXT_FOREIGN_BZIP2},
      {BYTES("\x04\x22\x4d\x18\x64\x40"), TEXT_FOREIGN_LZ4},
      {BYTES("7z\xbc\xaf\x27\x1c\0\4"), TEXT_FOREIGN_SEVEN_ZIP},
      {BYTES("Rar!\x1a\7\1\0"), TEXT_FOREIGN_RAR},
      {BYTES("\0\0\0\0\0\0\0\0"), TEXT_FOREIGN_ZEROS},
      {BYTES("%PDF-1.7\n"), TEXT_FOREIGN_OTHER_KIND},
      {BYTES("Permission denied\n"), TEXT_FOREIGN_TEXT},
      {BYTES("\1\2\3\4\5\6\7"), TEXT_FOREIGN_UNKNOWN},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
    TextId found = foreign_identify((const guint8 *)files[i].bytes, files[i].n_bytes);
    assert_string_equal(text_get(found, LANGUAGE_EN), text_get(files[i].text, LANGUAGE_EN));
    g_autoptr(GError) error = NULL;
    foreign_set_error((const guint8 *)files[i].bytes, files[i].n_bytes, files[i].n_bytes, &error);
    assert_string_equal(error_text(error, LANGUAGE_ZH_CN), text_get(files[i].text, LANGUAGE_ZH_CN));
  }
}

/* A tar header according to POSIX. */
static void
make_tar_header(guint8 *block, const char *name)
{
  memset(block, 0, 512);
  strcpy((char *)block, name);
  memcpy(block + 257, "ustar\00000", 8);
  memset(block + 148, ' ', 8);
  unsigned sum = 0;
  for (int i = 0; i < 512; i++)
    sum += block[i];
  g_snprintf((char *)block + 148, 8, "%06o", sum);
}

static void
a_tar_file_is_told_by_what_is_in_it(void **state)
{
  (void)state;
  static const struct {
    const char *first, *second;
    TextId text;
  } tars[] = {
      {"toc.dat", "3340.dat", TEXT_FOREIGN_TAR_DUMP},
      {"dump/", "dump/toc.dat", TEXT_FOREIGN_TAR_OF_DIRECTORY},
      {"backup.dump", "notes.txt", TEXT_FOREIGN_TAR},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(tars); i++) {
    guint8 head[1024];
    make_tar_header(head, tars[i].first);
    make_tar_header(head + 512, tars[i].second);
    assert_int_equal(foreign_identify(head, sizeof head), tars[i].text);
  }
}

static int
open_file(const GByteArray *bytes)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp("foreign-XXXXXX", &path, NULL);
  assert_true(fd >= 0);
  unlink(path);
  assert_int_equal(write(fd, bytes->data, bytes->len), bytes->len);
  return fd;
}

static TextId
explained(const GByteArray *bytes, Language language)
{
  int fd = open_file(bytes);
  GError *failure = NULL;
  g_autoptr(GError) error = NULL;
  error_set(&failure, CCH_ERROR_ARCHIVE_CORRUPT, "the reader's words");
  foreign_explain(fd, failure, &error);
  close(fd);
  assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_CORRUPT);
  assert_string_equal(error->message, "the reader's words");
  for (TextId text = TEXT_FOREIGN_EMPTY; text < TEXT_COUNT; text++)
    if (strcmp(error_text(error, language), text_get(text, language)) == 0)
      return text;
  return TEXT_COUNT;
}

static void
damage_by_text_transfers_is_recognised_and_other_damage_is_not(void **state)
{
  (void)state;
  g_autoptr(GByteArray) plain = g_byte_array_new(), crlf = g_byte_array_new(), utf8 = g_byte_array_new();
  g_byte_array_append(plain, (const guint8 *)"PGDMP\1\16\0\4\10\1\0", 12);
  guint32 seed = 7;
  for (int i = 0; i < 20000; i++) {
    seed = seed * 1664525 + 1013904223;
    guint8 byte = (guint8)(seed >> 24);
    g_byte_array_append(plain, &byte, 1);
  }
  for (guint i = 0; i < plain->len; i++) {
    guint8 byte = plain->data[i];
    if (byte == '\n')
      g_byte_array_append(crlf, (const guint8 *)"\r", 1);
    g_byte_array_append(crlf, &byte, 1);
    guint8 two[2] = {(guint8)(0xc0 | byte >> 6), (guint8)(0x80 | (byte & 0x3f))};
    g_byte_array_append(utf8, byte < 0x80 ? &byte : two, byte < 0x80 ? 1 : 2);
  }
  assert_int_equal(explained(crlf, LANGUAGE_EN), TEXT_FOREIGN_CRLF);
  assert_int_equal(explained(utf8, LANGUAGE_ZH_CN), TEXT_FOREIGN_MADE_UTF8);
  assert_int_equal(explained(plain, LANGUAGE_EN), TEXT_COUNT);
}

static void
a_directory_is_told_from_a_dump_in_one(void **state)
{
  (void)state;
  g_autofree char *directory = g_dir_make_tmp("foreign-XXXXXX", NULL);
  g_autofree char *toc = g_build_filename(directory, "toc.dat", NULL);
  for (int has_toc = 0; has_toc <= 1; has_toc++) {
    if (has_toc)
      assert_true(g_file_set_contents(toc, "PGDMP", -1, NULL));
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autoptr(GError) error = NULL;
    foreign_set_error_of_file(fd, &error);
    close(fd);
    assert_string_equal(error_text(error, LANGUAGE_EN),
                        text_get(has_toc ? TEXT_FOREIGN_DIRECTORY_DUMP : TEXT_FOREIGN_DIRECTORY, LANGUAGE_EN));
  }
  unlink(toc);
  rmdir(directory);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_of_file_is_called_by_its_name),
      cmocka_unit_test(a_tar_file_is_told_by_what_is_in_it),
      cmocka_unit_test(damage_by_text_transfers_is_recognised_and_other_damage_is_not),
      cmocka_unit_test(a_directory_is_told_from_a_dump_in_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
