#include "archive/archive_builder.h"
#include "archive/detect/prefix.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

/* The number of entries, or -1 when the prefix is refused; *ret_complete as in the prefix. */
static int
read_cut(const GByteArray *bytes, guint length, guint64 size, gboolean *ret_complete)
{
  g_autoptr(GByteArray) cut = g_byte_array_append(g_byte_array_new(), bytes->data, length);
  g_autoptr(GError) error = NULL;
  g_auto(ArchivePrefix) prefix = {0};
  int fd = builder_open_file(cut);
  gboolean is_read = archive_prefix_read(fd, size, &prefix, &error);
  close(fd);
  assert_int_equal(is_read, error == NULL);
  if (!is_read) {
    assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_CORRUPT);
    return -1;
  }
  *ret_complete = prefix.is_complete;
  assert_true(prefix.has_header || prefix.entries->len == 0);
  assert_true(!prefix.is_complete || prefix.entries->len == prefix.n_entries);
  return (int)prefix.entries->len;
}

static void
a_cut_at_any_byte_tells_the_whole_entries_and_no_more(void **state)
{
  for (guint8 minor = 12; minor <= 16; minor++) {
    g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(minor, ARCHIVE_COMPRESSION_GZIP);
    g_autoptr(GByteArray) bytes = archive_builder_build(builder);
    int last = 0;
    gboolean was_complete = FALSE;
    for (guint length = 0; length <= bytes->len; length++) {
      gboolean is_complete = FALSE;
      int n = read_cut(bytes, length, G_MAXUINT64, &is_complete);
      assert_true(n >= last && n <= last + 1);
      assert_true(is_complete >= was_complete);
      last = n;
      was_complete = is_complete;
    }
    assert_true(was_complete);
    assert_int_equal(last, (int)builder->entries->len);
  }
}

static void
a_whole_file_that_ends_too_early_is_damaged(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_GZIP);
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  gboolean is_complete = FALSE, is_known = FALSE;
  for (guint length = 11; length <= bytes->len; length++) {
    int of_unknown = read_cut(bytes, length, G_MAXUINT64, &is_complete);
    assert_true(of_unknown >= 0);
    int of_known = read_cut(bytes, length, length, &is_known);
    assert_true(of_known == -1 ? !is_complete || length < bytes->len : is_complete);
  }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_cut_at_any_byte_tells_the_whole_entries_and_no_more),
      cmocka_unit_test(a_whole_file_that_ends_too_early_is_damaged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
