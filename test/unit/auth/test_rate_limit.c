#include "auth/rate_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

static void
fail_times(RateLimit *limit, const char *address, guint n, gint64 now_s)
{
  for (guint i = 0; i < n; i++)
    rate_limit_fail(limit, address, now_s);
}

static void
ten_failures_lock_an_address_out_for_fifteen_minutes(void **state)
{
  (void)state;
  g_autoptr(RateLimit) limit = rate_limit_new();
  fail_times(limit, "10.0.0.1", RATE_LIMIT_FAILURES - 1, 1000);
  assert_int_equal(rate_limit_wait(limit, "10.0.0.1", 1000), 0);
  rate_limit_fail(limit, "10.0.0.1", 1010);
  assert_int_equal(rate_limit_wait(limit, "10.0.0.1", 1010), RATE_LIMIT_LOCKOUT_S);
  assert_int_equal(rate_limit_wait(limit, "10.0.0.1", 1010 + RATE_LIMIT_LOCKOUT_S - 1), 1);
  assert_int_equal(rate_limit_wait(limit, "10.0.0.1", 1010 + RATE_LIMIT_LOCKOUT_S), 0);
  assert_int_equal(rate_limit_wait(limit, "10.0.0.2", 1010), 0);
}

static void
failures_count_only_within_five_minutes(void **state)
{
  (void)state;
  g_autoptr(RateLimit) limit = rate_limit_new();
  for (gint64 i = 0; i < 100; i++)
    rate_limit_fail(limit, "10.0.0.1", 1000 + i * (RATE_LIMIT_WINDOW_S / (RATE_LIMIT_FAILURES - 1) + 1));
  assert_int_equal(rate_limit_wait(limit, "10.0.0.1", 10000), 0);
  fail_times(limit, "10.0.0.1", RATE_LIMIT_FAILURES, 20000);
  assert_true(rate_limit_wait(limit, "10.0.0.1", 20000) > 0);
}

static void
a_success_forgets_the_failures(void **state)
{
  (void)state;
  g_autoptr(RateLimit) limit = rate_limit_new();
  fail_times(limit, "10.0.0.1", RATE_LIMIT_FAILURES - 1, 1000);
  rate_limit_succeed(limit, "10.0.0.1");
  fail_times(limit, "10.0.0.1", RATE_LIMIT_FAILURES - 1, 1000);
  assert_int_equal(rate_limit_wait(limit, "10.0.0.1", 1000), 0);
}

static void
addresses_of_one_ipv6_network_count_together(void **state)
{
  (void)state;
  g_autoptr(RateLimit) limit = rate_limit_new();
  for (guint i = 0; i < RATE_LIMIT_FAILURES; i++) {
    g_autofree char *address = g_strdup_printf("2001:db8:1:2::%x", i + 1);
    rate_limit_fail(limit, address, 1000);
  }
  assert_true(rate_limit_wait(limit, "2001:db8:1:2:ffff::1", 1000) > 0);
  assert_int_equal(rate_limit_wait(limit, "2001:db8:1:3::1", 1000), 0);
}

static void
the_table_is_bounded_and_forgets_the_oldest(void **state)
{
  (void)state;
  g_autoptr(RateLimit) limit = rate_limit_new();
  fail_times(limit, "first", RATE_LIMIT_FAILURES, 1000);
  fail_times(limit, "second", RATE_LIMIT_FAILURES, 1000);
  fail_times(limit, "first", RATE_LIMIT_FAILURES, 1001); /* no longer the oldest */
  for (guint i = 0; i < RATE_LIMIT_ADDRESSES - 1; i++) {
    g_autofree char *address = g_strdup_printf("address %u", i);
    rate_limit_fail(limit, address, 1002);
  }
  assert_int_equal(rate_limit_n_addresses(limit), RATE_LIMIT_ADDRESSES);
  assert_int_equal(rate_limit_wait(limit, "second", 1002), 0);
  assert_true(rate_limit_wait(limit, "first", 1002) > 0);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ten_failures_lock_an_address_out_for_fifteen_minutes),
      cmocka_unit_test(failures_count_only_within_five_minutes),
      cmocka_unit_test(a_success_forgets_the_failures),
      cmocka_unit_test(addresses_of_one_ipv6_network_count_together),
      cmocka_unit_test(the_table_is_bounded_and_forgets_the_oldest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
