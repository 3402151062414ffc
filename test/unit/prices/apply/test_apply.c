#include "base/error.h"
#include "pg/migrate/migrate.h"
#include "prices/apply/apply.h"
#include "servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static TestPostgres *postgres;
static PgConnection *connection;

#define SYNC   ((PriceApplyOptions){.is_sync = TRUE, .lock_wait_s = 10})
#define UPLOAD ((PriceApplyOptions){.lock_wait_s = 10})
#define MANUAL ((PriceApplyOptions){.is_manual = TRUE, .lock_wait_s = 10})

static void
run(const char *sql)
{
  g_autoptr(GError) error = NULL;
  if (!pg_connection_exec(connection, sql, &error))
    fail_msg("%s", error->message);
}

static void
assert_value(const char *sql, const char *expected)
{
  g_autofree char *value = NULL;
  assert_true(pg_connection_value(connection, &value, NULL, sql, 0));
  if (g_strcmp0(value, expected) != 0)
    fail_msg("%s: %s", sql, value);
}

static void
assert_prices(const char *expected)
{
  assert_value("SELECT string_agg(concat_ws(' ', model_name, source, price_data->'input_cost_per_token'), ', '"
               " ORDER BY model_name, source, price_data) FROM public.model_prices",
               expected);
}

static PriceReport *
try_apply(const char *text, PriceApplyOptions options, GError **error)
{
  g_autoptr(PriceTable) table = price_table_parse(text, strlen(text), PRICE_ORIGIN_FILE, NULL);
  assert_non_null(table);
  return price_apply(connection, table, &options, error);
}

/* "model=price …" as a table. */
static char *
table_of(const char *prices)
{
  g_auto(GStrv) words = g_strsplit(prices, " ", -1);
  g_autoptr(GString) text = g_string_new("{");
  for (guint i = 0; words[i] != NULL; i++) {
    g_auto(GStrv) pair = g_strsplit(words[i], "=", 2);
    g_string_append_printf(text, "%s\"%s\":{\"mode\":\"chat\",\"input_cost_per_token\":%s}", i > 0 ? "," : "", pair[0],
                           pair[1]);
  }
  g_string_append_c(text, '}');
  return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *
names(const GPtrArray *list)
{
  g_autoptr(GString) text = g_string_new(NULL);
  for (guint i = 0; i < list->len; i++)
    g_string_append_printf(text, "%s%s", i > 0 ? " " : "", (const char *)g_ptr_array_index(list, i));
  return g_string_free(g_steal_pointer(&text), FALSE);
}

/* "+added ~updated =unchanged !skipped -removed", and the prices stored afterwards. */
static void
assert_applied(const char *prices, PriceApplyOptions options, const char *outcome)
{
  g_autofree char *text = table_of(prices);
  g_autoptr(GError) error = NULL;
  g_autoptr(PriceReport) report = try_apply(text, options, &error);
  if (report == NULL)
    fail_msg("%s", error->message);
  g_autofree char *added = names(report->added), *updated = names(report->updated);
  g_autofree char *unchanged = names(report->unchanged), *skipped = names(report->skipped);
  g_autofree char *removed = names(report->removed);
  g_autofree char *all = g_strdup_printf("+%s ~%s =%s !%s -%s", added, updated, unchanged, skipped, removed);
  assert_string_equal(all, outcome);
}

static int
empty_tables(void **state)
{
  (void)state;
  run("TRUNCATE public.model_prices; TRUNCATE cch_data.price_applied, cch_data.price_sync, public.audit_log;"
      "ALTER TABLE public.model_prices ALTER source SET DEFAULT 'litellm'");
  return 0;
}

static void
new_models_are_added_and_equal_ones_are_not_written(void **state)
{
  (void)state;
  assert_applied("a=3e-7 b=2", UPLOAD, "+a b ~ = ! -");
  assert_prices("a litellm 0.0000003, b litellm 2");
  run("DELETE FROM cch_data.price_applied");
  assert_applied("a=0.00000030 b=2.0", UPLOAD, "+ ~ =a b ! -");
  assert_value("SELECT max(id) - min(id) FROM public.model_prices", "1");
}

static void
the_order_of_keys_is_no_change(void **state)
{
  (void)state;
  g_autoptr(PriceReport) first = try_apply("{\"a\":{\"mode\":\"x\",\"k\":{\"p\":1,\"q\":[1,2]}}}", UPLOAD, NULL);
  g_autoptr(PriceReport) second = try_apply("{\"a\":{\"k\":{\"q\":[1.0,2],\"p\":1e0},\"mode\":\"x\"}}", UPLOAD, NULL);
  assert_int_equal(second->unchanged->len, 1);
  g_autoptr(PriceReport) third = try_apply("{\"a\":{\"k\":{\"q\":[2,1],\"p\":1},\"mode\":\"x\"}}", UPLOAD, NULL);
  assert_int_equal(third->updated->len, 1);
}

static void
a_change_leaves_one_row_of_the_model(void **state)
{
  (void)state;
  run("INSERT INTO public.model_prices (model_name, price_data, source, created_at) VALUES"
      " ('a', '{\"input_cost_per_token\":1}', 'litellm', '2020-01-01'),"
      " ('a', '{\"input_cost_per_token\":2}', 'cloud', '2021-01-01'),"
      " ('a', '{\"input_cost_per_token\":3}', 'litellm', NULL)");
  assert_applied("a=4", UPLOAD, "+ ~a = ! -");
  assert_prices("a litellm 4");
}

static void
the_newest_row_is_the_current_price(void **state)
{
  (void)state;
  run("INSERT INTO public.model_prices (model_name, price_data, source, created_at) VALUES"
      " ('a', '{\"mode\":\"chat\",\"input_cost_per_token\":2}', 'cloud', '2021-01-01'),"
      " ('a', '{\"mode\":\"chat\",\"input_cost_per_token\":1}', 'litellm', '2020-01-01')");
  assert_applied("a=2", UPLOAD, "+ ~ =a ! -");
}

static void
manual_prices_stay_until_they_are_named(void **state)
{
  (void)state;
  static const char *const overwrite[] = {"b", "nobody", NULL};
  PriceApplyOptions naming = UPLOAD;
  naming.overwrite = overwrite;
  assert_applied("a=1 b=1", MANUAL, "+a b ~ = ! -");
  assert_prices("a manual 1, b manual 1");
  assert_applied("a=2 b=1 c=1", SYNC, "+c ~ =a b !a b -");
  assert_prices("a manual 1, b manual 1, c litellm 1");
  assert_applied("a=2 b=1 c=1", naming, "+ ~b =a c !a -");
  assert_prices("a manual 1, b litellm 1, c litellm 1");
}

static void
a_manual_upload_is_authoritative(void **state)
{
  (void)state;
  assert_applied("a=1 b=1", UPLOAD, "+a b ~ = ! -");
  assert_applied("a=1 b=2", MANUAL, "+ ~a b = ! -");
  assert_prices("a manual 1, b manual 2");
  assert_applied("a=1 b=3", MANUAL, "+ ~b =a ! -");
  assert_prices("a manual 1, b manual 3");
}

static void
the_databases_own_default_names_the_cloud(void **state)
{
  (void)state;
  run("ALTER TABLE public.model_prices ALTER source SET DEFAULT 'cloud'");
  assert_applied("a=1", UPLOAD, "+a ~ = ! -");
  assert_prices("a cloud 1");
}

static void
a_sync_removes_what_the_cloud_dropped_and_nothing_else(void **state)
{
  (void)state;
  assert_applied("own=1", UPLOAD, "+own ~ = ! -");
  assert_applied("mine=1 a=1", MANUAL, "+a mine ~ = ! -");
  assert_applied("a=1 b=1 c=1 d=1", SYNC, "+b c d ~ =a !a -");
  run("INSERT INTO cch_data.price_sync (model_count, model_names) VALUES (4, '{a,b,c,d}')");
  assert_applied("b=1 d=2", SYNC, "+ ~d =b ! -c");
  assert_prices("a manual 1, b litellm 1, d litellm 2, mine manual 1, own litellm 1");
}

static void
a_model_that_fails_is_not_dropped(void **state)
{
  (void)state;
  run("INSERT INTO cch_data.price_sync (model_count, model_names) VALUES (2, '{a,b}')");
  assert_applied("a=1 b=1", UPLOAD, "+a b ~ = ! -");
  assert_applied("a=1 b=-1", SYNC, "+ ~ =a ! -");
  assert_prices("a litellm 1, b litellm 1");
}

static void
a_table_that_shrank_to_less_than_half_is_refused_unless_forced(void **state)
{
  (void)state;
  g_autofree char *one = table_of("a=1");
  g_autoptr(GError) error = NULL;
  PriceApplyOptions forced = SYNC;
  forced.is_forced = TRUE;
  run("INSERT INTO cch_data.price_sync (model_count, model_names) VALUES (3, '{a,b,c}')");
  assert_applied("a=1 b=1 c=1", UPLOAD, "+a b c ~ = ! -");
  g_autoptr(PriceReport) refused = try_apply(one, SYNC, &error);
  assert_null(refused);
  assert_int_equal(error_code(error), CCH_ERROR_PRICES_SHRUNK);
  assert_non_null(strstr(error->message, "1 valid models now, 3 last time"));
  assert_prices("a litellm 1, b litellm 1, c litellm 1");
  assert_applied("a=1 b=2", SYNC, "+ ~b =a ! -c");
  assert_applied("a=1", forced, "+ ~ =a ! -b");
}

static void
a_dry_run_tells_the_same_and_every_field_and_writes_nothing(void **state)
{
  (void)state;
  PriceApplyOptions dry = UPLOAD;
  dry.is_dry_run = TRUE;
  assert_applied("a=1e-6 b=2", UPLOAD, "+a b ~ = ! -");
  g_autoptr(PriceReport) report =
      try_apply("{\"a\":{\"mode\":\"chat\",\"input_cost_per_token\":1e-4,\"x\":null},\"b\":{\"mode\":\"chat\"},"
                "\"c\":{\"mode\":\"chat\"}}",
                dry, NULL);
  g_autofree char *json = price_report_to_json(report, LANGUAGE_EN);
  g_autofree char *expected = g_strdup_printf(
      "{\"added\":[\"c\"],\"updated\":[\"a\",\"b\"],\"unchanged\":[],\"failed\":[],\"total\":3,"
      "\"skippedConflicts\":[],\"removed\":[],\"leftOut\":[],\"failures\":[],\"warnings\":[{\"modelName\":\"a\","
      "\"code\":\"moved_tenfold\",\"field\":\"input_cost_per_token\",\"reason\":\"input_cost_per_token moved more "
      "than tenfold: 0.0001 now, 0.000001 before\"}],\"held\":[],\"dryRun\":true,\"changes\":[{\"modelName\":\"a\","
      "\"action\":\"updated\",\"oldSource\":\"litellm\",\"newSource\":\"litellm\",\"fields\":["
      "{\"field\":\"input_cost_per_token\",\"old\":0.000001,\"new\":0.0001},{\"field\":\"x\",\"old\":null,"
      "\"new\":null}]},{\"modelName\":\"b\",\"action\":\"updated\",\"oldSource\":\"litellm\","
      "\"newSource\":\"litellm\",\"fields\":[{\"field\":\"input_cost_per_token\",\"old\":2,\"new\":null}]},"
      "{\"modelName\":\"c\",\"action\":\"added\",\"oldSource\":null,\"newSource\":\"litellm\",\"fields\":["
      "{\"field\":\"mode\",\"old\":null,\"new\":\"chat\"}]}],\"hasConflicts\":false,\"conflicts\":[],"
      "\"state\":\"%s\"}",
      report->state);
  assert_string_equal(json, expected);
  assert_prices("a litellm 0.000001, b litellm 2");
}

static void
a_cost_that_goes_to_zero_is_warned_of(void **state)
{
  (void)state;
  assert_applied("a=1 b=1 c=0", UPLOAD, "+a b c ~ = ! -");
  g_autofree char *text = table_of("a=0 b=10 c=5e-4");
  g_autoptr(PriceReport) report = try_apply(text, UPLOAD, NULL);
  /* The table itself also warns that b costs 10 dollars per token. */
  g_autoptr(GString) codes = g_string_new(NULL);
  for (guint i = 0; i < report->warnings->len; i++) {
    const PriceIssue *issue = &g_array_index(report->warnings, PriceIssue, i);
    g_string_append_printf(codes, "%s:%s ", issue->model, price_issue_code_name(issue->code));
  }
  assert_string_equal(codes->str, "b:looks_per_million a:moved_to_zero ");
}

static void
costs_that_move_are_found_wherever_they_lie(void **state)
{
  (void)state;
  static const char before[] = "{\"a\":{\"mode\":\"chat\",\"search_context_cost_per_query\":{\"low\":0.01,\"high\":1},"
                               "\"tiers\":[{\"input_cost_per_token\":1e-7,\"from\":1},{\"input_cost_per_token\":1}],"
                               "\"output_cost_per_token\":1.0,\"input_cost_per_token\":0,\"max_tokens\":1}}";
  /* Exactly tenfold is not more than tenfold; other fields, and prices that were zero, may change freely. */
  static const char after[] =
      "{\"a\":{\"mode\":\"chat\",\"search_context_cost_per_query\":{\"low\":0.1000001,\"high\":0},"
      "\"tiers\":[{\"input_cost_per_token\":9.99e-9,\"from\":99},{\"input_cost_per_token\":10}],"
      "\"output_cost_per_token\":0.1,\"input_cost_per_token\":1e-6,\"max_tokens\":0}}";
  g_autoptr(PriceReport) first = try_apply(before, UPLOAD, NULL);
  g_autoptr(PriceReport) report = try_apply(after, UPLOAD, NULL);
  g_autoptr(GString) moved = g_string_new(NULL);
  for (guint i = 0; i < report->warnings->len; i++) {
    const PriceIssue *issue = &g_array_index(report->warnings, PriceIssue, i);
    if (issue->code != PRICE_LOOKS_PER_MILLION)
      g_string_append_printf(moved, "%s %s\n", issue->field, price_issue_code_name(issue->code));
  }
  assert_string_equal(moved->str, "search_context_cost_per_query.low moved_tenfold\n"
                                  "search_context_cost_per_query.high moved_to_zero\n"
                                  "tiers[0].input_cost_per_token moved_tenfold\n");
}

static void
an_unchanged_table_is_recognised_until_anybody_writes(void **state)
{
  (void)state;
  g_autofree char *text = table_of("a=1 b=1");
  g_autoptr(PriceReport) first = try_apply(text, SYNC, NULL);
  assert_false(first->was_known);
  g_autoptr(PriceReport) second = try_apply(text, SYNC, NULL);
  assert_true(second->was_known);
  assert_int_equal(second->unchanged->len, 2);
  assert_string_equal(first->state, second->state);
  static const char *const writes[] = {
      ("UPDATE public.model_prices SET price_data = '{\"mode\":\"chat\",\"input_cost_per_token\":9}'"
       " WHERE model_name = 'a'"),
      "DELETE FROM public.model_prices WHERE model_name = 'b'",
      "INSERT INTO public.model_prices (model_name, price_data, source) VALUES ('a', '{\"mode\":\"chat\"}', 'cloud')",
      "UPDATE public.model_prices SET source = 'manual' WHERE model_name = 'a'",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(writes); i++) {
    run(writes[i]);
    g_autoptr(PriceReport) after = try_apply(text, SYNC, NULL);
    assert_false(after->was_known);
    assert_int_equal(after->added->len + after->updated->len + after->skipped->len, 1);
    g_autoptr(PriceReport) again = try_apply(text, SYNC, NULL);
    assert_true(again->was_known);
    assert_int_equal(again->unchanged->len, 2);
    assert_int_equal(again->skipped->len, after->skipped->len);
  }
}

static void
what_was_checked_is_what_is_applied_or_nothing(void **state)
{
  (void)state;
  g_autofree char *text = table_of("a=1 b=1");
  PriceApplyOptions check = SYNC;
  check.is_dry_run = TRUE;
  g_autoptr(PriceReport) shown = try_apply(text, check, NULL);
  run("INSERT INTO public.model_prices (model_name, price_data, source) VALUES ('a', '{\"mode\":\"x\"}', 'manual')");
  g_autoptr(GError) error = NULL;
  PriceApplyOptions options = SYNC;
  options.expected_state = shown->state;
  g_autoptr(PriceReport) stale = try_apply(text, options, &error);
  assert_null(stale);
  assert_int_equal(error_code(error), CCH_ERROR_PRICES_STALE);
  assert_value("SELECT count(*) FROM public.model_prices", "1");
}

static void
every_change_is_in_the_audit_with_before_and_after(void **state)
{
  (void)state;
  assert_applied("a=1 b=1 c=1", UPLOAD, "+a b c ~ = ! -");
  run("DELETE FROM public.audit_log; INSERT INTO cch_data.price_sync (model_count, model_names)"
      " VALUES (3, '{a,b,c}')");
  PriceApplyOptions sync = SYNC;
  sync.operator_name = "Ada";
  assert_applied("a=2 b=1", sync, "+ ~a =b ! -c");
  assert_value("SELECT concat_ws(' ', action_category, action_type, target_type, operator_user_name, success)"
               " FROM public.audit_log",
               "model_price model_price.sync model_price Ada t");
  assert_value("SELECT before_value FROM public.audit_log",
               "{\"removed\": {\"c\": {\"mode\": \"chat\", \"input_cost_per_token\": 1}}, \"updated\": {\"a\": "
               "{\"fields\": {\"input_cost_per_token\": 1}, \"source\": \"litellm\"}}}");
  assert_value("SELECT after_value->'updated' FROM public.audit_log",
               "{\"a\": {\"fields\": {\"input_cost_per_token\": 2}, \"source\": \"litellm\"}}");
  assert_applied("a=2 b=1", sync, "+ ~ =a b ! -");
  assert_value("SELECT count(*) FROM public.audit_log", "1");
}

static void
a_database_without_our_schema_will_do(void **state)
{
  (void)state;
  run("ALTER SCHEMA cch_data RENAME TO elsewhere");
  assert_applied("a=1", UPLOAD, "+a ~ = ! -");
  assert_applied("a=1", UPLOAD, "+ ~ =a ! -");
  assert_applied("b=1", SYNC, "+b ~ = ! -");
  run("ALTER SCHEMA elsewhere RENAME TO cch_data");
}

static void
a_database_without_prices_is_refused(void **state)
{
  (void)state;
  g_autofree char *text = table_of("a=1");
  g_autoptr(GError) error = NULL;
  run("ALTER TABLE public.model_prices RENAME COLUMN source TO origin");
  g_autoptr(PriceReport) report = try_apply(text, UPLOAD, &error);
  run("ALTER TABLE public.model_prices RENAME COLUMN origin TO source");
  assert_null(report);
  assert_int_equal(error_code(error), CCH_ERROR_PRICES_NO_TABLE);
}

static void
names_of_every_kind_keep_their_order_in_any_collation(void **state)
{
  (void)state;
  assert_applied("Z=1 a=1 A=1 é=1 a-b=1 a_b=1 漢=1 z=1", UPLOAD, "+A Z a a-b a_b z é 漢 ~ = ! -");
  assert_applied("Z=2 a=1 A=2 é=2 a-b=1 a_b=2 漢=2 z=1", UPLOAD, "+ ~A Z a_b é 漢 =a a-b z ! -");
}

static int
start_postgres(void **state)
{
  (void)state;
  postgres = test_postgres_start();
  connection = pg_connection_open(test_postgres_dsn(postgres), "test", NULL, NULL);
  return connection != NULL && pg_migrate_with_hub_tables(connection, NULL, NULL) ? 0 : -1;
}

static int
stop_postgres(void **state)
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
      cmocka_unit_test_setup(new_models_are_added_and_equal_ones_are_not_written, empty_tables),
      cmocka_unit_test_setup(the_order_of_keys_is_no_change, empty_tables),
      cmocka_unit_test_setup(a_change_leaves_one_row_of_the_model, empty_tables),
      cmocka_unit_test_setup(the_newest_row_is_the_current_price, empty_tables),
      cmocka_unit_test_setup(manual_prices_stay_until_they_are_named, empty_tables),
      cmocka_unit_test_setup(a_manual_upload_is_authoritative, empty_tables),
      cmocka_unit_test_setup(the_databases_own_default_names_the_cloud, empty_tables),
      cmocka_unit_test_setup(a_sync_removes_what_the_cloud_dropped_and_nothing_else, empty_tables),
      cmocka_unit_test_setup(a_model_that_fails_is_not_dropped, empty_tables),
      cmocka_unit_test_setup(a_table_that_shrank_to_less_than_half_is_refused_unless_forced, empty_tables),
      cmocka_unit_test_setup(a_dry_run_tells_the_same_and_every_field_and_writes_nothing, empty_tables),
      cmocka_unit_test_setup(a_cost_that_goes_to_zero_is_warned_of, empty_tables),
      cmocka_unit_test_setup(costs_that_move_are_found_wherever_they_lie, empty_tables),
      cmocka_unit_test_setup(an_unchanged_table_is_recognised_until_anybody_writes, empty_tables),
      cmocka_unit_test_setup(what_was_checked_is_what_is_applied_or_nothing, empty_tables),
      cmocka_unit_test_setup(every_change_is_in_the_audit_with_before_and_after, empty_tables),
      cmocka_unit_test_setup(a_database_without_our_schema_will_do, empty_tables),
      cmocka_unit_test_setup(a_database_without_prices_is_refused, empty_tables),
      cmocka_unit_test_setup(names_of_every_kind_keep_their_order_in_any_collation, empty_tables),
  };
  return cmocka_run_group_tests(tests, start_postgres, stop_postgres);
}
