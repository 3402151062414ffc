#include "pg/connection.h"

#include "base/error.h"
#include "pg/dsn.h"
#include "servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#define SECRET "S3cr3t'\"\\ %41"

static TestPostgres *postgres;
static char *socket_directory;

static PgConnection *
open_dsn(const char *dsn)
{
  g_autoptr(GError) error = NULL;
  PgConnection *connection = pg_connection_open(dsn, "unit", NULL, &error);
  if (connection == NULL)
    fail_msg("%s: %s", dsn, error->message);
  return connection;
}

static PgConnection *
open_connection(void)
{
  return open_dsn(test_postgres_dsn(postgres));
}

static void
exec(PgConnection *connection, const char *sql)
{
  g_autoptr(GError) error = NULL;
  if (!pg_connection_exec(connection, sql, &error))
    fail_msg("%s: %s", sql, error->message);
}

static void
assert_value(PgConnection *connection, const char *sql, const char *expected)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *value = NULL;
  if (!pg_connection_value(connection, &value, &error, sql, 0))
    fail_msg("%s: %s", sql, error->message);
  assert_non_null(value);
  assert_string_equal(value, expected);
}

static void
assert_error(const GError *error, ErrorCode code, const char *sqlstate)
{
  assert_non_null(error);
  if (error_code(error) != code || strcmp(error_sqlstate(error), sqlstate) != 0)
    fail_msg("%d %s: %s", error_code(error), error_sqlstate(error), error->message);
}

static void
assert_refused(const char *dsn, ErrorCode code, const char *sqlstate)
{
  g_autoptr(GError) error = NULL;
  assert_null(pg_connection_open(dsn, "unit", NULL, &error));
  assert_error(error, code, sqlstate);
  assert_null(strstr(error->message, "LOCATION"));
  assert_null(strstr(error->message, "S3cr3t"));
}

/* ---- Connection strings ---- */

static void
every_form_of_connection_string_leads_to_the_server(void **state)
{
  (void)state;
  g_autoptr(PgConnection) admin = open_connection();
  exec(admin, "CREATE DATABASE \"Odd/ ü'\\db\"");
  g_autofree char *host = g_uri_escape_string(socket_directory, NULL, FALSE);
  g_autofree char *service_file = g_build_filename(g_get_tmp_dir(), "cch-data-unit-service.XXXXXX", NULL);
  int fd = g_mkstemp(service_file);
  assert_true(fd >= 0);
  close(fd);
  g_autofree char *service = g_strdup_printf("[hub]\nhost=%s\nuser=postgres\ndbname=Odd/ ü'\\db\n", socket_directory);
  assert_true(g_file_set_contents(service_file, service, -1, NULL));
  g_setenv("PGSERVICEFILE", service_file, TRUE);
  char *dsns[] = {
      g_strdup_printf("host=%s user=postgres dbname='Odd/ ü\\'\\\\db'", socket_directory),
      g_strdup_printf("  host = '%s'  user=postgres dbname = 'Odd/ ü\\'\\\\db' client_encoding=LATIN1",
                      socket_directory),
      g_strdup_printf("postgresql://postgres@%s/Odd%%2F%%20%%C3%%BC%%27%%5Cdb", host),
      g_strdup_printf("postgres://postgres@%s:5432/Odd%%2F%%20%%C3%%BC%%27%%5Cdb?application_name=other", host),
      g_strdup_printf("postgresql:///Odd%%2F%%20ü'%%5Cdb?host=%s&user=postgres", socket_directory),
      g_strdup_printf("postgresql://postgres@/Odd%%2F%%20ü'%%5Cdb?host=%s", host),
      g_strdup_printf("host=/nonexistent,%s user=postgres dbname='Odd/ ü\\'\\\\db'", socket_directory),
      g_strdup("service=hub"),
      g_strdup("postgresql://?service=hub"),
  };
  for (gsize i = 0; i < G_N_ELEMENTS(dsns); i++) {
    g_autoptr(PgConnection) connection = open_dsn(dsns[i]);
    assert_value(connection, "SELECT current_database()", "Odd/ ü'\\db");
    assert_value(connection, "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()", "unit");
    assert_value(connection, "SHOW client_encoding", "UTF8");
    assert_value(connection, "SHOW search_path", "");
    g_free(dsns[i]);
  }
  g_unsetenv("PGSERVICEFILE");
  unlink(service_file);
}

static void
what_is_shown_of_a_connection_string_is_where_it_leads(void **state)
{
  (void)state;
  static const struct {
    const char *dsn, *host, *port, *user, *database;
  } cases[] = {
      {"", "localhost", "5432", "postgres", "postgres"},
      {"postgresql://", "localhost", "5432", "postgres", "postgres"},
      {"postgresql://u:S3cr3t@db.example:6543/hub?sslmode=disable", "db.example", "6543", "u", "hub"},
      {"postgresql://u%40x:S3cr3t@h/a%2Fb", "h", "5432", "u@x", "a/b"},
      {"postgresql://u@[::1]:6543/hub", "::1", "6543", "u", "hub"},
      {"postgresql://u@[fe80::1]/hub", "fe80::1", "5432", "u", "hub"},
      {"postgresql://u@a:1,b:2/hub", "a", "1", "u", "hub"},
      {"postgresql://u@%2Fvar%2Frun/hub", "/var/run", "5432", "u", "hub"},
      {"host=/var/run user=u", "/var/run", "5432", "u", "postgres"},
      {"hostaddr=::1 port=7 dbname=x", "::1", "7", "postgres", "x"},
      {"host='' port='' user='it\\'s' dbname='a b'", "localhost", "5432", "it's", "a b"},
      {"service=hub", "hub", "hub", "hub", "hub"},
      {"service=hub host=h", "h", "hub", "hub", "hub"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_auto(DsnDisplay) display = {0};
    g_autoptr(GError) error = NULL;
    if (!dsn_parse_display(cases[i].dsn, &display, &error))
      fail_msg("%s: %s", cases[i].dsn, error->message);
    assert_string_equal(display.host, cases[i].host);
    assert_string_equal(display.port, cases[i].port);
    assert_string_equal(display.user, cases[i].user);
    assert_string_equal(display.database, cases[i].database);
  }
}

static void
a_service_of_the_environment_is_shown_too(void **state)
{
  (void)state;
  g_setenv("PGSERVICE", "hub", TRUE);
  g_auto(DsnDisplay) display = {0};
  gboolean ok = dsn_parse_display("port=7", &display, NULL);
  g_unsetenv("PGSERVICE");
  assert_true(ok);
  assert_string_equal(display.host, "hub");
  assert_string_equal(display.port, "7");
  assert_string_equal(display.database, "hub");
}

static void
the_environment_fills_what_the_connection_string_leaves_open(void **state)
{
  (void)state;
  g_setenv("PGHOST", "env-host", TRUE);
  g_setenv("PGDATABASE", "env-db", TRUE);
  g_auto(DsnDisplay) display = {0};
  gboolean ok = dsn_parse_display("dbname=own", &display, NULL);
  g_unsetenv("PGHOST");
  g_unsetenv("PGDATABASE");
  assert_true(ok);
  assert_string_equal(display.host, "env-host");
  assert_string_equal(display.database, "own");
}

static void
a_bad_connection_string_is_refused_without_showing_it(void **state)
{
  (void)state;
  static const char *const bad[] = {
      "S3cr3t",
      "password",
      "host=h passwort=S3cr3t",
      "password='S3cr3t",
      "postgresql://u:S3cr3t@[::1/db",
      "postgresql://u:S3cr3t%zz@h/db",
      "postgresql://u:x@h/db?secret=S3cr3t",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    DsnDisplay display = {0};
    g_autoptr(GError) error = NULL;
    assert_false(dsn_parse_display(bad[i], &display, &error));
    assert_error(error, CCH_ERROR_CONFIG, "");
    assert_null(strstr(error->message, "S3cr3t"));
    assert_refused(bad[i], CCH_ERROR_CONFIG, "");
  }
}

static void
a_childs_arguments_never_hold_the_password(void **state)
{
  (void)state;
  g_autofree char *in_uri = g_uri_escape_string(SECRET, NULL, FALSE);
  g_autofree char *host = g_uri_escape_string(socket_directory, NULL, FALSE);
  char *dsns[] = {
      g_strdup_printf("postgresql://locked:%s@%s/postgres", in_uri, host),
      g_strdup_printf("postgresql://locked@%s/postgres?password=%s", host, in_uri),
      g_strdup_printf("host=%s user=locked password='S3cr3t\\'\"\\\\ %%41'", socket_directory),
  };
  for (gsize i = 0; i < G_N_ELEMENTS(dsns); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *arguments = NULL;
    g_auto(GStrv) environment = NULL;
    if (!dsn_for_child(dsns[i], &arguments, &environment, &error))
      fail_msg("%s", error->message);
    assert_null(strstr(arguments, "S3cr3t"));
    assert_null(strstr(arguments, "password"));
    assert_string_equal(environment[0], "PGPASSWORD=" SECRET);
    assert_null(environment[1]);

    g_setenv("PGPASSWORD", SECRET, TRUE); /* as the child will have it */
    g_autoptr(PgConnection) connection = pg_connection_open(arguments, "unit", NULL, &error);
    g_unsetenv("PGPASSWORD");
    if (connection == NULL)
      fail_msg("%s", error->message);
    assert_value(connection, "SELECT current_user", "locked");
    g_free(dsns[i]);
  }
}

static void
a_key_files_password_cannot_be_handed_to_a_child(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autofree char *arguments = NULL;
  g_auto(GStrv) environment = NULL;
  assert_false(dsn_for_child("host=h sslpassword=S3cr3t", &arguments, &environment, &error));
  assert_error(error, CCH_ERROR_CONFIG, "");
  assert_null(strstr(error->message, "S3cr3t"));
  assert_null(arguments);

  assert_true(dsn_for_child("host=h", &arguments, &environment, NULL));
  assert_null(environment[0]);
  assert_string_equal(arguments, "host='h' port='5432' user='postgres' dbname='postgres'");
}

/* ---- Refused connections ---- */

static void
a_refused_connection_tells_why(void **state)
{
  (void)state;
  g_autofree char *right = g_strdup_printf("host=%s user=locked password='S3cr3t\\'\"\\\\ %%41'", socket_directory);
  g_autoptr(PgConnection) connection = open_dsn(right);
  g_autofree char *wrong = g_strdup_printf("host=%s user=locked password=S3cr3t", socket_directory);
  assert_refused(wrong, CCH_ERROR_DATABASE_AUTHENTICATION, "28P01");
  g_autofree char *nobody = g_strdup_printf("host=%s user=nobody_here", socket_directory);
  assert_refused(nobody, CCH_ERROR_DATABASE_AUTHENTICATION, "28000");
  g_autofree char *rejected = g_strdup_printf("host=%s user=rejected", socket_directory);
  assert_refused(rejected, CCH_ERROR_DATABASE_AUTHENTICATION, "28000");
  g_autofree char *missing = g_strdup_printf("%s dbname='no:  28P01: such'", test_postgres_dsn(postgres));
  assert_refused(missing, CCH_ERROR_DATABASE_MISSING, "3D000");
  g_autofree char *limited = g_strdup_printf("host=%s user=limited", socket_directory);
  assert_refused(limited, CCH_ERROR_DATABASE_UNAVAILABLE, "53300");
}

static void
a_missing_password_is_a_refused_login(void **state)
{
  (void)state;
  g_autofree char *dsn = g_strdup_printf("host=%s user=locked passfile=/nonexistent", socket_directory);
  assert_refused(dsn, CCH_ERROR_DATABASE_AUTHENTICATION, "");
}

static void
a_server_that_is_not_there_is_unavailable(void **state)
{
  (void)state;
  assert_refused("host=/nonexistent password=S3cr3t", CCH_ERROR_DATABASE_UNAVAILABLE, "");
  assert_refused("postgresql://u:S3cr3t@[::1]:1/db", CCH_ERROR_DATABASE_UNAVAILABLE, "");
  assert_refused("postgresql://u:S3cr3t@127.0.0.1:1/db", CCH_ERROR_DATABASE_UNAVAILABLE, "");
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  g_cancellable_cancel(cancellable);
  g_autoptr(GError) error = NULL;
  assert_null(pg_connection_open(test_postgres_dsn(postgres), "unit", cancellable, &error));
  assert_error(error, CCH_ERROR_CANCELLED, "");
}

/* ---- Statements ---- */

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
  assert_int_equal(pg_result_columns(result), 4);
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
  exec(connection, "CREATE TEMPORARY TABLE touched (id integer)");
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
  exec(connection, "BEGIN; CREATE TABLE public.rolled_back (id integer)");
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

/* ---- Cancellation ---- */

static gpointer
cancel_soon(gpointer cancellable)
{
  g_usleep(200 * 1000);
  g_cancellable_cancel(cancellable);
  return NULL;
}

static void
a_long_statement_can_be_cancelled(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_connection();
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  pg_connection_set_cancellable(connection, cancellable);
  exec(connection, "BEGIN");
  gint64 start_us = g_get_monotonic_time();
  GThread *thread = g_thread_new("cancel", cancel_soon, cancellable);
  g_autoptr(GError) error = NULL;
  assert_false(pg_connection_exec(connection, "SELECT pg_sleep(60)", &error));
  g_thread_join(thread);
  assert_error(error, CCH_ERROR_CANCELLED, "");
  assert_true(g_get_monotonic_time() - start_us < 30 * G_USEC_PER_SEC);
  g_clear_error(&error);
  assert_false(pg_connection_exec(connection, "SELECT 1", &error)); /* nothing new is begun */
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
  exec(connection, "SET statement_timeout = 50");
  g_autoptr(GError) error = NULL;
  assert_false(pg_connection_exec(connection, "SELECT pg_sleep(60)", &error));
  assert_error(error, CCH_ERROR_DATABASE_QUERY, "57014");
}

/* A table whose every row takes a minute to insert. */
static PgConnection *
open_with_slow_table(void)
{
  PgConnection *connection = open_connection();
  exec(connection, "CREATE TEMPORARY TABLE slow (id integer, filler text);"
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

/* ---- COPY ---- */

static PgConnection *
open_with_table(void)
{
  PgConnection *connection = open_connection();
  exec(connection, "CREATE TEMPORARY TABLE t (id integer PRIMARY KEY, name text)");
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
    g_autoptr(GString) more = make_rows(1001, 200 * 1000); /* several pieces that the server throws away */
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
  /* Where no rows are expected, a COPY must not hang. */
  assert_false(pg_connection_exec(connection, "COPY pg_temp.t FROM stdin", &error));
  assert_non_null(error);
  assert_value(connection, "SELECT count(*) FROM pg_temp.t", "0");
}

/* ---- Lost connections ---- */

typedef struct {
  char *pid;
  guint delay_ms;
} Termination;

static gpointer
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

static char *
backend_pid(PgConnection *connection)
{
  char *pid = NULL;
  assert_true(pg_connection_value(connection, &pid, NULL, "SELECT pg_backend_pid()", 0));
  return pid;
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

/* ---- Quoting ---- */

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
    exec(connection, "ROLLBACK");
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

/* Roles that log in in different ways, and the server's rules for them. */
static int
set_up(void **state)
{
  (void)state;
  postgres = test_postgres_start();
  g_auto(DsnDisplay) display = {0};
  assert_true(dsn_parse_display(test_postgres_dsn(postgres), &display, NULL));
  socket_directory = g_steal_pointer(&display.host);
  g_autoptr(PgConnection) connection = open_connection();
  g_autofree char *secret = pg_quote_literal(SECRET);
  assert_true(pg_connection_execf(connection, NULL,
                                  "CREATE ROLE locked LOGIN PASSWORD %s; CREATE ROLE rejected LOGIN; "
                                  "CREATE ROLE limited LOGIN CONNECTION LIMIT 0",
                                  secret));
  g_autofree char *hba_file = NULL;
  assert_true(pg_connection_value(connection, &hba_file, NULL, "SHOW hba_file", 0));
  g_autofree char *path = pg_quote_literal(hba_file);
  assert_true(pg_connection_execf(connection, NULL,
                                  "COPY (VALUES ('local all locked scram-sha-256'), ('local all rejected reject'), "
                                  "('local all all trust')) TO %s",
                                  path));
  exec(connection, "SELECT pg_reload_conf()");
  /* The postmaster reads the rules some time after. */
  g_autofree char *dsn = g_strdup_printf("host=%s user=rejected", socket_directory);
  for (int i = 0; i < 500; i++) {
    g_autoptr(PgConnection) rejected = pg_connection_open(dsn, "unit", NULL, NULL);
    if (rejected == NULL)
      return 0;
    g_usleep(20 * 1000);
  }
  return 1;
}

static int
tear_down(void **state)
{
  (void)state;
  test_postgres_free(postgres);
  g_free(socket_directory);
  return 0;
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_form_of_connection_string_leads_to_the_server),
      cmocka_unit_test(what_is_shown_of_a_connection_string_is_where_it_leads),
      cmocka_unit_test(a_service_of_the_environment_is_shown_too),
      cmocka_unit_test(the_environment_fills_what_the_connection_string_leaves_open),
      cmocka_unit_test(a_bad_connection_string_is_refused_without_showing_it),
      cmocka_unit_test(a_childs_arguments_never_hold_the_password),
      cmocka_unit_test(a_key_files_password_cannot_be_handed_to_a_child),
      cmocka_unit_test(a_refused_connection_tells_why),
      cmocka_unit_test(a_missing_password_is_a_refused_login),
      cmocka_unit_test(a_server_that_is_not_there_is_unavailable),
      cmocka_unit_test(a_failed_statement_keeps_its_sqlstate_and_class),
      cmocka_unit_test(results_are_read_as_text_numbers_and_truth),
      cmocka_unit_test(the_transaction_is_known_and_rolled_back),
      cmocka_unit_test(a_long_statement_can_be_cancelled),
      cmocka_unit_test(the_servers_own_timeout_is_no_cancellation),
      cmocka_unit_test(a_copy_that_the_server_does_not_take_can_be_cancelled),
      cmocka_unit_test(a_copys_end_can_be_cancelled),
      cmocka_unit_test(rows_are_copied_and_counted),
      cmocka_unit_test(an_error_in_the_middle_of_a_copy_leaves_the_connection_usable),
      cmocka_unit_test(a_copy_can_be_given_up),
      cmocka_unit_test(a_copy_that_cannot_begin_leaves_the_connection_usable),
      cmocka_unit_test(a_terminated_backend_is_a_lost_connection),
      cmocka_unit_test(a_backend_that_is_terminated_at_work_is_a_lost_connection),
      cmocka_unit_test(a_backend_that_is_terminated_during_a_copy_is_a_lost_connection),
      cmocka_unit_test(literals_arrive_as_they_were),
      cmocka_unit_test(identifiers_arrive_as_they_were),
      cmocka_unit_test(arrays_arrive_as_they_were),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
