#include "lock_support.h"

#include "pg/connection/connection.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
/* cmocka.h needs three of the above. */
#include <cmocka.h>

static gboolean
cancelled_within_ms(GCancellable *cancellable, int timeout_ms)
{
  for (int waited_ms = 0; !g_cancellable_is_cancelled(cancellable); waited_ms += 10) {
    if (waited_ms > timeout_ms)
      return FALSE;
    g_usleep(10 * 1000);
  }
  return TRUE;
}

static gboolean
redis_key_set_within_ms(int timeout_ms)
{
  for (int waited_ms = 0;; waited_ms += 50) {
    g_autofree char *value = redis_key();
    if (value != NULL || waited_ms > timeout_ms)
      return value != NULL;
    g_usleep(50 * 1000);
  }
}

static void
the_redis_key_is_renewed_beyond_its_life(void **state)
{
  (void)state;
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(BackupLock) lock = acquire(with_redis(), lost);
  g_autofree char *before = redis_key();
  g_usleep((TTL_MS * 2 + TTL_MS / 2) * 1000);
  assert_redis_key(before);
  assert_true(backup_lock_verify(lock, NULL));
  assert_false(backup_lock_is_lost(lock));
}

static void
a_stolen_key_is_a_loss_and_is_not_deleted(void **state)
{
  (void)state;
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(BackupLock) lock = acquire(with_redis(), lost);
  set_redis_key(HUB_VALUE);
  g_autoptr(GError) error = NULL;
  assert_false(backup_lock_verify(lock, &error)); /* asks now, not at the next renewal */
  assert_int_equal(error_code(error), CCH_ERROR_LOCK_LOST);
  assert_true(cancelled_within_ms(lost, SOON_MS));
  assert_true(backup_lock_is_lost(lock));
  g_clear_pointer(&lock, backup_lock_release);
  assert_redis_key(HUB_VALUE);
  delete_redis_key();
}

static void
a_stolen_key_is_noticed_without_asking(void **state)
{
  (void)state;
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(BackupLock) lock = acquire(with_redis(), lost);
  set_redis_key(HUB_VALUE);
  assert_true(cancelled_within_ms(lost, SOON_MS));
  assert_true(backup_lock_is_lost(lock));
  g_clear_pointer(&lock, backup_lock_release);
  delete_redis_key();
}

static void
a_deleted_key_is_taken_again(void **state)
{
  (void)state;
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(BackupLock) lock = acquire(with_redis(), lost);
  delete_redis_key();
  assert_true(redis_key_set_within_ms(SOON_MS));
  assert_true(backup_lock_verify(lock, NULL));
  assert_false(g_cancellable_is_cancelled(lost));
}

static void
redis_away_from_the_start_is_no_error_and_it_is_taken_later(void **state)
{
  (void)state;
  test_redis_kill(redis);
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(BackupLock) lock = acquire(with_redis(), lost);
  assert_true(backup_lock_verify(lock, NULL));
  test_redis_restart(redis);
  assert_true(redis_key_set_within_ms(SOON_MS));
  g_clear_pointer(&lock, backup_lock_release);
  assert_redis_key(NULL);
  assert_false(g_cancellable_is_cancelled(lost));
}

static void
redis_killed_in_the_middle_is_no_loss(void **state)
{
  (void)state;
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(BackupLock) lock = acquire(with_redis(), lost);
  test_redis_kill(redis);
  g_usleep(2 * TTL_MS * 1000);
  assert_true(backup_lock_verify(lock, NULL));
  gint64 started = g_get_monotonic_time();
  g_clear_pointer(&lock, backup_lock_release);
  assert_true(elapsed_ms(started) < SOON_MS);
  assert_false(g_cancellable_is_cancelled(lost));
  assert_free(with_redis());
  test_redis_restart(redis);
}

static void
redis_back_with_another_holder_is_a_loss(void **state)
{
  (void)state;
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(BackupLock) lock = acquire(with_redis(), lost);
  test_redis_signal(redis, SIGSTOP);
  g_usleep(2 * TTL_MS * 1000);
  assert_false(g_cancellable_is_cancelled(lost));
  test_redis_signal(redis, SIGCONT);
  set_redis_key(HUB_VALUE);
  assert_true(cancelled_within_ms(lost, SOON_MS));
  g_clear_pointer(&lock, backup_lock_release);
  assert_redis_key(HUB_VALUE);
  delete_redis_key();
}

static void
a_hanging_redis_holds_nobody_up(void **state)
{
  (void)state;
  test_redis_signal(redis, SIGSTOP);
  gint64 started = g_get_monotonic_time();
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(BackupLock) lock = acquire(with_redis(), lost);
  assert_true(elapsed_ms(started) < SOON_MS);
  started = g_get_monotonic_time();
  g_clear_pointer(&lock, backup_lock_release);
  assert_true(elapsed_ms(started) < SOON_MS + 500);
  test_redis_signal(redis, SIGCONT);
  assert_free(with_redis());
  assert_redis_key(NULL);
}

static void
terminate_advisory_backend(void)
{
  g_autoptr(PgConnection) connection = pg_connection_open(test_postgres_dsn(postgres), "test", NULL, NULL);
  g_autofree char *pid = NULL;
  assert_true(pg_connection_value(connection, &pid, NULL,
                                  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                  " WHERE application_name LIKE 'cch-data lock: %'",
                                  0));
  assert_string_equal(pid, "t");
}

static void
a_terminated_advisory_backend_is_a_loss_at_once(void **state)
{
  (void)state;
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(BackupLock) lock = acquire(with_redis(), lost);
  terminate_advisory_backend();
  assert_true(cancelled_within_ms(lost, 2000));
  assert_true(backup_lock_is_lost(lock));
  g_autoptr(GError) error = NULL;
  assert_false(backup_lock_verify(lock, &error));
  assert_int_equal(error_code(error), CCH_ERROR_LOCK_LOST);
  g_clear_pointer(&lock, backup_lock_release);
  assert_redis_key(NULL);
  assert_free(with_redis());
}

static void
a_hanging_redis_does_not_hide_a_lost_advisory_lock(void **state)
{
  (void)state;
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(BackupLock) lock = acquire(with_redis(), lost);
  test_redis_signal(redis, SIGSTOP);
  g_usleep(TTL_MS * 1000);
  terminate_advisory_backend();
  assert_true(cancelled_within_ms(lost, 2000));
  test_redis_signal(redis, SIGCONT);
  g_clear_pointer(&lock, backup_lock_release);
}

static void
a_hanging_database_does_not_hold_release_up(void **state)
{
  (void)state;
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(BackupLock) lock = acquire(without_redis(), lost);
  g_autoptr(PgConnection) connection = pg_connection_open(test_postgres_dsn(postgres), "test", NULL, NULL);
  g_autofree char *pid = NULL;
  assert_true(pg_connection_value(
      connection, &pid, NULL, "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'cch-data lock: %'", 0));
  assert_int_equal(kill(atoi(pid), SIGSTOP), 0);
  g_usleep(1500 * 1000); /* the watching thread is now waiting for an answer */
  gint64 started = g_get_monotonic_time();
  g_clear_pointer(&lock, backup_lock_release);
  gint64 took_ms = elapsed_ms(started);
  assert_int_equal(kill(atoi(pid), SIGCONT), 0);
  assert_true(took_ms < SOON_MS);
  for (started = g_get_monotonic_time(); lock == NULL; g_usleep(10 * 1000)) { /* until it is freed */
    BackupLockOptions options = without_redis();
    lock = backup_lock_acquire(&options, "import", "A", lost, NULL, NULL);
    assert_true(elapsed_ms(started) < SOON_MS);
  }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_redis_key_is_renewed_beyond_its_life),
      cmocka_unit_test(a_stolen_key_is_a_loss_and_is_not_deleted),
      cmocka_unit_test(a_stolen_key_is_noticed_without_asking),
      cmocka_unit_test(a_deleted_key_is_taken_again),
      cmocka_unit_test(redis_away_from_the_start_is_no_error_and_it_is_taken_later),
      cmocka_unit_test(redis_killed_in_the_middle_is_no_loss),
      cmocka_unit_test(redis_back_with_another_holder_is_a_loss),
      cmocka_unit_test(a_hanging_redis_holds_nobody_up),
      cmocka_unit_test(a_terminated_advisory_backend_is_a_loss_at_once),
      cmocka_unit_test(a_hanging_redis_does_not_hide_a_lost_advisory_lock),
      cmocka_unit_test(a_hanging_database_does_not_hold_release_up),
  };
  return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
