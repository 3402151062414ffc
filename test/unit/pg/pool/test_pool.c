#include "pg/pool/pool.h"

#include "../connection/connection_support.h"
#include "pg/dsn/dsn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs three of the above. */
#include <cmocka.h>
#include <stdlib.h>

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

static void
one_beside_is_kept_apart(void **state)
{
  (void)state;
  g_autoptr(PgConnection) other = open_connection();
  exec_ok(other, "CREATE DATABASE beside_test");
  g_autofree char *dsn = dsn_with_database(postgres_dsn(), "beside_test", NULL);
  g_autoptr(PgPool) pool = pg_pool_new(dsn);
  g_autofree char *own = next_pid(pool);
  g_autofree char *first = NULL;
  for (guint i = 0; i < 2; i++) {
    g_autoptr(PgConnection) beside = pg_pool_take_beside(pool, "pool test", 3000, NULL, NULL);
    assert_value(beside, "SELECT current_database()", "postgres");
    g_autofree char *pid = backend_pid(beside);
    if (first == NULL)
      first = g_strdup(pid);
    assert_string_equal(pid, first);
  }
  g_autofree char *again = next_pid(pool);
  assert_string_equal(again, own);
  pg_pool_pause(pool);
  g_autoptr(PgConnection) fresh = pg_pool_take_beside(pool, "pool test", 3000, NULL, NULL);
  g_autofree char *pid = backend_pid(fresh);
  assert_string_not_equal(pid, first);
  pg_pool_resume(pool);
}

static char *
n_prepared(PgConnection *connection)
{
  char *n = NULL;
  assert_true(pg_connection_value(connection, &n, NULL, "SELECT count(*) FROM pg_prepared_statements", 0));
  return n;
}

/* `t.v` as it is now, by a statement that is prepared from the second time on. */
static void
assert_v(PgConnection *connection, const char *expected)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *v = NULL;
  pg_connection_value(connection, &v, &error, "SELECT v FROM public.t WHERE v > $1", 1, "0");
  assert_null(error);
  assert_string_equal(v, expected);
}

static void
a_statement_is_prepared_when_it_is_used_again_and_follows_the_schema(void **state)
{
  (void)state;
  g_autoptr(PgPool) pool = pg_pool_new(postgres_dsn());
  g_autoptr(PgConnection) other = open_connection();
  exec_ok(other, "CREATE TABLE public.t (v int4); INSERT INTO public.t VALUES (5)");
  PgConnection *connection = take(pool);
  g_autofree char *pid = backend_pid(connection);
  for (guint i = 0; i < 3; i++)
    assert_v(connection, "5");
  pg_connection_free(connection);
  connection = take(pool);
  assert_value(connection, "SELECT pg_backend_pid()", pid);
  assert_value(connection, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%FROM public.t %'", "1");

  exec_ok(other, "ALTER TABLE public.t ALTER COLUMN v TYPE text USING v || 'x'");
  assert_v(connection, "5x");
  assert_v(connection, "5x");
  exec_ok(other,
          "DROP TABLE public.t; CREATE TABLE public.t (w int4, v numeric(9, 2)); INSERT INTO public.t VALUES (1, 7)");
  for (guint i = 0; i < 3; i++)
    assert_v(connection, "7.00");
  pg_connection_free(connection);

  /* In a transaction that somebody repeats, it fails as a conflict. */
  connection = take(pool);
  pg_connection_repeats_conflicts(connection);
  exec_ok(other, "ALTER TABLE public.t ALTER COLUMN v TYPE text USING v || 'y'");
  guint n_attempts = 0;
  for (;;) {
    g_autoptr(GError) error = NULL;
    g_autofree char *v = NULL;
    n_attempts++;
    exec_ok(connection, "BEGIN");
    pg_connection_value(connection, &v, &error, "SELECT v FROM public.t WHERE v > $1", 1, "0");
    pg_connection_rollback(connection);
    if (error == NULL) {
      assert_string_equal(v, "7.00y");
      break;
    }
    assert_int_equal(error_code(error), CCH_ERROR_DATABASE_CONFLICT);
  }
  assert_int_equal(n_attempts, 2);
  pg_connection_free(connection);

  /* In any other transaction nothing is prepared. */
  connection = take(pool);
  exec_ok(connection, "BEGIN");
  g_autofree char *before = n_prepared(connection);
  assert_v(connection, "7.00y");
  assert_v(connection, "7.00y");
  g_autofree char *after = n_prepared(connection);
  assert_string_equal(after, before);
  pg_connection_rollback(connection);
  pg_connection_free(connection);
}

static void
the_server_keeps_a_limited_number_of_statements(void **state)
{
  (void)state;
  g_autoptr(PgPool) pool = pg_pool_new(postgres_dsn());
  g_autoptr(PgConnection) connection = take(pool);
  for (guint i = 0; i < 300; i++) {
    g_autofree char *sql = g_strdup_printf("SELECT %u", i / 2);
    g_autofree char *expected = g_strdup_printf("%u", i / 2);
    assert_value(connection, sql, expected);
  }
  g_autofree char *n = n_prepared(connection);
  assert_in_range(atoi(n), 1, 64);
}

static void
what_is_deferred_goes_out_with_the_next_statement(void **state)
{
  (void)state;
  g_autoptr(PgPool) pool = pg_pool_new(postgres_dsn());
  PgConnection *connection = take(pool);
  g_autofree char *pid = backend_pid(connection);
  for (guint i = 0; i < 3; i++) {
    pg_connection_defer(connection, "BEGIN");
    pg_connection_defer(connection, "CREATE TEMPORARY TABLE d AS SELECT 7 AS v");
    pg_connection_repeats_conflicts(connection);
    assert_value(connection, "SELECT v FROM d", "7");
    assert_true(pg_connection_in_transaction(connection));
    pg_connection_defer(connection, "SAVEPOINT s");
    assert_false(pg_connection_exec(connection, "SELECT 1/0", NULL));
    exec_ok(connection, "ROLLBACK TO s");
    pg_connection_defer(connection, "SELECT 1/0");
    g_autoptr(GError) error = NULL;
    g_autoptr(PgResult) none = pg_connection_query(connection, &error, "SELECT v FROM d", 0);
    assert_null(none);
    assert_error(error, CCH_ERROR_DATABASE_QUERY, "22012");
    pg_connection_defer(connection, "SELECT 1/0");
    pg_connection_rollback(connection);
    assert_value(connection, "SELECT 8", "8");
  }
  pg_connection_defer(connection, "CREATE TEMPORARY TABLE d AS SELECT 7 AS v");
  assert_true(pg_connection_copy_in_begin(connection, "COPY d FROM STDIN", NULL));
  assert_true(pg_connection_copy_in_end(connection, NULL, NULL));
  pg_connection_free(connection);
  g_autofree char *same = next_pid(pool);
  assert_string_equal(same, pid);
  connection = take(pool);
  pg_connection_defer(connection, "SELECT 1");
  pg_connection_free(connection); /* nobody knows what it was for */
  g_autofree char *another = next_pid(pool);
  assert_string_not_equal(another, pid);

  /* A cancellation reaches a statement in a pipeline. */
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  connection = pg_pool_take(pool, "pool test", cancellable, NULL);
  GThread *thread = g_thread_new("cancel", cancel_soon, cancellable);
  g_autoptr(GError) cancelled = NULL;
  pg_connection_defer(connection, "BEGIN");
  g_autoptr(PgResult) none = pg_connection_query(connection, &cancelled, "SELECT pg_sleep(20)", 0);
  g_thread_join(thread);
  assert_null(none);
  assert_int_equal(error_code(cancelled), CCH_ERROR_CANCELLED);
  pg_connection_rollback(connection);
  pg_connection_set_cancellable(connection, NULL);
  assert_value(connection, "SELECT 9", "9");
  pg_connection_free(connection);

  /* A session that ends in a pipeline. */
  connection = take(pool);
  g_autoptr(GError) lost = NULL;
  pg_connection_defer(connection, "SELECT pg_terminate_backend(pg_backend_pid())");
  none = pg_connection_query(connection, &lost, "SELECT 1", 0);
  assert_null(none);
  assert_int_equal(error_code(lost), CCH_ERROR_DATABASE_UNAVAILABLE);
  assert_false(pg_connection_is_alive(connection));
  pg_connection_free(connection);
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
      cmocka_unit_test(one_beside_is_kept_apart),
      cmocka_unit_test(a_statement_is_prepared_when_it_is_used_again_and_follows_the_schema),
      cmocka_unit_test(the_server_keeps_a_limited_number_of_statements),
      cmocka_unit_test(what_is_deferred_goes_out_with_the_next_statement),
  };
  return cmocka_run_group_tests(tests, start_postgres, stop_postgres);
}
