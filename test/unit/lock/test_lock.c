#include "lock_support.h"

#include "base/os/child.h"
#include "lock/advisory_lock.h"
#include "lock/holder.h"
#include "pg/connection/connection.h"
#include "pg/dsn/dsn.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs three of the above. */
#include <cmocka.h>

static gboolean
inspect(const BackupLockOptions *options, BackupLockHolder *ret_holder)
{
  g_autoptr(PgConnection) connection = pg_connection_open(options->dsn, "test", NULL, NULL);
  return backup_lock_inspect(connection, options->redis_url, ret_holder, NULL);
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
  for (;;) { /* until the server notices that its client is gone */
    BackupLockOptions options = with_redis();
    g_autoptr(BackupLock) lock = backup_lock_acquire(&options, "import", "A", NULL, NULL, NULL);
    if (lock != NULL)
      break;
    assert_true(elapsed_ms(started) < SOON_MS);
  }
  assert_redis_key(NULL);
}

/* Our value for another database of the server. */
static char *
value_for_database(const char *name)
{
  g_autoptr(PgConnection) connection = pg_connection_open(test_postgres_dsn(postgres), "test", NULL, NULL);
  g_autofree char *database = NULL;
  assert_non_null(connection);
  assert_true(pg_connection_value(connection, &database, NULL,
                                  "SELECT concat(system_identifier, '/', oid) FROM pg_control_system(), pg_database "
                                  "WHERE datname = $1",
                                  1, name));
  return lock_value_new("import", "B", database);
}

static void
a_key_that_names_another_database_of_the_server_is_left_to_the_living_only(void **state)
{
  (void)state;
  g_autofree char *value = value_for_database("template1");
  set_redis_key(value);
  g_autofree char *dsn = dsn_with_database(test_postgres_dsn(postgres), "template1", NULL);
  g_autoptr(AdvisoryLock) living = advisory_lock_open(dsn, "import", "B", NULL, NULL);
  g_auto(BackupLockHolder) nobody = {0};
  gboolean is_taken = FALSE;
  assert_true(advisory_lock_take(living, &is_taken, &nobody, NULL) && is_taken);
  assert_refused(with_redis(), "import", "B");
  assert_redis_key(value);
  advisory_lock_release(living);

  BackupLockOptions options = with_redis();
  g_auto(BackupLockHolder) found = {0};
  assert_true(inspect(&options, &found));
  assert_false(found.is_held);
  backup_lock_release(acquire(options, NULL));
  assert_redis_key(NULL);
}

static void
a_key_of_a_database_that_is_gone_holds_nobody_up_but_one_of_another_server_does(void **state)
{
  (void)state;
  g_autofree char *here = value_for_database("postgres");
  const char *from = strstr(here, "\"database\":\"") + strlen("\"database\":\"");
  g_autofree char *server = g_strndup(from, strcspn(from, "/"));
  g_autofree char *gone = g_strconcat(server, "/4000000000", NULL);
  g_autofree char *dead = lock_value_new("import", "B", gone), *elsewhere = lock_value_new("import", "B", "1/5");
  set_redis_key(dead);
  backup_lock_release(acquire(with_redis(), NULL));
  assert_redis_key(NULL);
  set_redis_key(elsewhere);
  assert_refused(with_redis(), "import", "B");
  assert_redis_key(elsewhere);
  delete_redis_key();
}

static void
the_hubs_lock_is_respected(void **state)
{
  (void)state;
  set_redis_key(HUB_VALUE);
  assert_refused(with_redis(), NULL, "the hub");
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
  assert_true(inspect(&options, &found));
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
  assert_inspected(with_redis(), TRUE, NULL, "the hub");
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
    assert_true(inspect(&options, &found));
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

static void
let_go_it_keeps_others_of_this_process_out_and_can_be_taken_again(void **state)
{
  (void)state;
  g_autoptr(GCancellable) lost = g_cancellable_new();
  BackupLock *lock = acquire(with_redis(), lost);
  assert_int_not_equal(backup_lock_backend_pid(lock), 0);
  g_autofree char *key = redis_key();
  backup_lock_let_go(lock);
  assert_int_equal(backup_lock_backend_pid(lock), 0);
  assert_redis_key(key);
  g_autoptr(GError) error = NULL;
  assert_false(backup_lock_verify(lock, &error));
  assert_false(backup_lock_is_lost(lock));
  assert_false(g_cancellable_is_cancelled(lost));
  assert_refused(with_redis(), "import", "Admin Token @ 10.0.0.7");

  assert_true(backup_lock_take_again(lock, NULL));
  assert_int_not_equal(backup_lock_backend_pid(lock), 0);
  assert_true(backup_lock_verify(lock, NULL));
  assert_redis_key(key);
  backup_lock_release(lock);
  assert_free(with_redis());
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
      cmocka_unit_test(a_key_that_names_another_database_of_the_server_is_left_to_the_living_only),
      cmocka_unit_test(a_key_of_a_database_that_is_gone_holds_nobody_up_but_one_of_another_server_does),
      cmocka_unit_test(the_hubs_lock_is_respected),
      cmocka_unit_test(the_redis_key_is_as_the_hub_expects_and_gone_after_release),
      cmocka_unit_test(the_advisory_connection_is_idle_outside_any_transaction),
      cmocka_unit_test(a_database_away_is_an_error_and_leaves_nothing_locked),
      cmocka_unit_test(a_wrong_redis_url_is_an_error),
      cmocka_unit_test(inspecting_tells_who_holds_it_and_takes_nothing),
      cmocka_unit_test(inspecting_is_not_misled_by_what_a_killed_process_left),
      cmocka_unit_test(contending_threads_never_overlap),
      cmocka_unit_test(let_go_it_keeps_others_of_this_process_out_and_can_be_taken_again),
  };
  return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
