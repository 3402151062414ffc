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

PgConnection *
open_database(const char *name)
{
  g_autofree char *dsn = g_strdup_printf("%s dbname=%s", postgres_dsn(), name);
  return open_dsn(dsn);
}

PgConnection *
create_database(const char *name)
{
  g_autoptr(PgConnection) maintenance = open_connection();
  g_autofree char *create = g_strdup_printf("CREATE DATABASE %s", name);
  exec_ok(maintenance, create);
  return open_database(name);
}

void
exec_ok(PgConnection *connection, const char *sql)
{
  g_autoptr(GError) error = NULL;
  if (!pg_connection_exec(connection, sql, &error))
    fail_msg("%s: %s", sql, error->message);
}

char *
ask(PgConnection *connection, const char *sql)
{
  g_autoptr(GError) error = NULL;
  char *value = NULL;
  if (!pg_connection_value(connection, &value, &error, sql, 0))
    fail_msg("%s: %s", sql, error->message);
  return value;
}

void
assert_value(PgConnection *connection, const char *sql, const char *expected)
{
  g_autofree char *value = ask(connection, sql);
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
