#include "base/wait.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

static void
a_sleep_lasts_as_long_as_it_says(void **state)
{
  (void)state;
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  GCancellable *either[] = {NULL, cancellable};
  for (gsize i = 0; i < G_N_ELEMENTS(either); i++) {
    gint64 start_us = g_get_monotonic_time();
    assert_true(sleep_ms(60, either[i], NULL));
    assert_true(g_get_monotonic_time() - start_us >= 60 * 1000);
  }
}

static gpointer
cancel_soon(gpointer cancellable)
{
  g_usleep(50 * 1000);
  g_cancellable_cancel(cancellable);
  return NULL;
}

static void
a_sleep_ends_when_it_is_cancelled(void **state)
{
  (void)state;
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  g_autoptr(GError) error = NULL;
  gint64 start_us = g_get_monotonic_time();
  GThread *thread = g_thread_new("cancel", cancel_soon, cancellable);
  assert_false(sleep_ms(60000, cancellable, &error));
  g_thread_join(thread);
  assert_int_equal(error_code(error), CCH_ERROR_CANCELLED);
  assert_true(g_get_monotonic_time() - start_us < 20 * G_USEC_PER_SEC);
}

static void
count(gpointer data, GCancellable *stopping)
{
  (void)stopping; /* It may have been cancelled just before the call. */
  g_atomic_int_inc((int *)data);
}

static void
periodic_work_runs_again_when_woken(void **state)
{
  (void)state;
  int n = 0;
  PeriodicThread *thread = periodic_thread_start("count", 3600, count, &n);
  while (g_atomic_int_get(&n) < 3) {
    periodic_thread_wake(thread);
    g_usleep(1000);
  }
  periodic_thread_stop(thread);
}

static void
periodic_work_runs_at_once_and_is_stopped_while_it_rests(void **state)
{
  (void)state;
  int n = 0;
  gint64 start_us = g_get_monotonic_time();
  PeriodicThread *thread = periodic_thread_start("count", 3600, count, &n);
  while (g_atomic_int_get(&n) == 0)
    g_usleep(1000);
  periodic_thread_stop(thread);
  assert_int_equal(n, 1);
  assert_true(g_get_monotonic_time() - start_us < 20 * G_USEC_PER_SEC);
  periodic_thread_stop(NULL);
}

static void
periodic_work_runs_again(void **state)
{
  (void)state;
  int n = 0;
  PeriodicThread *thread = periodic_thread_start("count", 0, count, &n);
  while (g_atomic_int_get(&n) < 3)
    g_usleep(1000);
  periodic_thread_stop(thread);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_sleep_lasts_as_long_as_it_says),
      cmocka_unit_test(a_sleep_ends_when_it_is_cancelled),
      cmocka_unit_test(periodic_work_runs_again_when_woken),
      cmocka_unit_test(periodic_work_runs_at_once_and_is_stopped_while_it_rests),
      cmocka_unit_test(periodic_work_runs_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
