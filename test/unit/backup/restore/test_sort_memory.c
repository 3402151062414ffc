#include "backup/restore/way.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

enum { CONFIGURED_KB = 64 * 1024, SMALLEST_KB = 4096 };

#define GIGABYTE ((guint64)1000 * 1000 * 1000)

static void
small_tables_sort_in_what_the_cache_holds(void **state)
{
  assert_int_equal(restore_sort_kb(0, CONFIGURED_KB), SMALLEST_KB);
  assert_int_equal(restore_sort_kb(GIGABYTE, CONFIGURED_KB), SMALLEST_KB);
}

static void
larger_ones_in_as_much_as_two_passes_need(void **state)
{
  enum { TAPE_KB = 264 };
  for (guint64 bytes = 10 * GIGABYTE; bytes <= 1000 * GIGABYTE; bytes *= 10) {
    guint kb = restore_sort_kb(bytes, CONFIGURED_KB);
    double runs = (double)bytes / 8 / 1024 / kb, merged_at_once = (double)kb / TAPE_KB;
    assert_in_range(kb, SMALLEST_KB + 1, CONFIGURED_KB - 1);
    assert_true(runs <= merged_at_once * merged_at_once * 1.01);
  }
}

static void
never_in_more_than_the_server_is_set_to(void **state)
{
  assert_int_equal(restore_sort_kb(G_MAXUINT64, CONFIGURED_KB), CONFIGURED_KB);
  assert_int_equal(restore_sort_kb(0, 1024), 1024);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(small_tables_sort_in_what_the_cache_holds),
      cmocka_unit_test(larger_ones_in_as_much_as_two_passes_need),
      cmocka_unit_test(never_in_more_than_the_server_is_set_to),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
