#include "connection_support.h"

#include "servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs three of the above. */
#include <cmocka.h>

static TestPostgres *postgres;

int
start_postgres(void **state)
{
  (void)state;
  postgres = test_postgres_start();
  return 0;
}

int
stop_postgres(void **state)
{
  (void)state;
  test_postgres_free(postgres);
  return 0;
}

const char *
postgres_dsn(void)
{
  return test_postgres_dsn(postgres);
}

PgConnection *
open_dsn(const char *dsn)
{
  g_autoptr(GError) error = NULL;
  PgConnection *connection = pg_connection_open(dsn, "unit", NULL, &error);
  if (connection == NULL)
    fail_msg("%s: %s", dsn, error->message);
  return connection;
}

PgConnection *
open_connection(void)
{
  return open_dsn(postgres_dsn());
}

void
exec_ok(PgConnection *connection, const char *sql)
{
  g_autoptr(GError) error = NULL;
  if (!pg_connection_exec(connection, sql, &error))
    fail_msg("%s: %s", sql, error->message);
}

void
assert_value(PgConnection *connection, const char *sql, const char *expected)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *value = NULL;
  if (!pg_connection_value(connection, &value, &error, sql, 0))
    fail_msg("%s: %s", sql, error->message);
  assert_non_null(value);
  assert_string_equal(value, expected);
}

void
assert_error(const GError *error, ErrorCode code, const char *sqlstate)
{
  assert_non_null(error);
  if (error_code(error) != code || strcmp(error_sqlstate(error), sqlstate) != 0)
    fail_msg("%d %s: %s", error_code(error), error_sqlstate(error), error->message);
}

gpointer
cancel_soon(gpointer cancellable)
{
  g_usleep(200 * 1000);
  g_cancellable_cancel(cancellable);
  return NULL;
}

gpointer
terminate_backend(gpointer data)
{
  Termination *termination = data;
  g_usleep(termination->delay_ms * 1000);
  g_autoptr(PgConnection) other = open_connection();
  g_autoptr(PgResult) result =
      pg_connection_query(other, NULL, "SELECT pg_terminate_backend($1::integer, 10000)", 1, termination->pid);
  assert_non_null(result);
  assert_true(pg_result_bool(result, 0, 0));
  return NULL;
}

char *
backend_pid(PgConnection *connection)
{
  char *pid = NULL;
  assert_true(pg_connection_value(connection, &pid, NULL, "SELECT pg_backend_pid()", 0));
  return pid;
}
