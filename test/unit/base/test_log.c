#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

static void
what_lasts_is_logged_once_and_then_every_minute_with_its_count(void **state)
{
  (void)state;
  LogRepeat away = {0};
  guint n = 0;
  assert_true(log_repeat_is_due(&away, &n));
  assert_int_equal(n, 1);
  for (guint i = 0; i < 11; i++)
    assert_false(log_repeat_is_due(&away, &n));
  away.told_us -= 60 * G_USEC_PER_SEC;
  assert_true(log_repeat_is_due(&away, &n));
  assert_int_equal(n, 12);
  assert_false(log_repeat_is_due(&away, &n));
  log_repeat_end(&away);
  assert_true(log_repeat_is_due(&away, &n));
  assert_int_equal(n, 1);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_lasts_is_logged_once_and_then_every_minute_with_its_count),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
