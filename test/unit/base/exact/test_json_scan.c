#include "base/exact/json_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

static void
a_number_is_the_text_that_was_written(void **state)
{
  (void)state;
  const char *json = "[1e-400,10000.000000000000000000000001,-0.10]";
  g_autoptr(JsonTree) tree = json_tree_parse(json, strlen(json), NULL);
  assert_non_null(tree);
  assert_string_equal(json_tree_child(tree, 0)->text, "1e-400");
  assert_string_equal(json_tree_child(tree, 1)->text, "10000.000000000000000000000001");
  g_autoptr(GString) out = g_string_new(NULL);
  json_tree_write(tree, out);
  g_autoptr(JsonTree) again = json_tree_parse(out->str, out->len, NULL);
  assert_string_equal(json_tree_child(again, 2)->text, "-0.10");
}

static void
what_is_not_json_is_refused_with_its_place(void **state)
{
  (void)state;
  const char *const texts[] = {"",   "{",  "[1,]",        "{\"a\":1,}", "{\"a\":1,\"a\":2}",
                               "01", "1.", "\"\\u0000\"", "[1] 2",      "'a'"};
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
    g_autoptr(GError) error = NULL;
    assert_null(json_tree_parse(texts[i], strlen(texts[i]), &error));
    assert_non_null(error);
  }
  g_autoptr(GError) error = NULL;
  assert_null(json_tree_parse("{\n  \"a\": x}", 11, &error));
  assert_non_null(strstr(error->message, "line 2, column 8"));
}

static void
nesting_has_a_limit(void **state)
{
  (void)state;
  g_autofree char *deep = g_strnfill(JSON_MAX_DEPTH + 1, '[');
  g_autoptr(GError) error = NULL;
  assert_null(json_tree_parse(deep, strlen(deep), &error));
  assert_true(g_error_matches(error, JSON_ERROR, JSON_ERROR_TOO_DEEP));
}

/* The output of PostgreSQL 15 for these values, cast to jsonb. */
static void
jsonb_is_written_as_postgresql_prints_it(void **state)
{
  (void)state;
  static const char *const pairs[][2] = {
      {"{\"bb\":1,\"a\":[true,null,\"x\"],\"c\":{}}", "{\"a\": [true, null, \"x\"], \"c\": {}, \"bb\": 1}"},
      {"[1e3,1.5E3,1.50e1,1.50,-0,-0.0,0e5,0e-3]", "[1000, 1500, 15.0, 1.50, 0, 0.0, 0, 0.000]"},
      {"[1e-7,-12.34e-3,100e-2,0.10]", "[0.0000001, -0.01234, 1.00, 0.10]"},
      {"[9007199254740993,10000.000000000000000000000001]", "[9007199254740993, 10000.000000000000000000000001]"},
      {"\"\\u0001\\t\\/\\\"\\\\\\u00e9\"", "\"\\u0001\\t/\\\"\\\\é\""},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
    g_autoptr(JsonTree) tree = json_tree_parse(pairs[i][0], strlen(pairs[i][0]), NULL);
    g_autoptr(GString) out = g_string_new(NULL);
    json_tree_write_jsonb(tree, out);
    assert_string_equal(out->str, pairs[i][1]);
  }
}

static void
an_integer_has_neither_point_nor_exponent(void **state)
{
  (void)state;
  const char *json = "[7,7.0,7e0,\"7\",11]";
  g_autoptr(JsonTree) tree = json_tree_parse(json, strlen(json), NULL);
  gint64 number = 0;
  assert_true(json_tree_integer(json_tree_child(tree, 0), 1, 10, &number));
  assert_int_equal(number, 7);
  for (guint i = 1; i < json_tree_size(tree); i++)
    assert_false(json_tree_integer(json_tree_child(tree, i), 1, 10, &number));
  assert_false(json_tree_integer(NULL, 1, 10, &number));
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_number_is_the_text_that_was_written),
      cmocka_unit_test(what_is_not_json_is_refused_with_its_place),
      cmocka_unit_test(nesting_has_a_limit),
      cmocka_unit_test(jsonb_is_written_as_postgresql_prints_it),
      cmocka_unit_test(an_integer_has_neither_point_nor_exponent),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
