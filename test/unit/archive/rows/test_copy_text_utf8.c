#include "archive/rows/copy_text_utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static void
valid_and_invalid_text_are_told_apart_as_glib_does(void **state)
{
  (void)state;
  static const char *const texts[] = {"",
                                      "plain ascii, longer than a word",
                                      "\xC2\x80",
                                      "\xC1\x80",
                                      "\xE0\xA0\x80",
                                      "\xE0\x9F\xBF",
                                      "\xED\x9F\xBF",
                                      "\xED\xA0\x80",
                                      "\xF0\x90\x80\x80",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xFF",
                                      "\x80",
                                      "12345678\xE4\xB8\xADx\xE9",
                                      "caf\xE9 and more"};
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
    Utf8State whole = {0};
    gsize size = strlen(texts[i]);
    gboolean is_valid = g_utf8_validate(texts[i], (gssize)size, NULL);
    gsize valid = utf8_valid_bytes(&whole, (const guint8 *)texts[i], size);
    assert_int_equal(valid == size && whole.n_left == 0, is_valid);
    /* Cut anywhere, it is the same. */
    for (gsize cut = 0; cut <= size; cut++) {
      Utf8State parts = {0};
      gsize first = utf8_valid_bytes(&parts, (const guint8 *)texts[i], cut);
      gsize both = first < cut ? first : cut + utf8_valid_bytes(&parts, (const guint8 *)texts[i] + cut, size - cut);
      assert_int_equal(both, valid);
    }
  }
  Utf8State zero = {0};
  assert_int_equal(utf8_valid_bytes(&zero, (const guint8 *)"0123456\0x", 9), 7);
}

static void
a_value_is_found_by_row_and_column(void **state)
{
  (void)state;
  static const char rows[] = "1\tone\n2\ttwo\tx\n3\t\\t\xE4\xB8\xAD\t\xE9t\xE9\n";
  for (gsize piece = 1; piece < sizeof rows; piece++) {
    Utf8Search search = {0};
    for (gsize at = 0; at < strlen(rows); at += piece)
      utf8_search_push(&search, (const guint8 *)rows + at, MIN(piece, strlen(rows) - at));
    assert_true(search.is_found);
    assert_int_equal(search.row, 3);
    assert_int_equal(search.column, 2);
  }
  Utf8Search none = {0};
  assert_false(utf8_search_push(&none, (const guint8 *)"1\tone\n", 6));
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(valid_and_invalid_text_are_told_apart_as_glib_does),
      cmocka_unit_test(a_value_is_found_by_row_and_column),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
