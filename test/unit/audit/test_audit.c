#include "audit/audit.h"
#include "base/error.h"
#include "servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#define COLUMNS                                                                                                        \
  "(id serial PRIMARY KEY, action_category varchar(32) NOT NULL, action_type varchar(64) NOT NULL,"                    \
  " target_type varchar(32), target_id varchar(64), target_name varchar(256), before_value jsonb, after_value jsonb,"  \
  " operator_user_id int, operator_user_name varchar(128), operator_key_id int, operator_key_name varchar(128),"       \
  " operator_ip varchar(45), user_agent varchar(512), success bool NOT NULL, error_message text,"                      \
  " created_at timestamptz NOT NULL DEFAULT now())"

static const AuditEntry entry = {
    .category = "database",
    .type = "database.import",
    .operator_name = "张三",
    .operator_ip = "10.0.0.7",
    .target_name = "cch",
    .details_json = "{\"rows\": 5}",
    .success = TRUE,
};

static TestPostgres *postgres;
static PgConnection *connection;

static void
run(const char *sql)
{
  assert_true(pg_connection_exec(connection, sql, NULL));
}

static void
assert_value(const char *sql, const char *expected)
{
  g_autofree char *value = NULL;
  assert_true(pg_connection_value(connection, &value, NULL, sql, 0));
  assert_true(g_strcmp0(value, expected) == 0);
}

static int
clear_tables(void **state)
{
  (void)state;
  run("DROP TABLE IF EXISTS public.audit_log; DROP SCHEMA IF EXISTS cch_data CASCADE; CREATE SCHEMA cch_data");
  return 0;
}

static void
the_hubs_table_is_used_where_there_is_one(void **state)
{
  (void)state;
  run("CREATE TABLE public.audit_log " COLUMNS "; CREATE TABLE cch_data.audit_log " COLUMNS);
  assert_true(audit_write(connection, &entry, NULL));
  assert_value("SELECT concat_ws('|', action_category, action_type, target_type, target_name, operator_user_name,"
               " operator_ip, success, coalesce(error_message, 'none'), after_value->>'rows') FROM public.audit_log",
               "database|database.import|database|cch|张三|10.0.0.7|t|none|5");
  assert_value("SELECT count(*) FROM cch_data.audit_log", "0");
}

static void
our_own_table_is_used_otherwise(void **state)
{
  (void)state;
  run("CREATE TABLE cch_data.audit_log " COLUMNS);
  AuditEntry failed = entry;
  failed.success = FALSE;
  failed.error_message = "no \"room\"; it's full";
  assert_true(audit_write(connection, &failed, NULL));
  assert_value("SELECT success || error_message FROM cch_data.audit_log", "falseno \"room\"; it's full");
}

static void
a_table_with_other_columns_is_not_taken_for_one(void **state)
{
  (void)state;
  run("CREATE TABLE public.audit_log (id int, action_category text); CREATE TABLE cch_data.audit_log " COLUMNS);
  assert_true(audit_write(connection, &entry, NULL));
  assert_value("SELECT count(*) FROM public.audit_log", "0");
  assert_value("SELECT count(*) FROM cch_data.audit_log", "1");
}

static void
without_a_table_nothing_is_written(void **state)
{
  (void)state;
  assert_true(audit_write(connection, &entry, NULL));
}

static void
unknown_facts_are_null(void **state)
{
  (void)state;
  run("CREATE TABLE public.audit_log " COLUMNS);
  AuditEntry bare = {.category = "database", .type = "database.export"};
  assert_true(audit_write(connection, &bare, NULL));
  assert_value("SELECT num_nulls(target_name, after_value, operator_user_name, operator_ip, error_message)"
               " FROM public.audit_log WHERE NOT success",
               "5");
}

static void
values_too_long_are_cut_at_a_character(void **state)
{
  (void)state;
  run("CREATE TABLE public.audit_log " COLUMNS);
  g_autoptr(GString) name = g_string_new(NULL);
  for (int i = 0; i < 300; i++)
    g_string_append(name, "张");
  AuditEntry wordy = entry;
  wordy.operator_name = name->str;
  wordy.operator_ip = "bad\xff"
                      "012345678901234567890123456789012345678901234567890123456789";
  assert_true(audit_write(connection, &wordy, NULL));
  assert_value("SELECT length(operator_user_name) || ',' || octet_length(operator_user_name) FROM public.audit_log",
               "128,384");
  assert_value("SELECT length(operator_ip) FROM public.audit_log", "45");
}

static void
it_is_part_of_the_callers_transaction(void **state)
{
  (void)state;
  run("CREATE TABLE public.audit_log " COLUMNS);
  run("BEGIN");
  assert_true(audit_write(connection, &entry, NULL));
  run("ROLLBACK");
  assert_value("SELECT count(*) FROM public.audit_log", "0");
}

static void
a_failure_leaves_the_callers_transaction_usable(void **state)
{
  (void)state;
  run("CREATE TABLE public.audit_log " COLUMNS "; CREATE TABLE IF NOT EXISTS public.kept (x int)");
  AuditEntry broken = entry;
  broken.details_json = "{not json";
  run("BEGIN; INSERT INTO public.kept VALUES (1)");
  g_autoptr(GError) error = NULL;
  assert_false(audit_write(connection, &broken, &error));
  assert_string_equal(error_sqlstate(error), "22P02");
  assert_true(g_str_has_prefix(error->message, "write to the audit log: "));
  run("COMMIT");
  assert_value("SELECT count(*) FROM public.kept", "1");
}

static int
start_server(void **state)
{
  (void)state;
  postgres = test_postgres_start();
  connection = pg_connection_open(test_postgres_dsn(postgres), "test", NULL, NULL);
  return connection != NULL ? 0 : -1;
}

static int
stop_server(void **state)
{
  (void)state;
  pg_connection_free(connection);
  test_postgres_free(postgres);
  return 0;
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(the_hubs_table_is_used_where_there_is_one, clear_tables),
      cmocka_unit_test_setup(our_own_table_is_used_otherwise, clear_tables),
      cmocka_unit_test_setup(a_table_with_other_columns_is_not_taken_for_one, clear_tables),
      cmocka_unit_test_setup(without_a_table_nothing_is_written, clear_tables),
      cmocka_unit_test_setup(unknown_facts_are_null, clear_tables),
      cmocka_unit_test_setup(values_too_long_are_cut_at_a_character, clear_tables),
      cmocka_unit_test_setup(it_is_part_of_the_callers_transaction, clear_tables),
      cmocka_unit_test_setup(a_failure_leaves_the_callers_transaction_usable, clear_tables),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
