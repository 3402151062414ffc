#include "base/error.h"
#include "prices/format/table_asserts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static void
assert_refused(const char *text, gsize size, ErrorCode code, const char *part)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(PriceTable) table = price_table_parse(text, size, PRICE_ORIGIN_FILE, &error);
  assert_null(table);
  if (error_code(error) != code || strstr(error->message, part) == NULL)
    fail_msg("%s: %s", error_info(error)->code, error->message);
}

/* A table of one valid model and one with the given members. */
static PriceTable *
parse_beside(const char *members)
{
  g_autofree char *text = g_strdup_printf("{\"good\":{\"mode\":\"chat\"},\"bad\":%s}", members);
  return parse_table(text);
}

static void
json_keeps_every_number_as_it_was_written(void **state)
{
  (void)state;
  g_autoptr(PriceTable) table =
      parse_table("{\"sample_spec\":{\"mode\":1},\" a \\u00e9 \":{\"mode\":\"chat\",\"input_cost_per_token\":3e-7,"
                  "\"x\":[1.10,{\"y\":12345678901234567890.123456789}]},\n\"b\":{ \"mode\" : \"embedding\" }}");
  assert_int_equal(table->format, PRICE_FORMAT_JSON);
  assert_int_equal(table->total, 2);
  assert_model(table, "a é",
               "{\"mode\":\"chat\",\"input_cost_per_token\":3e-7,\"x\":[1.10,{\"y\":12345678901234567890.123456789}]}");
  assert_model(table, "b", "{ \"mode\" : \"embedding\" }");
}

static void
toml_keeps_every_decimal_as_it_was_written(void **state)
{
  (void)state;
  g_autoptr(PriceTable) table = parse_table("# prices\n[metadata]\nversion = \"2026.01.20\"\n\n"
                                            "[models.\"demo/é.1\"]\nmode = \"chat\"\ninput_cost_per_token = 0.000_003\n"
                                            "output_cost_per_token = +1.50e-05 # dear\r\n"
                                            "a = [ 0.1, 0.30000000000000004,\n 1_000 ]\n"
                                            "b = {\"größe\" = 1.0, c = 2.50}\nd = 2026-01-20 07:32:00Z\ne = 0x10\n"
                                            "[models.\"demo/é.1\".pricing.\"x\"]\ninput_cost_per_token = 1e-9\n");
  assert_int_equal(table->format, PRICE_FORMAT_TOML);
  assert_string_equal(table->version, "2026.01.20");
  assert_model(table, "demo/é.1",
               "{\"a\":[0.1,0.30000000000000004,1000],\"b\":{\"c\":2.50,\"größe\":1.0},\"d\":\"2026-01-20 07:32:00Z\","
               "\"e\":16,\"input_cost_per_token\":0.000003,\"mode\":\"chat\",\"output_cost_per_token\":1.50e-05,"
               "\"pricing\":{\"x\":{\"input_cost_per_token\":1e-9}}}");
}

static void
a_decimal_is_found_far_out_on_a_long_line(void **state)
{
  (void)state;
  g_autoptr(GString) text = g_string_new("models = {m = {mode = \"chat\", s = \"");
  for (int i = 0; i < 700; i++)
    g_string_append(text, "ü");
  g_string_append(text, "\", x = 0.10}}");
  g_autoptr(PriceTable) table = parse_table(text->str);
  const PriceModel *model = find_model(table, "m");
  assert_memory_equal(model->json + model->size - 9, "\"x\":0.10}", 9);
}

static void
what_says_the_same_of_one_name_twice_is_taken(void **state)
{
  (void)state;
  g_autoptr(PriceTable) table = parse_table("{\"a\":{\"mode\":\"chat\",\"input_cost_per_token\":1e-6},"
                                            "\"b\":{\"mode\":\"chat\"},"
                                            "\" a\":{ \"mode\":\"chat\", \"input_cost_per_token\": 1e-6 }}");
  assert_int_equal(table->failed->len, 0);
  assert_int_equal(table->total, 2);
  assert_non_null(find_model(table, "a"));
}

static void
a_null_cost_of_a_sync_is_absent_with_a_warning(void **state)
{
  (void)state;
  const char *text = "{\"m\":{\"mode\":\"chat\",\"input_cost_per_token\":1.0e-6,\"max_tokens\":null,"
                     "\"cache_read_input_token_cost\":null,\"tiered_pricing\":[{\"range\":[0,null],"
                     "\"input_cost_per_token\":4e-7,\"cache_read_input_token_cost\":null}]}}";
  g_autoptr(PriceTable) table = price_table_parse(text, strlen(text), PRICE_ORIGIN_SYNC, NULL);
  assert_non_null(table);
  assert_model(table, "m",
               "{\"mode\":\"chat\",\"input_cost_per_token\":1.0e-6,\"max_tokens\":null,"
               "\"tiered_pricing\":[{\"range\":[0,null],\"input_cost_per_token\":4e-7}]}");
  assert_int_equal(table->warnings->len, 2);
  const PriceIssue *issue = &g_array_index(table->warnings, PriceIssue, 1);
  assert_string_equal(price_issue_code_name(issue->code), "cost_is_null");
  assert_string_equal(issue->field, "tiered_pricing[0].cache_read_input_token_cost");
  assert_refused(text, strlen(text), CCH_ERROR_PRICES_EMPTY, "must be a number");
  const char *in_array = "{\"m\":{\"mode\":\"chat\",\"costs\":[null]}}";
  g_autoptr(PriceTable) refused = price_table_parse(in_array, strlen(in_array), PRICE_ORIGIN_SYNC, NULL);
  assert_null(refused);
}

static void
toml_that_ends_within_a_number_is_refused(void **state)
{
  (void)state;
  const char *cut = "[models.\"m\"]\nmode = \"chat\"\ninput_cost_per_token = 0.0000";
  assert_refused(cut, strlen(cut), CCH_ERROR_PRICES_FORMAT, "may have been cut");
  static const char *const whole[] = {"\n", " # dear", "1\noutput_cost_per_token = 1 \n",
                                      "1\ndisplay_name = \"without a line break\""};
  for (gsize i = 0; i < G_N_ELEMENTS(whole); i++) {
    g_autofree char *text = g_strconcat(cut, whole[i], NULL);
    g_autoptr(PriceTable) table = parse_table(text);
    assert_int_equal(table->models->len, 1);
  }
}

static void
a_model_that_is_wrong_fails_alone_by_name_and_field(void **state)
{
  (void)state;
  static const struct {
    const char *members, *code, *field;
  } cases[] = {
      {"7", "not_a_table", NULL},
      {"[]", "not_a_table", NULL},
      {"{}", "no_mode", "mode"},
      {"{\"mode\":\"\"}", "no_mode", "mode"},
      {"{\"mode\":null}", "no_mode", "mode"},
      {"{\"mode\":\"chat\",\"input_cost_per_token\":-1e-9}", "cost_negative", "input_cost_per_token"},
      {"{\"mode\":\"chat\",\"input_cost_per_token\":\"1\"}", "cost_not_a_number", "input_cost_per_token"},
      {"{\"mode\":\"chat\",\"input_cost_per_token\":null}", "cost_not_a_number", "input_cost_per_token"},
      {"{\"mode\":\"chat\",\"input_cost_per_token\":NaN}", "not_finite", "input_cost_per_token"},
      {"{\"mode\":\"chat\",\"max_tokens\":-Infinity}", "not_finite", "max_tokens"},
      {"{\"mode\":\"chat\",\"input_cost_per_token\":1e999}", "number_out_of_range", "input_cost_per_token"},
      {"{\"mode\":\"chat\",\"x\":1e-99999999999999999999}", "number_out_of_range", "x"},
      {"{\"mode\":\"chat\",\"t\":[{\"a\":1},{\"output_cost_per_token\":-2}]}", "cost_negative",
       "t[1].output_cost_per_token"},
      {"{\"mode\":\"chat\",\"search_context_cost_per_query\":{\"low\":\"x\"}}", "cost_not_a_number",
       "search_context_cost_per_query.low"},
      {"{\"mode\":\"chat\",\"a\":1,\"\\u0061\":2}", "field_twice", "a"},
      {"{\"mode\":\"chat\",\"p\":{\"a\":1,\"a\":1}}", "field_twice", "a"},
      {"{\"mode\":\"chat\",\"s\":\"\\u0000\"}", "text_unusable", "s"},
      {"{\"mode\":\"chat\",\"s\":\"\\ud800x\"}", "text_unusable", "s"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(PriceTable) table = parse_beside(cases[i].members);
    assert_failed(table, "bad", cases[i].code, cases[i].field);
    assert_non_null(find_model(table, "good"));
    assert_int_equal(table->total, 2);
  }
}

static void
what_is_no_cost_may_be_anything(void **state)
{
  (void)state;
  g_autoptr(PriceTable) table = parse_beside("{\"mode\":\"x\",\"price_currency\":\"USD\",\"input_cost_per_token\":-0.0,"
                                             "\"temperature\":-1,\"s\":\"\\ud83d\\ude00\",\"n\":null}");
  assert_int_equal(table->failed->len, 0);
}

static void
a_name_that_comes_twice_after_trimming_is_nobodys(void **state)
{
  (void)state;
  g_autoptr(PriceTable) table =
      parse_table("{\"a\":{\"mode\":\"chat\"},\"\\u00a0a \":{\"mode\":\"embedding\"},\"b\":{\"mode\":\"chat\"}}");
  assert_failed(table, "a", "name_twice", NULL);
  g_autoptr(PriceTable) empty = parse_table("{\" \":{\"mode\":\"chat\"},\"b\":{\"mode\":\"chat\"}}");
  assert_failed(empty, "", "name_empty", NULL);
  g_autoptr(PriceTable) unusable = parse_table("{\"\\u0000\":{\"mode\":\"chat\"},\"b\":{\"mode\":\"chat\"}}");
  assert_failed(unusable, "?", "name_unusable", NULL);
}

static void
a_cost_per_million_is_warned_of_and_stored(void **state)
{
  (void)state;
  g_autoptr(PriceTable) table = parse_table("{\"m\":{\"mode\":\"chat\",\"input_cost_per_token\":3,"
                                            "\"output_cost_per_image\":0.04,\"output_cost_per_token\":0.0006}}");
  assert_int_equal(table->models->len, 1);
  assert_int_equal(table->warnings->len, 1);
  const PriceIssue *issue = &g_array_index(table->warnings, PriceIssue, 0);
  assert_int_equal(issue->code, PRICE_LOOKS_PER_MILLION);
  assert_string_equal(issue->field, "input_cost_per_token");
}

static void
a_file_that_cannot_be_read_names_line_and_column_in_the_likelier_format(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    ErrorCode code;
    const char *part;
  } cases[] = {
      {"{\n \"é\": x}", CCH_ERROR_PRICES_FORMAT, "JSON, line 2, column 7"},
      {"{\"a\":{\"mode\":\"chat\",}}", CCH_ERROR_PRICES_FORMAT, "JSON, line 1, column 21"},
      {"{\"a\":01}", CCH_ERROR_PRICES_FORMAT, "JSON, line 1"},
      {"{\"a\":1} x", CCH_ERROR_PRICES_FORMAT, "JSON, line 1, column 9"},
      {"{\"a\":\"\\x\"}", CCH_ERROR_PRICES_FORMAT, "JSON, line 1"},
      {"", CCH_ERROR_PRICES_FORMAT, "JSON, line 1, column 1"},
      {"[{\"a\":1}]", CCH_ERROR_PRICES_FORMAT, "an array"},
      {"[models.a]\nmode = \"chat\"\nx = = 1", CCH_ERROR_PRICES_FORMAT, "TOML, line 3"},
      {"[models.a]\nmode = \"chat\"\nmode = \"chat\"", CCH_ERROR_PRICES_FORMAT, "TOML, line 3"},
      {"a = 1", CCH_ERROR_PRICES_FORMAT, "[models] is missing"},
      {"{}", CCH_ERROR_PRICES_EMPTY, "no models"},
      {"{\"sample_spec\":{\"mode\":\"chat\"}}", CCH_ERROR_PRICES_EMPTY, "no models"},
      {"{\"a\":{},\"b\":1}", CCH_ERROR_PRICES_EMPTY, "none of 2"},
      {"[models]", CCH_ERROR_PRICES_EMPTY, "no models"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
    assert_refused(cases[i].text, strlen(cases[i].text), cases[i].code, cases[i].part);
}

static void
bytes_that_are_no_text_are_refused(void **state)
{
  (void)state;
  assert_refused("{\"a\xff\":1}", 8, CCH_ERROR_PRICES_ENCODING, "column 4");
  assert_refused("{\"a\0\":1}", 8, CCH_ERROR_PRICES_ENCODING, "NUL");
  assert_refused("\xed\xa0\x80", 3, CCH_ERROR_PRICES_ENCODING, "UTF-8");
  assert_refused("\xff\xfe{\0}\0", 6, CCH_ERROR_PRICES_ENCODING, "JSON nor TOML");
  assert_refused("{\0}\0", 4, CCH_ERROR_PRICES_ENCODING, "JSON nor TOML");
  assert_refused("\x1f\x8b\x08\0", 4, CCH_ERROR_PRICES_FORMAT, "JSON nor TOML");
}

static char *
repeat(const char *start, const char *middle, guint n, const char *end)
{
  g_autoptr(GString) text = g_string_new(start);
  for (guint i = 0; i < n; i++)
    g_string_append(text, middle);
  g_string_append(text, end);
  return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
what_is_nested_too_deep_is_refused_whatever_nests_it(void **state)
{
  (void)state;
  g_autofree char *arrays = repeat("{\"a\":", "[", 100000, "");
  assert_refused(arrays, strlen(arrays), CCH_ERROR_PRICES_TOO_DEEP, "64");
  g_autofree char *objects = repeat("", "{\"a\":", 65, "1");
  assert_refused(objects, strlen(objects), CCH_ERROR_PRICES_TOO_DEEP, "64");
  g_autofree char *keys = repeat("[models", ".a", 100000, "]\n");
  assert_refused(keys, strlen(keys), CCH_ERROR_PRICES_TOO_DEEP, "64");
  g_autofree char *quoted = repeat("x", ".\"a\"", 100000, " = 1\n");
  assert_refused(quoted, strlen(quoted), CCH_ERROR_PRICES_TOO_DEEP, "64");
  g_autofree char *mixed = repeat("[models.a.b.c]\nx = ", "{a.b.c = ", 40, "");
  assert_refused(mixed, strlen(mixed), CCH_ERROR_PRICES_FORMAT, "TOML");
  g_autofree char *inner = repeat("[models.a]\nx = ", "[", 70, "");
  g_autofree char *closed = repeat(inner, "]", 70, "\n");
  assert_refused(closed, strlen(closed), CCH_ERROR_PRICES_TOO_DEEP, "64");
}

static void
a_file_over_32_mb_is_refused(void **state)
{
  (void)state;
  g_autofree char *text = g_malloc(PRICES_MAX_BYTES + 1);
  memset(text, ' ', PRICES_MAX_BYTES + 1);
  assert_refused(text, PRICES_MAX_BYTES + 1, CCH_ERROR_PRICES_TOO_LARGE, "32 MB");
}

static void
a_digest_tells_tables_apart(void **state)
{
  (void)state;
  g_autoptr(PriceTable) one = parse_table("{\"a\":{\"mode\":\"x\"},\"b\":{\"mode\":\"y\"}}");
  g_autoptr(PriceTable) same = parse_table(" {\"b\":{\"mode\":\"y\"},\"a\":{\"mode\":\"x\"}}");
  g_autoptr(PriceTable) other = parse_table("{\"a\":{\"mode\":\"x\"},\"b\":{\"mode\":\"z\"}}");
  assert_string_equal(one->digest, same->digest);
  assert_string_not_equal(one->digest, other->digest);
}

static void
the_public_table_is_read(void **state)
{
  (void)state;
  g_autofree char *text = NULL;
  gsize size = 0;
  const char *path = g_getenv("CCH_PRICES_TABLE");
  if (path == NULL || !g_file_get_contents(path, &text, &size, NULL))
    skip();
  g_autoptr(GError) error = NULL;
  g_autoptr(PriceTable) table = price_table_parse(text, size, PRICE_ORIGIN_FILE, &error);
  assert_non_null(table);
  assert_int_equal(table->models->len + table->failed->len, table->total);
  assert_true(table->models->len > 2000);
}

/* Each line of a model [models.m], and its field as JSON; NULL: the file is refused. */
static const struct {
  const char *toml, *json;
} toml_values[] = {
    {"x = \"\\b\\t\\n\\f\\r\\\"\\\\\\u00E9\\U0001F600\"", "\"\\u0008\\u0009\\u000a\\u000c\\u000d\\\"\\\\é😀\""},
    {"x = 'C:\\n\"'", "\"C:\\\\n\\\"\""},
    {"x = \"\"\"\na\\\n   b\"\"c\"\"\"\"", "\"ab\\\"\\\"c\\\"\""},
    {"x = '''\n1.5 = \"y\"\n'''", "\"1.5 = \\\"y\\\"\\u000a\""},
    {"x = 0xdead_BEEF", "3735928559"},
    {"x = [0o755, 0b1010, +99, -17, 1_000]", "[493,10,99,-17,1000]"},
    {"x = 9223372036854775807", "9223372036854775807"},
    {"x = [+1.0, -0.0, 6.626e-34, 1e06, 5E+22, 224_617.445_991_228]",
     "[1.0,-0.0,6.626e-34,1e06,5E+22,224617.445991228]"},
    {"x = 1979-05-27T00:32:00.999999-07:00", "\"1979-05-27T00:32:00.999999-07:00\""},
    {"x = 1979-05-27 07:32:00z # local", "\"1979-05-27 07:32:00z\""},
    {"x = 1979-05-27T07:32:00", "\"1979-05-27T07:32:00\""},
    {"x = [1979-05-27, 07:32:00.5]", "[\"1979-05-27\",\"07:32:00.5\"]"},
    {"x = [true, false, [], {}, [[\"a\"], {b = 'c'}],]", "[true,false,[],{},[[\"a\"],{\"b\":\"c\"}]]"},
    {"x = [ # comment\n 1, # one\n\n 2\n]", "[1,2]"},
    {"x.y.\"z.z\" = 1\nx.w = 2", "{\"w\":2,\"y\":{\"z.z\":1}}"},
    {"\"x\" = {a.b = 1, \"\" = 2}", "{\"\":2,\"a\":{\"b\":1}}"},
    {"[[models.m.x]]\na = 1\n[[models.m.x]]\n[models.m.x.y]\nb = 0.10", "[{\"a\":1},{\"y\":{\"b\":0.10}}]"},
    {"[models.m.x]\n\"ключ\" = '漢字'\n-_1 = 1", "{\"-_1\":1,\"ключ\":\"漢字\"}"},
    {"x = 1\r\ny = 2\r\n", "1"},
    {"x = 9223372036854775808", NULL},
    {"x = 1__0", NULL},
    {"x = .5", NULL},
    {"x = 5.", NULL},
    {"x = 01", NULL},
    {"x = 1979-02-30", NULL},
    {"x = \"\\uD800\"", NULL},
    {"x = \"\\e\"", NULL}, /* of a later version of TOML */
    {"x = \"a\nb\"", NULL},
    {"x = {a = 1,}", NULL},
    {"x = {a = 1,\nb = 2}", NULL},
    {"x = [1 2]", NULL},
    {"x = 1\nx = 2", NULL},
    {"x.y = 1\n[models.m.x]\nz = 1", NULL},
    {"x = [1]\n[[models.m.x]]", NULL},
    {"x = 1 y = 2", NULL},
    {"x =", NULL},
    {"ключ = 1", NULL},
};

static void
toml_1_0_is_read_and_nothing_else(void **state)
{
  (void)state;
  for (gsize i = 0; i < G_N_ELEMENTS(toml_values); i++) {
    g_autofree char *text = g_strdup_printf("[models.m]\nmode = \"chat\"\n%s\n", toml_values[i].toml);
    g_autoptr(GError) error = NULL;
    g_autoptr(PriceTable) table = price_table_parse(text, strlen(text), PRICE_ORIGIN_FILE, &error);
    if ((table != NULL) != (toml_values[i].json != NULL))
      fail_msg("%s: %s", toml_values[i].toml, table != NULL ? "was taken" : error->message);
    if (table == NULL) {
      assert_int_equal(error_code(error), CCH_ERROR_PRICES_FORMAT);
      assert_non_null(strstr(error->message, "TOML, line "));
      continue;
    }
    const PriceModel *model = find_model(table, "m");
    assert_non_null(model);
    g_autofree char *json = g_strndup(model->json, model->size);
    g_autofree char *expected = g_strdup_printf("\"x\":%s", toml_values[i].json);
    if (strstr(json, expected) == NULL)
      fail_msg("%s: %s", toml_values[i].toml, json);
  }
}

static void
toml_that_is_no_number_fails_one_model(void **state)
{
  (void)state;
  static const char *const values[] = {"inf", "-inf", "+inf", "nan", "-nan"};
  for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
    g_autofree char *text = g_strdup_printf("[models.good]\nmode = 'chat'\n[models.bad]\nmode = 'chat'\n"
                                            "pricing.x.output_cost_per_token = %s\n",
                                            values[i]);
    g_autoptr(PriceTable) table = parse_table(text);
    assert_failed(table, "bad", "not_finite", "pricing.x.output_cost_per_token");
    assert_non_null(find_model(table, "good"));
  }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(json_keeps_every_number_as_it_was_written),
      cmocka_unit_test(toml_keeps_every_decimal_as_it_was_written),
      cmocka_unit_test(toml_1_0_is_read_and_nothing_else),
      cmocka_unit_test(toml_that_is_no_number_fails_one_model),
      cmocka_unit_test(a_decimal_is_found_far_out_on_a_long_line),
      cmocka_unit_test(what_says_the_same_of_one_name_twice_is_taken),
      cmocka_unit_test(a_null_cost_of_a_sync_is_absent_with_a_warning),
      cmocka_unit_test(toml_that_ends_within_a_number_is_refused),
      cmocka_unit_test(a_model_that_is_wrong_fails_alone_by_name_and_field),
      cmocka_unit_test(what_is_no_cost_may_be_anything),
      cmocka_unit_test(a_name_that_comes_twice_after_trimming_is_nobodys),
      cmocka_unit_test(a_cost_per_million_is_warned_of_and_stored),
      cmocka_unit_test(a_file_that_cannot_be_read_names_line_and_column_in_the_likelier_format),
      cmocka_unit_test(bytes_that_are_no_text_are_refused),
      cmocka_unit_test(what_is_nested_too_deep_is_refused_whatever_nests_it),
      cmocka_unit_test(a_file_over_32_mb_is_refused),
      cmocka_unit_test(a_digest_tells_tables_apart),
      cmocka_unit_test(the_public_table_is_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
