/* The set of keys. */
#include "backup/merge/merge_seen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>
#include <string.h>

static gboolean
add(MergeSeen *seen, const char *text)
{
  return merge_seen_add(seen, (const guint8 *)text, strlen(text));
}

static gboolean
add_number(MergeSeen *seen, gint64 number)
{
  char text[32];
  g_snprintf(text, sizeof text, "%" G_GINT64_FORMAT, number);
  return add(seen, text);
}

static void
a_key_is_new_once(void **state)
{
  (void)state;
  MergeSeen *seen = merge_seen_new();
  static const char *const keys[] = {
      "0", "-1", "1", "63", "64", "32767", "-32768", "32768", "-32769", "9223372036854775807", "-9223372036854775808"};
  for (guint round = 0; round < 2; round++)
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
      assert_int_equal(add(seen, keys[i]), round == 0);
  assert_false(add(seen, "01")); /* the same key */
  merge_seen_free(seen);
}

static void
what_is_no_integer_is_never_new(void **state)
{
  (void)state;
  MergeSeen *seen = merge_seen_new();
  static const char *const others[] = {
      "", "\\N", "1.0", " 2", "0x3", "9223372036854775808", "123456789012345678901234567"};
  for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
    assert_false(add(seen, others[i]));
  merge_seen_free(seen);
}

static void
dense_keys_have_room_and_sparse_ones_end_it(void **state)
{
  (void)state;
  MergeSeen *seen = merge_seen_new();
  for (gint64 i = 0; i < 1000000; i++)
    assert_true(add_number(seen, i));
  guint n = 0;
  while (n < 100000 && add_number(seen, (n + 1) * G_GINT64_CONSTANT(1000000007)))
    n++;
  assert_in_range(n, 1000, 5000);
  assert_true(add_number(seen, 1000001)); /* in a page that is there */
  merge_seen_free(seen);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_key_is_new_once),
      cmocka_unit_test(what_is_no_integer_is_never_new),
      cmocka_unit_test(dense_keys_have_room_and_sparse_ones_end_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
