#include "base/os/processors.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

static void
affinity_limits_them(void **state)
{
  (void)state;
  cpu_set_t all, first;
  assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
  assert_in_range(processors_usable(), 1, CPU_COUNT(&all));
  CPU_ZERO(&first);
  for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&first) == 0; i++)
    if (CPU_ISSET(i, &all))
      CPU_SET(i, &first);
  assert_int_equal(sched_setaffinity(0, sizeof first, &first), 0);
  assert_int_equal(processors_usable(), 1);
  assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
}

static void
a_quota_is_rounded_up(void **state)
{
  (void)state;
  assert_int_equal(processors_of_quota("200000 100000\n"), 2);
  assert_int_equal(processors_of_quota("150000 100000\n"), 2);
  assert_int_equal(processors_of_quota("10000 100000\n"), 1);
  assert_int_equal(processors_of_quota("1 18446744073709551615"), 1);
  assert_int_equal(processors_of_quota("max 100000\n"), G_MAXUINT);
  assert_int_equal(processors_of_quota("0 100000"), G_MAXUINT);
  assert_int_equal(processors_of_quota("100000 0"), G_MAXUINT);
  assert_int_equal(processors_of_quota(""), G_MAXUINT);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(affinity_limits_them),
      cmocka_unit_test(a_quota_is_rounded_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
