#include "prices/decimal.h"

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

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_are_exact),
      cmocka_unit_test(what_is_no_decimal_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
