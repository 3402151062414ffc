#include "connection_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs three of the above. */
#include <cmocka.h>

static PgConnection *
open_with_table(void)
{
  PgConnection *connection = open_connection();
  exec_ok(connection, "CREATE TEMPORARY TABLE t (id integer PRIMARY KEY, name text)");
  return connection;
}

/* Rows first to last, as COPY text. */
static GString *
make_rows(int first, int last)
{
  GString *rows = g_string_new(NULL);
  for (int i = first; i <= last; i++)
    g_string_append_printf(rows, "%d\tname %d\n", i, i);
  return rows;
}

/* The outcome of a whole COPY; the error may come from the write or from the end. */
static gboolean
copy_rows(PgConnection *connection, const GString *rows, guint64 *ret_rows, GError **error)
{
  assert_true(pg_connection_copy_in_begin(connection, "COPY pg_temp.t FROM stdin", NULL));
  return pg_connection_copy_in_write(connection, (const guint8 *)rows->str, rows->len, error) &&
         pg_connection_copy_in_end(connection, ret_rows, error);
}

static void
rows_are_copied_and_counted(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_with_table();
  g_autoptr(GString) rows = make_rows(1, 100 * 1000);
  guint64 n_rows = 0;
  assert_true(copy_rows(connection, rows, &n_rows, NULL));
  assert_int_equal(n_rows, 100 * 1000);
  assert_value(connection, "SELECT count(*) || ' ' || sum(id) FROM pg_temp.t", "100000 5000050000");
}

static void
an_error_in_the_middle_of_a_copy_leaves_the_connection_usable(void **state)
{
  (void)state;
  static const struct {
    const char *bad_row, *sqlstate;
  } cases[] = {
      {"1\ttwice\n", "23505"},          {"x\tnot a number\n", "22P02"}, {"7000000\n", "22P04"},
      {"7000000\tbad \xff\n", "22021"}, {"99999999999\tx\n", "22003"},
  };
  g_autoptr(PgConnection) connection = open_with_table();
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GString) rows = make_rows(1, 1000);
    g_string_append(rows, cases[i].bad_row);
    g_autoptr(GString) more = make_rows(1001, 200 * 1000); /* several pieces that the server discards */
    g_string_append(rows, more->str);
    g_autoptr(GError) error = NULL;
    assert_false(copy_rows(connection, rows, NULL, &error));
    assert_error(error, CCH_ERROR_DATABASE_QUERY, cases[i].sqlstate);
    assert_true(pg_connection_is_alive(connection));
    assert_value(connection, "SELECT count(*) FROM pg_temp.t", "0");
  }
}

static void
a_copy_can_be_given_up(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_with_table();
  g_autoptr(GString) rows = make_rows(1, 10);
  assert_true(pg_connection_copy_in_begin(connection, "COPY pg_temp.t FROM stdin", NULL));
  assert_true(pg_connection_copy_in_write(connection, (const guint8 *)rows->str, rows->len, NULL));
  pg_connection_copy_in_abort(connection);
  assert_value(connection, "SELECT count(*) FROM pg_temp.t", "0");
}

static void
a_copy_that_cannot_begin_leaves_the_connection_usable(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_with_table();
  g_autoptr(GError) error = NULL;
  assert_false(pg_connection_copy_in_begin(connection, "COPY pg_temp.missing FROM stdin", &error));
  assert_error(error, CCH_ERROR_DATABASE_QUERY, "42P01");
  g_clear_error(&error);
  assert_false(pg_connection_copy_in_begin(connection, "SELECT 1", &error));
  assert_non_null(error);
  g_clear_error(&error);
  /* A COPY where no rows are expected must not hang. */
  assert_false(pg_connection_exec(connection, "COPY pg_temp.t FROM stdin", &error));
  assert_non_null(error);
  assert_value(connection, "SELECT count(*) FROM pg_temp.t", "0");
}

/* A table in which each row takes a minute to insert. */
static PgConnection *
open_with_slow_table(void)
{
  PgConnection *connection = open_connection();
  exec_ok(connection, "CREATE TEMPORARY TABLE slow (id integer, filler text);"
                      "CREATE FUNCTION pg_temp.wait() RETURNS trigger LANGUAGE plpgsql AS "
                      "$$ BEGIN PERFORM pg_catalog.pg_sleep(60); RETURN NEW; END $$;"
                      "CREATE TRIGGER wait BEFORE INSERT ON pg_temp.slow FOR EACH ROW EXECUTE FUNCTION pg_temp.wait()");
  return connection;
}

static void
a_copy_that_the_server_does_not_take_can_be_cancelled(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_with_slow_table();
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  pg_connection_set_cancellable(connection, cancellable);
  assert_true(pg_connection_copy_in_begin(connection, "COPY pg_temp.slow FROM stdin", NULL));
  gsize size = 64 * 1024 * 1024; /* more than sockets buffer */
  g_autofree char *data = g_malloc(size);
  memset(data, 'x', size);
  memcpy(data, "1\ta\n2\t", 6);
  data[size - 1] = '\n';
  GThread *thread = g_thread_new("cancel", cancel_soon, cancellable);
  g_autoptr(GError) error = NULL;
  assert_false(pg_connection_copy_in_write(connection, (const guint8 *)data, size, &error));
  g_thread_join(thread);
  assert_error(error, CCH_ERROR_CANCELLED, "");
  pg_connection_set_cancellable(connection, NULL);
  assert_value(connection, "SELECT count(*) FROM pg_temp.slow", "0");
}

static void
a_copys_end_can_be_cancelled(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_with_slow_table();
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  pg_connection_set_cancellable(connection, cancellable);
  assert_true(pg_connection_copy_in_begin(connection, "COPY pg_temp.slow FROM stdin", NULL));
  assert_true(pg_connection_copy_in_write(connection, (const guint8 *)"1\ta\n", 4, NULL));
  GThread *thread = g_thread_new("cancel", cancel_soon, cancellable);
  g_autoptr(GError) error = NULL;
  assert_false(pg_connection_copy_in_end(connection, NULL, &error));
  g_thread_join(thread);
  assert_error(error, CCH_ERROR_CANCELLED, "");
  pg_connection_set_cancellable(connection, NULL);
  assert_value(connection, "SELECT count(*) FROM pg_temp.slow", "0");
}

static void
a_backend_that_is_terminated_during_a_copy_is_a_lost_connection(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_with_table();
  g_autofree char *pid = backend_pid(connection);
  g_autoptr(GString) rows = make_rows(1, 200 * 1000);
  assert_true(pg_connection_copy_in_begin(connection, "COPY pg_temp.t FROM stdin", NULL));
  assert_true(pg_connection_copy_in_write(connection, (const guint8 *)rows->str, rows->len, NULL));
  terminate_backend(&(Termination){.pid = pid});
  g_autoptr(GError) error = NULL;
  gboolean ok = pg_connection_copy_in_write(connection, (const guint8 *)rows->str, rows->len, &error) &&
                pg_connection_copy_in_end(connection, NULL, &error);
  assert_false(ok);
  assert_non_null(error);
  if (error_code(error) != CCH_ERROR_DATABASE_UNAVAILABLE)
    fail_msg("%s", error->message);
  assert_false(pg_connection_is_alive(connection));
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_copied_and_counted),
      cmocka_unit_test(an_error_in_the_middle_of_a_copy_leaves_the_connection_usable),
      cmocka_unit_test(a_copy_can_be_given_up),
      cmocka_unit_test(a_copy_that_cannot_begin_leaves_the_connection_usable),
      cmocka_unit_test(a_copy_that_the_server_does_not_take_can_be_cancelled),
      cmocka_unit_test(a_copys_end_can_be_cancelled),
      cmocka_unit_test(a_backend_that_is_terminated_during_a_copy_is_a_lost_connection),
  };
  return cmocka_run_group_tests(tests, start_postgres, stop_postgres);
}
