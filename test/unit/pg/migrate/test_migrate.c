#include "base/error.h"
#include "pg/connection/connection_support.h"
#include "pg/migrate/migrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

enum { N_OWN = 13, N_HUB = 3, N_MIGRATIONS = N_OWN + N_HUB };

/* Columns, indexes and constraints of the hub's tables that we use, one per line. */
#define DESCRIBE                                                                                                       \
  "WITH tables AS ("                                                                                                   \
  "  SELECT oid, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname IN ('users', 'keys',"   \
  "    'provider_vendors', 'providers', 'model_prices', 'message_request', 'system_settings', 'audit_log',"            \
  "    'provider_endpoints'))"                                                                                         \
  "SELECT string_agg(line, E'\\n' ORDER BY line COLLATE \"C\") FROM ("                                                 \
  "  SELECT concat_ws(' ', relname, attname, format_type(atttypid, atttypmod), attnotnull,"                            \
  "                   pg_get_expr(adbin, adrelid)) AS line"                                                            \
  "  FROM tables JOIN pg_attribute ON attrelid = tables.oid AND attnum > 0 AND NOT attisdropped"                       \
  "  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"                                                    \
  "  UNION ALL SELECT pg_get_indexdef(indexrelid) FROM tables JOIN pg_index ON indrelid = tables.oid"                  \
  "  UNION ALL SELECT relname || ' ' || conname || ' ' || pg_get_constraintdef(pg_constraint.oid)"                     \
  "  FROM tables JOIN pg_constraint ON conrelid = tables.oid) AS described"

/* A new database with the contents of the fixture (NULL: none). */
static PgConnection *
make_database(const char *name, const char *fixture)
{
  PgConnection *connection = create_database(name);
  if (fixture != NULL) {
    g_autofree char *path = g_build_filename(SOURCE_ROOT, "test/api/fixtures", fixture, NULL);
    g_autofree char *sql = NULL;
    assert_true(g_file_get_contents(path, &sql, NULL, NULL));
    exec_ok(connection, sql);
  }
  return connection;
}

static MigrateResult
migrate(PgConnection *connection)
{
  g_autoptr(GError) error = NULL;
  MigrateResult result = {0};
  if (!pg_migrate(connection, &result, &error))
    fail_msg("%s", error->message);
  return result;
}

static MigrateResult
migrate_with_hub_tables(PgConnection *connection)
{
  g_autoptr(GError) error = NULL;
  MigrateResult result = {0};
  if (!pg_migrate_with_hub_tables(connection, &result, &error))
    fail_msg("%s", error->message);
  return result;
}

static void
an_empty_database_gets_both_series_once_when_asked(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = make_database("empty", NULL);
  MigrateResult first = migrate_with_hub_tables(connection);
  assert_int_equal(first.n_applied, N_MIGRATIONS);
  assert_false(first.is_hub_managed);
  assert_true(first.has_hub_tables);
  assert_false(pg_connection_in_transaction(connection));
  MigrateResult second = migrate_with_hub_tables(connection);
  assert_int_equal(second.n_applied, 0);
}

static void
public_of_a_named_database_is_left_empty_for_its_hub(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = make_database("awaits_its_hub", NULL);
  MigrateResult result = migrate(connection);
  assert_int_equal(result.n_applied, N_OWN);
  assert_false(result.has_hub_tables);
  g_autofree char *tables =
      ask(connection, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace");
  assert_string_equal(tables, "0");
}

static void
a_private_cluster_gets_the_hubs_tables_unasked(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = make_database("private", NULL);
  exec_ok(connection, "SET cch_data.private_cluster = on");
  assert_int_equal(migrate(connection).n_applied, N_MIGRATIONS);
}

static void
tables_on_record_go_on_being_migrated(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = make_database("on_record", NULL);
  migrate_with_hub_tables(connection);
  exec_ok(connection, "UPDATE cch_data.migrations SET sha256 = 'older' WHERE series = 'hub' AND number = 2");
  MigrateResult result = migrate(connection);
  assert_int_equal(result.n_applied, 1);
  assert_true(result.has_hub_tables);
}

static void
tables_on_record_that_others_replaced_are_left_alone(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = make_database("replaced", NULL);
  migrate_with_hub_tables(connection);
  exec_ok(connection,
          "DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE public.message_request (id integer)");
  assert_true(pg_migrate_forget_hub(connection, NULL));
  MigrateResult result = migrate(connection);
  assert_int_equal(result.n_applied, 0);
  assert_false(result.has_hub_tables);
}

static void
the_tables_are_those_of_the_hub(void **state)
{
  (void)state;
  g_autoptr(PgConnection) hub = make_database("hub_v09", "hub-v09.sql");
  g_autoptr(PgConnection) ours = open_database("empty");
  g_autofree char *expected = ask(hub, DESCRIBE);
  g_autofree char *found = ask(ours, DESCRIBE);
  assert_string_equal(found, expected);
}

static void
an_old_hubs_tables_become_those_of_the_new_and_keep_their_rows(void **state)
{
  (void)state;
  g_autoptr(PgConnection) old = make_database("hub_v05", "hub-v05.sql");
  g_autofree char *rows_before = ask(old, "SELECT count(*) FROM public.message_request");
  exec_ok(old, "DROP SCHEMA drizzle CASCADE");
  assert_int_equal(migrate(old).n_applied, N_OWN);
  assert_int_equal(migrate_with_hub_tables(old).n_applied, N_HUB);
  g_autofree char *rows_after = ask(old, "SELECT count(*) FROM public.message_request");
  assert_string_equal(rows_after, rows_before);
  exec_ok(old, "ALTER TABLE public.providers DROP COLUMN join_claude_pool"); /* which we leave alone */
  g_autoptr(PgConnection) ours = open_database("empty");
  g_autofree char *expected = ask(ours, DESCRIBE);
  g_autofree char *found = ask(old, DESCRIBE);
  assert_string_equal(found, expected);
}

static void
public_is_left_alone_where_a_hub_manages_the_database(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = make_database("managed", "hub-v05.sql");
  g_autofree char *before = ask(connection, DESCRIBE);
  MigrateResult result = migrate_with_hub_tables(connection);
  assert_true(result.is_hub_managed);
  assert_int_equal(result.n_applied, N_OWN);
  g_autofree char *after = ask(connection, DESCRIBE);
  assert_string_equal(after, before);
  g_autofree char *own = ask(connection, "SELECT to_regclass('cch_data.audit_log')");
  assert_non_null(own);
}

static void
public_is_left_alone_in_a_database_of_another_purpose(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = make_database("foreign_data", NULL);
  exec_ok(connection, "CREATE TABLE public.users (name text); CREATE TABLE public.message_request (id integer)");
  MigrateResult result = migrate_with_hub_tables(connection);
  assert_false(result.is_hub_managed);
  assert_false(result.has_hub_tables);
  assert_int_equal(result.n_applied, N_OWN);
  g_autofree char *columns = ask(connection, "SELECT string_agg(attname, ' ') FROM pg_attribute WHERE attnum > 0"
                                             " AND attrelid = 'public.users'::regclass");
  assert_string_equal(columns, "name");
}

static void
the_callers_transaction_decides(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = make_database("callers", NULL);
  exec_ok(connection, "BEGIN");
  migrate(connection);
  assert_true(pg_connection_in_transaction(connection));
  exec_ok(connection, "ROLLBACK");
  g_autofree char *own = ask(connection, "SELECT to_regclass('cch_data.migrations')");
  assert_null(own);
}

static void
the_hubs_series_runs_again_when_it_is_forgotten(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = make_database("forgotten", NULL);
  assert_true(pg_migrate_forget_hub(connection, NULL)); /* nothing to forget */
  migrate_with_hub_tables(connection);
  exec_ok(connection, "DROP TABLE public.users");
  assert_true(pg_migrate_forget_hub(connection, NULL));
  assert_int_equal(migrate(connection).n_applied, N_HUB);
  g_autofree char *users = ask(connection, "SELECT to_regclass('public.users')");
  assert_non_null(users);
}

static void
a_changed_file_is_an_error_only_in_our_own_schema(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = make_database("changed", NULL);
  migrate_with_hub_tables(connection);
  exec_ok(connection, "UPDATE cch_data.migrations SET sha256 = 'other' WHERE series = 'hub' AND number = 1");
  assert_int_equal(migrate(connection).n_applied, 1);
  exec_ok(connection, "UPDATE cch_data.migrations SET sha256 = 'other' WHERE series = 'own'");
  g_autoptr(GError) error = NULL;
  assert_false(pg_migrate(connection, NULL, &error));
  assert_int_equal(error_code(error), CCH_ERROR_MIGRATION_FAILED);
  assert_non_null(strstr(error->message, "own 1"));
}

static void
a_database_of_a_newer_version_is_refused_with_both_versions(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = make_database("newer", NULL);
  assert_true(pg_migrate_check(connection, NULL)); /* without a record */
  migrate_with_hub_tables(connection);
  assert_true(pg_migrate_check(connection, NULL));
  for (const char *const *series = (const char *const[]){"own", "hub", NULL}; *series != NULL; series++) {
    g_autofree char *insert = g_strdup_printf(
        "INSERT INTO cch_data.migrations (series, number, name, sha256) VALUES ('%s', 99, 'later', 'x')", *series);
    exec_ok(connection, insert);
    g_autoptr(GError) error = NULL;
    assert_false(pg_migrate(connection, NULL, &error));
    assert_int_equal(error_code(error), CCH_ERROR_MIGRATION_NEWER);
    g_autofree char *found = g_strdup_printf("migration %s 99", *series);
    assert_non_null(strstr(error->message, found));
    assert_non_null(strstr(error->message, "knows them up to"));
    assert_false(pg_migrate_check(connection, NULL));
    exec_ok(connection, "DELETE FROM cch_data.migrations WHERE number = 99");
  }
  assert_int_equal(migrate(connection).n_applied, 0);
}

static void
a_failure_rolls_everything_back(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = make_database("failing", NULL);
  exec_ok(connection, "CREATE DOMAIN public.daily_reset_mode AS integer");
  g_autoptr(GError) error = NULL;
  assert_false(pg_migrate_with_hub_tables(connection, NULL, &error));
  assert_int_equal(error_code(error), CCH_ERROR_MIGRATION_FAILED);
  assert_string_equal(error_sqlstate(error), "22P02");
  assert_true(g_str_has_prefix(error->message, "migration hub 1 (tables): "));
  g_autofree char *left = ask(connection, "SELECT to_regnamespace('cch_data')");
  assert_null(left);
}

static gpointer
migrate_thread(gpointer data)
{
  (void)data;
  g_autoptr(PgConnection) connection = open_database("raced");
  return GUINT_TO_POINTER(migrate_with_hub_tables(connection).n_applied);
}

static void
two_at_once_do_it_once(void **state)
{
  (void)state;
  pg_connection_free(make_database("raced", NULL));
  GThread *threads[4];
  for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
    threads[i] = g_thread_new("migrate", migrate_thread, NULL);
  guint n_applied = 0;
  for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
    n_applied += GPOINTER_TO_UINT(g_thread_join(threads[i]));
  assert_int_equal(n_applied, N_MIGRATIONS);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_database_gets_both_series_once_when_asked),
      cmocka_unit_test(public_of_a_named_database_is_left_empty_for_its_hub),
      cmocka_unit_test(a_private_cluster_gets_the_hubs_tables_unasked),
      cmocka_unit_test(tables_on_record_go_on_being_migrated),
      cmocka_unit_test(tables_on_record_that_others_replaced_are_left_alone),
      cmocka_unit_test(the_tables_are_those_of_the_hub),
      cmocka_unit_test(an_old_hubs_tables_become_those_of_the_new_and_keep_their_rows),
      cmocka_unit_test(public_is_left_alone_where_a_hub_manages_the_database),
      cmocka_unit_test(public_is_left_alone_in_a_database_of_another_purpose),
      cmocka_unit_test(the_callers_transaction_decides),
      cmocka_unit_test(the_hubs_series_runs_again_when_it_is_forgotten),
      cmocka_unit_test(a_changed_file_is_an_error_only_in_our_own_schema),
      cmocka_unit_test(a_database_of_a_newer_version_is_refused_with_both_versions),
      cmocka_unit_test(a_failure_rolls_everything_back),
      cmocka_unit_test(two_at_once_do_it_once),
  };
  return cmocka_run_group_tests(tests, start_postgres, stop_postgres);
}
