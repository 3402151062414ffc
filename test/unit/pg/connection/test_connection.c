#include "pg/connection/connection.h"

#include "connection_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs three of the above. */
#include <cmocka.h>

static void
a_failed_statement_keeps_its_sqlstate_and_class(void **state)
{
  (void)state;
  static const struct {
    const char *sqlstate;
    ErrorCode code;
  } cases[] = {
      {"42501", CCH_ERROR_DATABASE_PERMISSION},   {"53200", CCH_ERROR_DATABASE_OUT_OF_MEMORY},
      {"53100", CCH_ERROR_DATABASE_DISK_FULL},    {"53400", CCH_ERROR_DATABASE_DISK_FULL},
      {"55P03", CCH_ERROR_DATABASE_LOCK_TIMEOUT}, {"40P01", CCH_ERROR_DATABASE_CONFLICT},
      {"40001", CCH_ERROR_DATABASE_CONFLICT},     {"08006", CCH_ERROR_DATABASE_UNAVAILABLE},
      {"57P03", CCH_ERROR_DATABASE_UNAVAILABLE},  {"23505", CCH_ERROR_DATABASE_QUERY},
      {"40002", CCH_ERROR_DATABASE_QUERY},        {"XX000", CCH_ERROR_DATABASE_QUERY},
  };
  g_autoptr(PgConnection) connection = open_connection();
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    assert_false(pg_connection_execf(
        connection, &error, "DO $$ BEGIN RAISE EXCEPTION 'oh' USING ERRCODE = '%s'; END $$", cases[i].sqlstate));
    assert_error(error, cases[i].code, cases[i].sqlstate);
    assert_non_null(strstr(error->message, "oh"));
    assert_true(pg_connection_is_alive(connection));
  }
  g_autoptr(GError) error = NULL;
  assert_false(pg_connection_exec(connection, "GRANT ALL ON SCHEMA public TO no_such_role", &error));
  assert_error(error, CCH_ERROR_DATABASE_QUERY, "42704");
  assert_string_equal(error_source_function(error), "get_role_oid");
}

static void
results_are_read_as_text_numbers_and_truth(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection();
  g_autoptr(PgResult) result = pg_connection_query(
      connection, NULL, "SELECT $1::text, $2::bigint, $3::boolean, NULL UNION ALL SELECT '', NULL, NULL, 'x'", 3, "a'b",
      "-9223372036854775808", "true");
  assert_non_null(result);
  assert_int_equal(pg_result_rows(result), 2);
  assert_string_equal(pg_result_text(result, 0, 0), "a'b");
  assert_true(pg_result_int64(result, 0, 1) == G_MININT64);
  assert_true(pg_result_bool(result, 0, 2));
  assert_null(pg_result_text(result, 0, 3));
  assert_string_equal(pg_result_text(result, 1, 0), "");
  assert_int_equal(pg_result_int64(result, 1, 1), 0);
  assert_false(pg_result_bool(result, 1, 2));

  char *value = NULL;
  assert_true(pg_connection_value(connection, &value, NULL, "SELECT 1 WHERE $1::text IS NOT NULL", 1, NULL));
  assert_null(value);
  exec_ok(connection, "CREATE TEMPORARY TABLE touched (id integer)");
  g_autoptr(PgResult) insert =
      pg_connection_query(connection, NULL, "INSERT INTO touched SELECT generate_series(1, 1234)", 0);
  assert_int_equal(pg_result_affected(insert), 1234);
}

static void
the_transaction_is_known_and_rolled_back(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection();
  assert_false(pg_connection_in_transaction(connection));
  exec_ok(connection, "BEGIN; CREATE TABLE public.rolled_back (id integer)");
  assert_true(pg_connection_in_transaction(connection));
  assert_false(pg_connection_exec(connection, "SELECT 1/0", NULL));
  assert_false(pg_connection_in_transaction(connection));
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  g_cancellable_cancel(cancellable);
  pg_connection_set_cancellable(connection, cancellable);
  pg_connection_rollback(connection);
  pg_connection_set_cancellable(connection, NULL);
  assert_value(connection, "SELECT to_regclass('public.rolled_back') IS NULL", "t");
}

static void
a_long_statement_can_be_cancelled(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection();
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  pg_connection_set_cancellable(connection, cancellable);
  exec_ok(connection, "BEGIN");
  gint64 start_us = g_get_monotonic_time();
  GThread *thread = g_thread_new("cancel", cancel_soon, cancellable);
  g_autoptr(GError) error = NULL;
  assert_false(pg_connection_exec(connection, "SELECT pg_sleep(60)", &error));
  g_thread_join(thread);
  assert_error(error, CCH_ERROR_CANCELLED, "");
  assert_true(g_get_monotonic_time() - start_us < 30 * G_USEC_PER_SEC);
  g_clear_error(&error);
  assert_false(pg_connection_exec(connection, "SELECT 1", &error)); /* nothing new is started */
  assert_error(error, CCH_ERROR_CANCELLED, "");
  pg_connection_rollback(connection);
  pg_connection_set_cancellable(connection, NULL);
  assert_value(connection, "SELECT 42", "42");
}

static void
a_statement_can_be_begun_and_ended_by_itself(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection();
  assert_true(pg_connection_query_begin(connection, "SELECT 'rows'", NULL));
  g_autoptr(PgResult) result = pg_connection_query_end(connection, NULL);
  assert_string_equal(pg_result_text(result, 0, 0), "rows");

  g_autoptr(GError) error = NULL;
  assert_true(pg_connection_query_begin(connection, "SELECT 1 / 0", NULL));
  assert_null(pg_connection_query_end(connection, &error));
  assert_error(error, CCH_ERROR_DATABASE_QUERY, "22012");
  g_clear_error(&error);

  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  pg_connection_set_cancellable(connection, cancellable);
  exec_ok(connection, "BEGIN");
  assert_true(pg_connection_query_begin(connection, "SELECT pg_sleep(60)", NULL));
  g_cancellable_cancel(cancellable);
  assert_null(pg_connection_query_end(connection, &error));
  assert_error(error, CCH_ERROR_CANCELLED, "");
  pg_connection_rollback(connection);
  pg_connection_set_cancellable(connection, NULL);
  assert_value(connection, "SELECT 42", "42");
}

static void
the_servers_own_timeout_is_no_cancellation(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection();
  exec_ok(connection, "SET statement_timeout = 50");
  g_autoptr(GError) error = NULL;
  assert_false(pg_connection_exec(connection, "SELECT pg_sleep(60)", &error));
  assert_error(error, CCH_ERROR_DATABASE_QUERY, "57014");
}

static void
a_terminated_backend_is_a_lost_connection(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection();
  g_autofree char *pid = backend_pid(connection);
  terminate_backend(&(Termination){.pid = pid});
  g_autoptr(GError) error = NULL;
  assert_false(pg_connection_exec(connection, "SELECT 1", &error));
  assert_int_equal(error_code(error), CCH_ERROR_DATABASE_UNAVAILABLE);
  assert_false(pg_connection_is_alive(connection));
  g_clear_error(&error);
  assert_false(pg_connection_exec(connection, "SELECT 1", &error));
  assert_int_equal(error_code(error), CCH_ERROR_DATABASE_UNAVAILABLE);
  pg_connection_rollback(connection);
  assert_false(pg_connection_is_alive(connection));
}

static void
a_backend_that_is_terminated_at_work_is_a_lost_connection(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection();
  g_autofree char *pid = backend_pid(connection);
  Termination termination = {.pid = pid, .delay_ms = 200};
  GThread *thread = g_thread_new("terminate", terminate_backend, &termination);
  g_autoptr(GError) error = NULL;
  assert_false(pg_connection_exec(connection, "SELECT pg_sleep(60)", &error));
  g_thread_join(thread);
  assert_error(error, CCH_ERROR_DATABASE_UNAVAILABLE, "57P01");
  assert_false(pg_connection_is_alive(connection));
}

static const char *const nasty[] = {
    "plain", "",     "it's",    "\"quoted\"",       "back\\slash", "\\", "\\'",    "'; DROP TABLE t; --",
    "{a,b}", "NULL", " blank ", "line\nbreak\ttab", "$$",          "$1", "名称 é", "%s%n",
    NULL,
};

static void
literals_arrive_as_they_were(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection();
  static const char *const settings[] = {"on", "off"};
  for (gsize i = 0; i < G_N_ELEMENTS(settings); i++) {
    assert_true(pg_connection_execf(connection, NULL, "SET standard_conforming_strings = %s; SET backslash_quote = off",
                                    settings[i]));
    for (const char *const *text = nasty; *text != NULL; text++) {
      g_autofree char *literal = pg_quote_literal(*text);
      g_autofree char *sql = g_strdup_printf("SELECT%s%s", *literal == ' ' ? "" : " ", literal);
      assert_value(connection, sql, *text);
    }
  }
}

static void
identifiers_arrive_as_they_were(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection();
  for (const char *const *name = nasty; *name != NULL; name++) {
    if (**name == '\0')
      continue; /* PostgreSQL has no empty names */
    g_autofree char *qualified = pg_quote_qualified("pg_temp", *name);
    assert_true(pg_connection_execf(connection, NULL, "BEGIN; CREATE TABLE %s (id integer)", qualified));
    assert_value(connection, "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()", *name);
    exec_ok(connection, "ROLLBACK");
  }
}

static void
arrays_arrive_as_they_were(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection();
  g_autofree char *array = pg_array(nasty);
  g_autoptr(PgResult) result = pg_connection_query(connection, NULL, "SELECT unnest($1::text[])", 1, array);
  assert_non_null(result);
  assert_int_equal(pg_result_rows(result), G_N_ELEMENTS(nasty) - 1);
  for (guint i = 0; nasty[i] != NULL; i++) {
    assert_non_null(pg_result_text(result, i, 0));
    assert_string_equal(pg_result_text(result, i, 0), nasty[i]);
  }
  g_autofree char *empty = pg_array((const char *const[]){NULL});
  g_autofree char *cardinality = NULL;
  assert_true(pg_connection_value(connection, &cardinality, NULL, "SELECT cardinality($1::text[])", 1, empty));
  assert_string_equal(cardinality, "0");
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_failed_statement_keeps_its_sqlstate_and_class),
      cmocka_unit_test(results_are_read_as_text_numbers_and_truth),
      cmocka_unit_test(the_transaction_is_known_and_rolled_back),
      cmocka_unit_test(a_long_statement_can_be_cancelled),
      cmocka_unit_test(a_statement_can_be_begun_and_ended_by_itself),
      cmocka_unit_test(the_servers_own_timeout_is_no_cancellation),
      cmocka_unit_test(a_terminated_backend_is_a_lost_connection),
      cmocka_unit_test(a_backend_that_is_terminated_at_work_is_a_lost_connection),
      cmocka_unit_test(literals_arrive_as_they_were),
      cmocka_unit_test(identifiers_arrive_as_they_were),
      cmocka_unit_test(arrays_arrive_as_they_were),
  };
  return cmocka_run_group_tests(tests, start_postgres, stop_postgres);
}
