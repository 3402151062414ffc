#include "base/error.h"
#include "demo/demo.h"
#include "pg/migrate/migrate.h"
#include "servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static TestPostgres *postgres;

static PgConnection *
open_database(const char *name)
{
  g_autofree char *dsn = g_strdup_printf("%s dbname=%s", test_postgres_dsn(postgres), name);
  g_autoptr(GError) error = NULL;
  PgConnection *connection = pg_connection_open(dsn, "test", NULL, &error);
  if (connection == NULL)
    fail_msg("%s", error->message);
  return connection;
}

static void
exec(PgConnection *connection, const char *sql)
{
  g_autoptr(GError) error = NULL;
  if (!pg_connection_exec(connection, sql, &error))
    fail_msg("%s", error->message);
}

static PgConnection *
make_database(const char *name, gboolean is_migrated)
{
  g_autoptr(PgConnection) maintenance = open_database("postgres");
  g_autofree char *create = g_strdup_printf("CREATE DATABASE %s", name);
  exec(maintenance, create);
  PgConnection *connection = open_database(name);
  if (is_migrated)
    assert_true(pg_migrate_with_hub_tables(connection, NULL, NULL));
  return connection;
}

static void
assert_answer(PgConnection *connection, const char *sql, const char *expected)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *value = NULL;
  if (!pg_connection_value(connection, &value, &error, sql, 0))
    fail_msg("%s", error->message);
  assert_string_equal(value, expected);
}

static void
fill(PgConnection *connection, const DemoOptions *options, DemoProgressFunc progress, gpointer user_data)
{
  g_autoptr(GError) error = NULL;
  if (!demo_fill(connection, options, progress, user_data, &error))
    fail_msg("%s", error->message);
}

static void
note_progress(guint64 rows_done, guint64 rows_total, gpointer user_data)
{
  g_string_append_printf(user_data, "%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT " ", rows_done, rows_total);
}

#define INDEXES "SELECT string_agg(indexdef, E'\\n' ORDER BY indexdef) FROM pg_indexes WHERE schemaname = 'public'"

static void
every_table_is_filled_with_the_asked_rows(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = make_database("filled", TRUE);
  g_autofree char *indexes = NULL;
  assert_true(pg_connection_value(connection, &indexes, NULL, INDEXES, 0));
  g_autoptr(GString) progress = g_string_new(NULL);
  const DemoOptions options = {.n_requests = 51234, .seed = 7};
  fill(connection, &options, note_progress, progress);
  assert_string_equal(progress->str, "0/51234 50000/51234 51234/51234 ");
  assert_answer(connection, "SELECT count(*) FROM public.message_request", "51234");
  assert_answer(connection,
                "SELECT concat_ws(' ', (SELECT count(*) FROM public.users), (SELECT count(*) FROM public.keys),"
                " (SELECT count(*) FROM public.provider_vendors), (SELECT count(*) FROM public.providers),"
                " (SELECT count(*) FROM public.model_prices), (SELECT count(*) FROM public.system_settings),"
                " (SELECT count(*) FROM public.audit_log))",
                "60 180 8 24 52 1 300");
  assert_answer(connection, INDEXES, indexes);
}

static void
the_request_log_is_plausible(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_database("filled");
  assert_answer(connection,
                "SELECT count(*) FROM public.message_request JOIN public.keys USING (key, user_id)"
                " JOIN public.providers ON providers.id = provider_id",
                "51234");
  assert_answer(connection,
                "SELECT count(*) FILTER (WHERE error_message IS NOT NULL) * 100.0 / count(*) BETWEEN 2.5 AND 3.5"
                " FROM public.message_request",
                "t");
  assert_answer(connection,
                "SELECT bool_and((error_message IS NULL) = (status_code = 200)) FROM public.message_request", "t");
  assert_answer(connection, "SELECT bool_and(cost_usd > 0) FROM public.message_request WHERE status_code = 200", "t");
}

static void
prices_are_exact(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_database("filled");
  assert_answer(connection,
                "SELECT price_data->>'cache_read_input_token_cost' FROM public.model_prices"
                " WHERE model_name = 'claude-3-haiku-20240307'",
                "0.00000003");
}

static void
no_key_opens_the_web_interface(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_database("filled");
  assert_answer(connection, "SELECT bool_or(can_login_web_ui) FROM public.keys", "f");
}

static void
a_database_with_users_is_left_alone_unless_asked(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_database("filled");
  DemoOptions options = {.n_requests = 100, .seed = 7};
  g_autoptr(GError) error = NULL;
  assert_false(demo_fill(connection, &options, NULL, NULL, &error));
  assert_int_equal(error_code(error), CCH_ERROR_DEMO_NOT_EMPTY);
  assert_answer(connection, "SELECT count(*) FROM public.message_request", "51234");
  options.add_to_data = TRUE;
  fill(connection, &options, NULL, NULL);
  assert_answer(connection, "SELECT count(*) FROM public.message_request", "51334");
  assert_answer(connection, "SELECT count(*) FROM public.users", "120");
  assert_answer(connection, "SELECT count(*) FROM public.model_prices", "52");
  assert_answer(connection, "INSERT INTO public.users (name) VALUES ('next') RETURNING id", "121");
}

#define FINGERPRINT                                                                                                    \
  "SELECT md5((SELECT string_agg(row::text, '' ORDER BY id) FROM public.message_request AS row)"                       \
  " || (SELECT string_agg(row::text, '' ORDER BY id) FROM public.users AS row)"                                        \
  " || (SELECT string_agg(row::text, '' ORDER BY id) FROM public.providers AS row))"

static void
the_same_seed_makes_the_same_data(void **state)
{
  (void)state;
  g_autoptr(PgConnection) first = make_database("first", TRUE);
  g_autoptr(PgConnection) second = make_database("second", TRUE);
  g_autoptr(PgConnection) other = make_database("other", TRUE);
  const DemoOptions options = {.n_requests = 500, .seed = DEMO_MAX_SEED};
  const DemoOptions other_options = {.n_requests = 500, .seed = DEMO_MAX_SEED - 1000};
  fill(first, &options, NULL, NULL);
  fill(second, &options, NULL, NULL);
  fill(other, &other_options, NULL, NULL);
  g_autofree char *expected = NULL, *others = NULL;
  assert_true(pg_connection_value(first, &expected, NULL, FINGERPRINT, 0));
  assert_true(pg_connection_value(other, &others, NULL, FINGERPRINT, 0));
  assert_answer(second, FINGERPRINT, expected);
  assert_string_not_equal(others, expected);
}

static void
an_old_hubs_tables_are_filled_by_their_columns(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = make_database("old", FALSE);
  g_autofree char *sql = NULL;
  assert_true(g_file_get_contents(SOURCE_ROOT "/test/api/fixtures/hub-v05.sql", &sql, NULL, NULL));
  exec(connection, sql);
  exec(connection, "TRUNCATE public.users, public.keys, public.message_request");
  const DemoOptions options = {.n_requests = 300};
  fill(connection, &options, NULL, NULL);
  assert_answer(connection, "SELECT count(*) FROM public.message_request", "300");
}

static void
a_database_without_tables_is_an_error(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = make_database("bare", FALSE);
  const DemoOptions options = {.n_requests = 1};
  g_autoptr(GError) error = NULL;
  assert_false(demo_fill(connection, &options, NULL, NULL, &error));
  assert_true(g_str_has_prefix(error->message, "migrate the database first: "));
}

static void
cancel_at_once(guint64 rows_done, guint64 rows_total, gpointer cancellable)
{
  (void)rows_done;
  (void)rows_total;
  g_cancellable_cancel(cancellable);
}

static void
a_cancelled_fill_leaves_nothing(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = make_database("cancelled", TRUE);
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  pg_connection_set_cancellable(connection, cancellable);
  const DemoOptions options = {.n_requests = 1000};
  g_autoptr(GError) error = NULL;
  assert_false(demo_fill(connection, &options, cancel_at_once, cancellable, &error));
  assert_int_equal(error_code(error), CCH_ERROR_CANCELLED);
  pg_connection_set_cancellable(connection, NULL);
  assert_answer(connection, "SELECT count(*) FROM public.users", "0");
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
      cmocka_unit_test(every_table_is_filled_with_the_asked_rows),
      cmocka_unit_test(the_request_log_is_plausible),
      cmocka_unit_test(prices_are_exact),
      cmocka_unit_test(no_key_opens_the_web_interface),
      cmocka_unit_test(a_database_with_users_is_left_alone_unless_asked),
      cmocka_unit_test(the_same_seed_makes_the_same_data),
      cmocka_unit_test(an_old_hubs_tables_are_filled_by_their_columns),
      cmocka_unit_test(a_database_without_tables_is_an_error),
      cmocka_unit_test(a_cancelled_fill_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
