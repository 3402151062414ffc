#include "base/child.h"
#include "base/error.h"
#include "lock/lock.h"
#include "lock/redis_lock.h"
#include "pg/connection.h"
#include "redis/redis.h"
#include "servers.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs three of the above. */
#include <cmocka.h>

enum {
  TTL_MS = 1500,
  SOON_MS = 5000 /* what is awaited happens within, on a loaded machine too */
};

#define HUB_VALUE "1769682600000-k3j9x2"

static TestPostgres *postgres;
static TestRedis *redis;

static BackupLockOptions
with_redis(void)
{
  return (BackupLockOptions){test_postgres_dsn(postgres), test_redis_url(redis), TTL_MS};
}

static BackupLockOptions
without_redis(void)
{
  return (BackupLockOptions){test_postgres_dsn(postgres), NULL, TTL_MS};
}

static BackupLock *
acquire(BackupLockOptions options, GCancellable *lost)
{
  g_autoptr(GError) error = NULL;
  BackupLock *lock = backup_lock_acquire(&options, "import", "Admin Token @ 10.0.0.7", lost, NULL, &error);
  if (lock == NULL)
    print_error("%s\n", error->message);
  assert_non_null(lock);
  return lock;
}

static void
assert_refused(BackupLockOptions options, const char *operation, const char *holder)
{
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_auto(BackupLockHolder) other = {0};
  g_autoptr(GError) error = NULL;
  assert_null(backup_lock_acquire(&options, "export", "Second", lost, &other, &error));
  assert_int_equal(error_code(error), CCH_ERROR_LOCK_HELD);
  assert_true(other.is_held);
  assert_true(g_strcmp0(other.operation, operation) == 0);
  assert_true(g_strcmp0(other.holder, holder) == 0);
  assert_non_null(other.since);
}

static void
assert_free(BackupLockOptions options)
{
  g_autoptr(GCancellable) lost = g_cancellable_new();
  backup_lock_release(acquire(options, lost));
}

/* Runs a Redis command and returns its string, or its integer as text; NULL for nil. */
static char *
redis_run(guint argc, const char *const *argv)
{
  g_autoptr(RedisConnection) connection = redis_connection_open(test_redis_url(redis), NULL);
  assert_non_null(connection);
  g_autoptr(RedisReply) reply = redis_commandv(connection, NULL, argc, argv);
  assert_non_null(reply);
  const char *text = redis_reply_string(reply);
  gint64 number = redis_reply_integer(reply);
  return text != NULL ? g_strdup(text) : number != 0 ? g_strdup_printf("%" G_GINT64_FORMAT, number) : NULL;
}

static char *
redis_key(void)
{
  return redis_run(2, (const char *[]){"GET", REDIS_LOCK_KEY});
}

static void
set_redis_key(const char *value)
{
  g_free(redis_run(3, (const char *[]){"SET", REDIS_LOCK_KEY, value}));
}

static void
delete_redis_key(void)
{
  g_free(redis_run(2, (const char *[]){"DEL", REDIS_LOCK_KEY}));
}

static void
assert_redis_key(const char *expected)
{
  g_autofree char *value = redis_key();
  assert_true(g_strcmp0(value, expected) == 0);
}

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

static gint64
elapsed_ms(gint64 started_us)
{
  return (g_get_monotonic_time() - started_us) / 1000;
}

/* Another process: this program, holding the lock until SIGTERM. */
static ChildProcess *
start_holder(BackupLockOptions options)
{
  g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
  const char *argv[] = {self, "holder", options.dsn, options.redis_url, NULL};
  ChildOptions child_options = {.argv = argv, .capture_stdout = TRUE, .parent_death_signal = SIGKILL};
  ChildProcess *child = child_process_spawn(&child_options, NULL);
  assert_non_null(child);
  char ready;
  assert_int_equal(read(child_process_stdout(child), &ready, 1), 1);
  return child;
}

static int
be_a_holder(const char *dsn, const char *redis_url)
{
  sigset_t terminate;
  sigemptyset(&terminate);
  sigaddset(&terminate, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &terminate, NULL);
  g_autoptr(GCancellable) lost = g_cancellable_new();
  BackupLockOptions options = {dsn, redis_url, 60000};
  BackupLock *lock = backup_lock_acquire(&options, "export", "张三", lost, NULL, NULL);
  if (lock == NULL || write(STDOUT_FILENO, ".", 1) != 1)
    return 1;
  int number;
  sigwait(&terminate, &number);
  backup_lock_release(lock);
  return 0;
}

static void
end_holder(ChildProcess *child, int signal_number)
{
  child_process_signal(child, signal_number);
  assert_true(child_process_wait(child, SOON_MS, NULL));
  child_process_free(child);
}

static void
one_thread_at_a_time(void **state)
{
  (void)state;
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(BackupLock) lock = acquire(without_redis(), lost);
  assert_refused(without_redis(), "import", "Admin Token @ 10.0.0.7");
  assert_true(backup_lock_verify(lock, NULL));
  g_clear_pointer(&lock, backup_lock_release);
  assert_free(without_redis());
  assert_false(g_cancellable_is_cancelled(lost));
}

static void
one_process_at_a_time_without_redis(void **state)
{
  (void)state;
  ChildProcess *other = start_holder(without_redis());
  assert_refused(without_redis(), "export", "张三");
  end_holder(other, SIGTERM);
  assert_free(without_redis());
}

static void
one_process_at_a_time_with_redis(void **state)
{
  (void)state;
  ChildProcess *other = start_holder(with_redis());
  assert_refused(with_redis(), "export", "张三");
  end_holder(other, SIGTERM);
  assert_redis_key(NULL);
  assert_free(with_redis());
}

static void
processes_with_and_without_redis_exclude_each_other(void **state)
{
  (void)state;
  ChildProcess *other = start_holder(without_redis());
  assert_refused(with_redis(), "export", "张三");
  assert_redis_key(NULL);
  end_holder(other, SIGTERM);
  other = start_holder(with_redis());
  assert_refused(without_redis(), "export", "张三");
  end_holder(other, SIGTERM);
}

static void
a_killed_process_leaves_nothing_that_holds_others_up(void **state)
{
  (void)state;
  end_holder(start_holder(with_redis()), SIGKILL);
  g_autofree char *left_behind = redis_key();
  assert_non_null(left_behind);
  gint64 started = g_get_monotonic_time();
  for (;;) { /* until the server has noticed that its client is gone */
    BackupLockOptions options = with_redis();
    g_autoptr(BackupLock) lock = backup_lock_acquire(&options, "import", "A", NULL, NULL, NULL);
    if (lock != NULL)
      break;
    assert_true(elapsed_ms(started) < SOON_MS);
  }
  assert_redis_key(NULL);
}

static void
the_hubs_lock_is_respected(void **state)
{
  (void)state;
  set_redis_key(HUB_VALUE);
  assert_refused(with_redis(), NULL, NULL);
  assert_redis_key(HUB_VALUE);
  delete_redis_key();
  assert_free(with_redis());
}

static void
the_redis_key_is_as_the_hub_expects_and_gone_after_release(void **state)
{
  (void)state;
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(BackupLock) lock = acquire(with_redis(), lost);
  g_autofree char *value = redis_key();
  assert_true(g_regex_match_simple("^[0-9]{13}-[0-9a-f]{32} \\{", value, 0, 0));
  g_autofree char *left = redis_run(2, (const char *[]){"PTTL", REDIS_LOCK_KEY});
  assert_in_range(atoi(left), 1, TTL_MS);
  g_clear_pointer(&lock, backup_lock_release);
  assert_redis_key(NULL);
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
  g_usleep(1500 * 1000); /* the watching thread is now in the middle of a question */
  gint64 started = g_get_monotonic_time();
  g_clear_pointer(&lock, backup_lock_release);
  gint64 took_ms = elapsed_ms(started);
  assert_int_equal(kill(atoi(pid), SIGCONT), 0);
  assert_true(took_ms < SOON_MS);
  for (started = g_get_monotonic_time(); lock == NULL; g_usleep(10 * 1000)) { /* it is freed in the end */
    BackupLockOptions options = without_redis();
    lock = backup_lock_acquire(&options, "import", "A", lost, NULL, NULL);
    assert_true(elapsed_ms(started) < SOON_MS);
  }
}

static void
the_advisory_connection_is_idle_outside_any_transaction(void **state)
{
  (void)state;
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(BackupLock) lock = acquire(without_redis(), lost);
  assert_true(backup_lock_verify(lock, NULL));
  g_autoptr(PgConnection) connection = pg_connection_open(test_postgres_dsn(postgres), "test", NULL, NULL);
  g_autofree char *state_text = NULL;
  assert_true(pg_connection_value(connection, &state_text, NULL,
                                  "SELECT state FROM pg_stat_activity"
                                  " WHERE application_name = 'cch-data lock: import by Admin Token @ 10.0.0.7'",
                                  0));
  assert_string_equal(state_text, "idle");
}

static void
a_database_away_is_an_error_and_leaves_nothing_locked(void **state)
{
  (void)state;
  BackupLockOptions options = {"host=/nonexistent", test_redis_url(redis), TTL_MS};
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(GError) error = NULL;
  assert_null(backup_lock_acquire(&options, "import", "A", lost, NULL, &error));
  assert_int_equal(error_code(error), CCH_ERROR_DATABASE_UNAVAILABLE);
  assert_redis_key(NULL);
  assert_free(with_redis());
}

static void
a_wrong_redis_url_is_an_error(void **state)
{
  (void)state;
  BackupLockOptions options = {test_postgres_dsn(postgres), "http://localhost", TTL_MS};
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(GError) error = NULL;
  assert_null(backup_lock_acquire(&options, "import", "A", lost, NULL, &error));
  assert_int_equal(error_code(error), CCH_ERROR_CONFIG);
  assert_free(without_redis());
}

static void
assert_inspected(BackupLockOptions options, gboolean is_held, const char *operation, const char *holder)
{
  g_auto(BackupLockHolder) found = {0};
  assert_true(backup_lock_inspect(&options, &found, NULL));
  assert_int_equal(found.is_held, is_held);
  assert_true(g_strcmp0(found.operation, operation) == 0);
  assert_true(g_strcmp0(found.holder, holder) == 0);
  assert_true((found.since != NULL) == is_held);
}

static void
inspecting_tells_who_holds_it_and_takes_nothing(void **state)
{
  (void)state;
  assert_inspected(with_redis(), FALSE, NULL, NULL);
  assert_redis_key(NULL);
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(BackupLock) lock = acquire(without_redis(), lost);
  assert_inspected(without_redis(), TRUE, "import", "Admin Token @ 10.0.0.7");
  g_clear_pointer(&lock, backup_lock_release);
  ChildProcess *other = start_holder(with_redis());
  assert_inspected(with_redis(), TRUE, "export", "张三");
  assert_inspected(without_redis(), TRUE, "export", "张三");
  end_holder(other, SIGTERM);
  set_redis_key(HUB_VALUE);
  assert_inspected(with_redis(), TRUE, NULL, NULL);
  delete_redis_key();
}

static void
inspecting_is_not_misled_by_what_a_killed_process_left(void **state)
{
  (void)state;
  end_holder(start_holder(with_redis()), SIGKILL);
  gboolean is_held = TRUE;
  for (gint64 started = g_get_monotonic_time(); is_held && elapsed_ms(started) < SOON_MS;) {
    BackupLockOptions options = with_redis();
    g_auto(BackupLockHolder) found = {0};
    assert_true(backup_lock_inspect(&options, &found, NULL));
    is_held = found.is_held;
  }
  assert_false(is_held);
  delete_redis_key();
}

typedef struct {
  gint n_inside;
  gint n_entered;
  gint n_overlaps;
} Contest;

static gpointer
contend(gpointer user_data)
{
  Contest *contest = user_data;
  for (int i = 0; i < 15; i++) {
    BackupLockOptions options = with_redis();
    g_autoptr(GCancellable) lost = g_cancellable_new();
    g_autoptr(BackupLock) lock = backup_lock_acquire(&options, "import", "A", lost, NULL, NULL);
    if (lock == NULL)
      continue;
    if (g_atomic_int_add(&contest->n_inside, 1) != 0)
      g_atomic_int_inc(&contest->n_overlaps);
    g_atomic_int_inc(&contest->n_entered);
    g_usleep(1000);
    g_atomic_int_add(&contest->n_inside, -1);
  }
  return NULL;
}

static void
contending_threads_never_overlap(void **state)
{
  (void)state;
  Contest contest = {0};
  GThread *threads[4];
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    threads[i] = g_thread_new("contender", contend, &contest);
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    g_thread_join(threads[i]);
  assert_int_equal(contest.n_overlaps, 0);
  assert_true(contest.n_entered > 0);
  assert_redis_key(NULL);
}

static int
start_servers(void **state)
{
  (void)state;
  postgres = test_postgres_start();
  redis = test_redis_start(FALSE, NULL);
  return 0;
}

static int
stop_servers(void **state)
{
  (void)state;
  test_redis_free(redis);
  test_postgres_free(postgres);
  return 0;
}

int
main(int argc, char **argv)
{
  if (argc >= 3 && strcmp(argv[1], "holder") == 0)
    return be_a_holder(argv[2], argc > 3 ? argv[3] : NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_thread_at_a_time),
      cmocka_unit_test(one_process_at_a_time_without_redis),
      cmocka_unit_test(one_process_at_a_time_with_redis),
      cmocka_unit_test(processes_with_and_without_redis_exclude_each_other),
      cmocka_unit_test(a_killed_process_leaves_nothing_that_holds_others_up),
      cmocka_unit_test(the_hubs_lock_is_respected),
      cmocka_unit_test(the_redis_key_is_as_the_hub_expects_and_gone_after_release),
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
      cmocka_unit_test(the_advisory_connection_is_idle_outside_any_transaction),
      cmocka_unit_test(a_database_away_is_an_error_and_leaves_nothing_locked),
      cmocka_unit_test(a_wrong_redis_url_is_an_error),
      cmocka_unit_test(inspecting_tells_who_holds_it_and_takes_nothing),
      cmocka_unit_test(inspecting_is_not_misled_by_what_a_killed_process_left),
      cmocka_unit_test(contending_threads_never_overlap),
  };
  return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
