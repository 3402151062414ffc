#include "pg/pool/pool.h"

#include "../connection/connection_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs three of the above. */
#include <cmocka.h>

static PgConnection *
take(PgPool *pool)
{
  g_autoptr(GError) error = NULL;
  PgConnection *connection = pg_pool_take(pool, "pool test", NULL, &error);
  assert_null(error);
  return connection;
}

/* The PID of the process that the next user of the pool gets. */
static char *
next_pid(PgPool *pool)
{
  g_autoptr(PgConnection) connection = take(pool);
  return backend_pid(connection);
}

static void
a_connection_is_used_again_with_the_settings_of_a_new_one(void **state)
{
  (void)state;
  g_autoptr(PgPool) pool = pg_pool_new(postgres_dsn());
  PgConnection *first = take(pool);
  g_autofree char *pid = backend_pid(first);
  exec_ok(first,
          "SET datestyle = 'German'; SET search_path = public; SET lock_timeout = 7; SET application_name = 'x'; "
          "CREATE TEMPORARY TABLE left_behind (); SELECT pg_advisory_lock(7); SET statement_timeout = 5000; "
          "SET default_transaction_isolation = 'serializable'");
  pg_connection_free(first);
  g_autoptr(PgConnection) second = take(pool);
  assert_value(second, "SELECT pg_backend_pid()", pid);
  assert_value(second, "SELECT date '2026-01-02'", "2026-01-02");
  assert_value(second, "SHOW search_path", "");
  assert_value(second, "SHOW lock_timeout", "0");
  assert_value(second, "SHOW statement_timeout", "0");
  assert_value(second, "SHOW client_encoding", "UTF8");
  assert_value(second, "SHOW default_transaction_isolation", "read committed");
  assert_value(second, "SHOW application_name", "pool test");
  assert_value(second, "SELECT to_regclass('pg_temp.left_behind') IS NULL", "t");
  assert_value(second, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "0");
}

static void
a_connection_in_a_transaction_or_cancelled_is_ended(void **state)
{
  (void)state;
  g_autoptr(PgPool) pool = pg_pool_new(postgres_dsn());
  static const char *const ends[] = {"BEGIN", "BEGIN; SELECT 1/0"};
  for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
    PgConnection *connection = take(pool);
    g_autofree char *pid = backend_pid(connection);
    pg_connection_exec(connection, ends[i], NULL);
    pg_connection_free(connection);
    g_autofree char *next = next_pid(pool);
    assert_string_not_equal(next, pid);
  }
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  PgConnection *connection = pg_pool_take(pool, "pool test", cancellable, NULL);
  g_autofree char *pid = backend_pid(connection);
  GThread *thread = g_thread_new("cancel", cancel_soon, cancellable);
  assert_false(pg_connection_exec(connection, "SELECT pg_sleep(20)", NULL));
  g_thread_join(thread);
  pg_connection_free(connection);
  g_autofree char *next = next_pid(pool);
  assert_string_not_equal(next, pid);
}

static void
a_dead_connection_is_replaced(void **state)
{
  (void)state;
  g_autoptr(PgPool) pool = pg_pool_new(postgres_dsn());
  PgConnection *one = take(pool);
  PgConnection *other = take(pool);
  Termination terminations[] = {{.pid = backend_pid(one)}, {.pid = backend_pid(other)}};
  pg_connection_free(one);
  pg_connection_free(other);
  for (guint i = 0; i < G_N_ELEMENTS(terminations); i++) {
    terminate_backend(&terminations[i]);
    g_free(terminations[i].pid);
  }
  g_autoptr(PgConnection) next = take(pool);
  assert_value(next, "SELECT 1", "1");
}

static void
a_pause_ends_the_kept_connections_and_keeps_none(void **state)
{
  (void)state;
  g_autoptr(PgPool) pool = pg_pool_new(postgres_dsn());
  g_autofree char *before = next_pid(pool);
  pg_pool_pause(pool);
  pg_pool_pause(pool);
  g_autofree char *during = next_pid(pool);
  pg_pool_resume(pool);
  g_autofree char *later = next_pid(pool);
  assert_string_not_equal(during, before);
  assert_string_not_equal(later, during);
  pg_pool_resume(pool);
  g_autofree char *after = next_pid(pool);
  g_autofree char *again = next_pid(pool);
  assert_string_equal(again, after);
}

static void
no_more_than_a_few_are_kept(void **state)
{
  (void)state;
  g_autoptr(PgPool) pool = pg_pool_new(postgres_dsn());
  PgConnection *all[8];
  for (guint i = 0; i < G_N_ELEMENTS(all); i++)
    all[i] = take(pool);
  for (guint i = 0; i < G_N_ELEMENTS(all); i++)
    pg_connection_free(all[i]);
  g_autoptr(PgConnection) observer = open_connection();
  g_autofree char *left = NULL;
  for (guint i = 0; i < 100 && g_strcmp0(left, "4") != 0; i++) { /* the others are ending */
    g_usleep(50000);
    g_clear_pointer(&left, g_free);
    assert_true(pg_connection_value(
        observer, &left, NULL,
        "SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('pool test', 'cch-data idle')", 0));
  }
  assert_string_equal(left, "4");
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_connection_is_used_again_with_the_settings_of_a_new_one),
      cmocka_unit_test(a_connection_in_a_transaction_or_cancelled_is_ended),
      cmocka_unit_test(a_dead_connection_is_replaced),
      cmocka_unit_test(a_pause_ends_the_kept_connections_and_keeps_none),
      cmocka_unit_test(no_more_than_a_few_are_kept),
  };
  return cmocka_run_group_tests(tests, start_postgres, stop_postgres);
}
