#include "base/exact/decimal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

static void
assert_product(const char *a, const char *b, const char *expected)
{
  g_auto(Decimal) left = {0};
  g_auto(Decimal) right = {0};
  g_auto(Decimal) product = {0};
  assert_true(decimal_parse(a, &left));
  assert_true(decimal_parse(b, &right));
  decimal_multiply(&left, &right, &product);
  g_autofree char *text = decimal_to_text(&product);
  assert_string_equal(text, expected);
}

static void
products_are_exact(void **state)
{
  (void)state;
  assert_product("3", "1e-6", "0.000003");
  assert_product("0.075", "1e-6", "0.000000075");
  assert_product("15.2500", "1E-6", "0.00001525");
  assert_product("99999999999999999999", "99999999999999999999", "9999999999999999999800000000000000000001");
  assert_product("-1.5", "2", "-3");
  assert_product("0.000", "-5", "0");
  assert_product("1e100", "1e-300", "1e-200");
  assert_product("12e2", "1", "1200");
}

static void
what_is_no_decimal_is_refused(void **state)
{
  (void)state;
  static const char *const texts[] = {"", "-", ".5", "5.", "1e", "1e+", "1e99999", "0x1", "1 ", " 1", "NaN", "1e401"};
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
    Decimal decimal = {0};
    if (decimal_parse(texts[i], &decimal))
      fail_msg("\"%s\" was taken for a decimal", texts[i]);
  }
}

static void
assert_order(const char *a, const char *b, int expected)
{
  g_auto(Decimal) left = {0};
  g_auto(Decimal) right = {0};
  assert_true(decimal_parse(a, &left));
  assert_true(decimal_parse(b, &right));
  int order = decimal_compare_size(&left, &right), reverse = decimal_compare_size(&right, &left);
  if ((order > 0) - (order < 0) != expected || (reverse > 0) - (reverse < 0) != -expected)
    fail_msg("%s and %s: %d, %d", a, b, order, reverse);
}

static void
sizes_are_compared_exactly(void **state)
{
  (void)state;
  assert_order("1", "1.000", 0);
  assert_order("-2", "1", 1);
  assert_order("0", "1e-400", -1);
  assert_order("0", "-0.0", 0);
  assert_order("9007199254740993", "9007199254740992", 1);
  assert_order("0.1", "0.10000000000000000000000000001", -1);
  assert_order("999", "1e3", -1);
  assert_order("12e-3", "0.0119", 1);
  g_autofree char *zeros = g_strnfill(399, '0');
  g_autofree char *written_out = g_strconcat("0.", zeros, "1", NULL); /* as PostgreSQL writes 1e-400 */
  assert_order(written_out, "1e-400", 0);
}

static void
rounding_keeps_so_many_digits(void **state)
{
  (void)state;
  static const char *const cases[][2] = {{"0.1234567890125", "0.123456789013"},
                                         {"999999999999.5", "1000000000000"},
                                         {"-1.00000000000049", "-1"},
                                         {"3", "3"}};
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_auto(Decimal) exact = {0};
    g_auto(Decimal) rounded = {0};
    assert_true(decimal_parse(cases[i][0], &exact));
    decimal_round(&exact, 12, &rounded);
    g_autofree char *text = decimal_to_text(&rounded);
    assert_string_equal(text, cases[i][1]);
  }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rounding_keeps_so_many_digits),
      cmocka_unit_test(products_are_exact),
      cmocka_unit_test(sizes_are_compared_exactly),
      cmocka_unit_test(what_is_no_decimal_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
