#include "base/error.h"
#include "pg/connection/connection.h"
#include "servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static TestPostgres *postgres;

static PgConnection *
open_connection(GCancellable *cancellable)
{
  g_autoptr(GError) error = NULL;
  PgConnection *connection = pg_connection_open(test_postgres_dsn(postgres), "unit", cancellable, &error);
  if (connection == NULL)
    fail_msg("%s", error->message);
  return connection;
}

static void
exec(PgConnection *connection, const char *sql)
{
  g_autoptr(GError) error = NULL;
  if (!pg_connection_exec(connection, sql, &error))
    fail_msg("%s: %s", sql, error->message);
}

static void
begin(PgConnection *connection, const char *sql)
{
  g_autoptr(GError) error = NULL;
  if (!pg_connection_copy_out_begin(connection, sql, &error))
    fail_msg("%s: %s", sql, error->message);
}

/* All rows, read with a buffer of `size` bytes. */
static GString *
read_all(PgConnection *connection, gsize size, GError **error)
{
  g_autofree guint8 *buffer = g_malloc(size);
  GString *rows = g_string_new(NULL);
  gssize n;
  while ((n = pg_connection_copy_out_read(connection, buffer, size, error)) > 0)
    g_string_append_len(rows, (const char *)buffer, n);
  if (n == 0)
    return rows;
  g_string_free(rows, TRUE);
  return NULL;
}

/* The connection is still good, and the transaction can continue. */
static void
assert_usable(PgConnection *connection)
{
  g_autofree char *value = NULL;
  assert_true(pg_connection_value(connection, &value, NULL, "SELECT 40 + 2", 0));
  assert_string_equal(value, "42");
}

static void
rows_come_as_copy_text_whatever_the_buffer(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection(NULL);
  static const gsize sizes[] = {1, 7, 4096, 1024 * 1024};
  for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
    begin(connection, "COPY (VALUES (1, 'a' || chr(9) || 'b'), (2, NULL), (3, chr(10) || '\\.')) TO STDOUT");
    g_autoptr(GString) rows = read_all(connection, sizes[i], NULL);
    assert_string_equal(rows->str, "1\ta\\tb\n2\t\\N\n3\t\\n\\\\.\n");
    g_string_free(g_steal_pointer(&rows), TRUE);
    begin(connection, "COPY (SELECT 1 WHERE false) TO STDOUT");
    rows = read_all(connection, sizes[i], NULL);
    assert_string_equal(rows->str, "");
    begin(connection, "COPY (SELECT FROM generate_series(1, 3)) TO STDOUT");
    g_string_free(g_steal_pointer(&rows), TRUE);
    rows = read_all(connection, sizes[i], NULL);
    assert_string_equal(rows->str, "\n\n\n");
    assert_usable(connection);
  }
}

static void
many_rows_and_long_ones_arrive_whole(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection(NULL);
  begin(connection, "COPY (SELECT i, repeat('x', i % 100) FROM generate_series(1, 200000) AS i) TO STDOUT");
  g_autoptr(GString) rows = read_all(connection, 10007, NULL);
  GString *expected = g_string_new(NULL);
  for (int i = 1; i <= 200000; i++) {
    g_string_append_printf(expected, "%d\t", i);
    for (int k = 0; k < i % 100; k++)
      g_string_append_c(expected, 'x');
    g_string_append_c(expected, '\n');
  }
  assert_int_equal(rows->len, expected->len);
  assert_memory_equal(rows->str, expected->str, rows->len);
  g_string_free(expected, TRUE);
  g_string_free(g_steal_pointer(&rows), TRUE);
  begin(connection, "COPY (SELECT repeat('0123456789', 5000000)) TO STDOUT");
  rows = read_all(connection, 64 * 1024, NULL);
  assert_int_equal(rows->len, 50 * 1000 * 1000 + 1);
  assert_usable(connection);
}

static void
what_the_server_says_besides_is_passed_over(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection(NULL);
  exec(connection, "CREATE FUNCTION pg_temp.loud(i integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN "
                   "RAISE WARNING '%', repeat('w', 100000); PERFORM set_config('application_name', 'n' || i, false); "
                   "RETURN i; END $$; LISTEN heard; NOTIFY heard");
  begin(connection, "COPY (SELECT pg_temp.loud(i) FROM generate_series(1, 5) AS i) TO STDOUT");
  g_autoptr(GString) rows = read_all(connection, 1000, NULL);
  assert_string_equal(rows->str, "1\n2\n3\n4\n5\n");
  assert_usable(connection);
}

static void
an_error_between_rows_is_the_servers(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection(NULL);
  begin(connection, "COPY (SELECT 1 / (20000 - i) FROM generate_series(1, 30000) AS i) TO STDOUT");
  g_autoptr(GError) error = NULL;
  assert_null(read_all(connection, 4096, &error));
  assert_int_equal(error_code(error), CCH_ERROR_DATABASE_QUERY);
  assert_string_equal(error_sqlstate(error), "22012");
  assert_string_equal(error->message, "division by zero [22012]");
  assert_usable(connection);
}

static void
a_copy_that_cannot_begin_leaves_the_connection_usable(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection(NULL);
  static const struct {
    const char *sql, *sqlstate;
  } cases[] = {{"COPY missing TO STDOUT", "42P01"}, {"nonsense", "42601"}, {"SELECT 1", ""}};
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    assert_false(pg_connection_copy_out_begin(connection, cases[i].sql, &error));
    assert_int_equal(error_code(error), CCH_ERROR_DATABASE_QUERY);
    assert_string_equal(error_sqlstate(error), cases[i].sqlstate);
    assert_usable(connection);
  }
}

static void
a_copy_can_be_given_up(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection(NULL);
  begin(connection, "COPY (SELECT generate_series(1, 1000000000)) TO STDOUT");
  guint8 buffer[1000];
  assert_true(pg_connection_copy_out_read(connection, buffer, sizeof buffer, NULL) > 0);
  pg_connection_copy_out_abort(connection);
  assert_usable(connection);
}

static void
giving_up_a_copy_that_is_over_does_nothing(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection(NULL);
  begin(connection, "COPY (SELECT 1) TO STDOUT");
  g_autoptr(GString) rows = read_all(connection, 100, NULL);
  pg_connection_copy_out_abort(connection);
  assert_usable(connection);
}

static gpointer
cancel_soon(gpointer cancellable)
{
  g_usleep(200 * 1000);
  g_cancellable_cancel(cancellable);
  return NULL;
}

static void
a_copy_can_be_cancelled_while_it_is_waited_for(void **state)
{
  (void)state;
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  g_autoptr(PgConnection) connection = open_connection(cancellable);
  begin(connection,
        "COPY (SELECT i FROM generate_series(1, 10000) AS i UNION ALL SELECT 1 FROM pg_sleep(60)) TO STDOUT");
  GThread *thread = g_thread_new("cancel", cancel_soon, cancellable);
  g_autoptr(GError) error = NULL;
  assert_null(read_all(connection, 4096, &error));
  g_thread_join(thread);
  assert_int_equal(error_code(error), CCH_ERROR_CANCELLED);
  pg_connection_set_cancellable(connection, NULL);
  assert_usable(connection);
}

static void
a_backend_that_is_terminated_during_a_copy_is_a_lost_connection(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection(NULL);
  g_autoptr(PgConnection) other = open_connection(NULL);
  g_autofree char *pid = NULL;
  assert_true(pg_connection_value(connection, &pid, NULL, "SELECT pg_backend_pid()", 0));
  begin(connection,
        "COPY (SELECT i FROM generate_series(1, 10000) AS i UNION ALL SELECT 1 FROM pg_sleep(60)) TO STDOUT");
  g_autoptr(PgResult) result =
      pg_connection_query(other, NULL, "SELECT pg_terminate_backend($1::integer, 10000)", 1, pid);
  assert_non_null(result);
  g_autoptr(GError) error = NULL;
  assert_null(read_all(connection, 4096, &error));
  assert_int_equal(error_code(error), CCH_ERROR_DATABASE_UNAVAILABLE);
  assert_string_equal(error_sqlstate(error), "57P01");
  assert_false(pg_connection_is_alive(connection));
}

static void
a_connection_is_freed_in_the_middle_of_a_copy(void **state)
{
  (void)state;
  g_autofree char *pid = NULL;
  {
    g_autoptr(PgConnection) connection = open_connection(NULL);
    assert_true(pg_connection_value(connection, &pid, NULL, "SELECT pg_backend_pid()", 0));
    begin(connection, "COPY (SELECT generate_series(1, 1000000000)) TO STDOUT");
  }
  g_autoptr(PgConnection) other = open_connection(NULL);
  for (int i = 0; i < 500; i++) {
    g_autofree char *found = NULL;
    assert_true(
        pg_connection_value(other, &found, NULL, "SELECT 1 FROM pg_stat_activity WHERE pid = $1::integer", 1, pid));
    if (found == NULL)
      return;
    g_usleep(20 * 1000);
  }
  fail_msg("the backend still runs");
}

static void
the_connections_own_dsn_leads_to_the_same_server(void **state)
{
  (void)state;
  g_autofree char *several = g_strdup_printf("%s target_session_attrs=any", test_postgres_dsn(postgres));
  g_autoptr(GError) error = NULL;
  g_autoptr(PgConnection) connection = pg_connection_open(several, "unit", NULL, &error);
  if (connection == NULL)
    fail_msg("%s", error->message);
  g_autofree char *dsn = pg_connection_dsn(connection);
  assert_null(strstr(dsn, "target_session_attrs"));
  assert_null(strstr(dsn, "application_name"));
  g_autoptr(PgConnection) again = pg_connection_open(dsn, "unit again", NULL, &error);
  if (again == NULL)
    fail_msg("%s: %s", dsn, error->message);
  g_autofree char *snapshot = NULL;
  exec(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ");
  assert_true(pg_connection_value(connection, &snapshot, NULL, "SELECT pg_export_snapshot()", 0));
  exec(again, "BEGIN ISOLATION LEVEL REPEATABLE READ");
  assert_true(pg_connection_execf(again, NULL, "SET TRANSACTION SNAPSHOT '%s'", snapshot));
}

static int
set_up(void **state)
{
  (void)state;
  postgres = test_postgres_start();
  return 0;
}

static int
tear_down(void **state)
{
  (void)state;
  test_postgres_free(postgres);
  return 0;
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_come_as_copy_text_whatever_the_buffer),
      cmocka_unit_test(many_rows_and_long_ones_arrive_whole),
      cmocka_unit_test(what_the_server_says_besides_is_passed_over),
      cmocka_unit_test(an_error_between_rows_is_the_servers),
      cmocka_unit_test(a_copy_that_cannot_begin_leaves_the_connection_usable),
      cmocka_unit_test(a_copy_can_be_given_up),
      cmocka_unit_test(giving_up_a_copy_that_is_over_does_nothing),
      cmocka_unit_test(a_copy_can_be_cancelled_while_it_is_waited_for),
      cmocka_unit_test(a_backend_that_is_terminated_during_a_copy_is_a_lost_connection),
      cmocka_unit_test(a_connection_is_freed_in_the_middle_of_a_copy),
      cmocka_unit_test(the_connections_own_dsn_leads_to_the_same_server),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
