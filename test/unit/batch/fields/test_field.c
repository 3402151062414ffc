#include "batch/fields/field.h"
#include "batch/fields/tags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>
#include <string.h>

static void
assert_round_trip(const char *name, const char *value)
{
  const BatchField *field = batch_field_find(BATCH_USERS, name);
  g_autofree char *cell = batch_value_to_text(field, value), *again = NULL;
  assert_null(batch_value_from_text(field, cell, 0, &again));
  assert_true(*cell != '\0');
  assert_null(strchr("=+-@\t\r\n", *cell));
  if (value == NULL)
    assert_null(again);
  else
    assert_string_equal(again, value);
}

static void
every_value_reads_back_from_its_cell(void **state)
{
  (void)state;
  static const char *const notes[] = {"",   "null", "NULL", "=1",  "+1", "-1",   "@a", "'",
                                      "''", "'=x",  "a",    " a ", "\t", "\n=1", "＝1"};
  static const char *const tags[] = {"[]",        "[\"a\"]",    "[\"a\", \"b\"]", "[\"a,b\"]", "[\"null\"]",
                                     "[\"=a\"]",  "[\"[a]\"]",  "[\"[\"]",        "[\"'\"]",   "[\"'a\", \"b\"]",
                                     "[\"a b\"]", "[\"标签\"]", "[\"a\\\"b\"]",   "[\"-\"]"};
  for (gsize i = 0; i < G_N_ELEMENTS(notes); i++)
    assert_round_trip("note", notes[i]);
  assert_round_trip("note", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(tags); i++)
    assert_round_trip("tags", tags[i]);
  assert_round_trip("rpm", "60");
  assert_round_trip("rpm", NULL);
  assert_round_trip("dailyQuota", "10.50");
}

static void
a_missing_value_that_cannot_be_set_is_an_empty_cell(void **state)
{
  (void)state;
  g_autofree char *cell = batch_value_to_text(batch_field_find(BATCH_USERS, "tags"), NULL);
  assert_string_equal(cell, "");
}

static void
a_mark_is_for_texts_alone(void **state)
{
  (void)state;
  g_autofree char *value = NULL;
  const BatchField *rpm = batch_field_find(BATCH_USERS, "rpm");
  assert_string_equal(batch_value_from_text(rpm, "'60", 0, &value), "not_a_number");
  assert_null(value);
}

/* A number's value in JSON and in a cell, or its problem. */
static void
assert_number(const char *text, const char *expected)
{
  const BatchField *quota = batch_field_find(BATCH_USERS, "dailyQuota"); /* 0 to 100000, two decimals */
  g_autofree char *from_text = NULL, *from_json = NULL;
  g_autoptr(JsonTree) json = json_tree_parse(text, strlen(text), NULL);
  BatchProblem problem = batch_value_from_text(quota, text, 0, &from_text);
  assert_string_equal(problem != NULL ? problem : from_text, expected);
  if (json == NULL)
    return;
  problem = batch_value_from_json(quota, json, 0, &from_json);
  assert_string_equal(problem != NULL ? problem : from_json, expected);
}

static void
a_number_is_exact_or_refused(void **state)
{
  (void)state;
  g_autofree char *zeros = g_strnfill(300, '0');
  g_autofree char *near = g_strconcat("10000.", zeros, "1", NULL), *same = g_strconcat("10000.10", zeros, NULL),
                  *far = g_strconcat("1", zeros, NULL),
                  *small = g_strconcat("0.", zeros, zeros, zeros, zeros, "1", NULL);
  assert_number(near, "too_many_decimals");
  assert_number(same, "10000.10");
  assert_number(far, "out_of_range");
  assert_number(small, "too_many_decimals");
  assert_number("1e-400", "too_many_decimals");
  assert_number("1e-99999", "too_many_decimals");
  assert_number("1e99999", "out_of_range");
  assert_number("1e5", "100000.00");
  assert_number("100000.01", "out_of_range");
  assert_number("5e-1", "0.50");
  assert_number("-0", "0.00");
  assert_number("0e999", "out_of_range");
  assert_number("-0.01", "out_of_range");
  assert_number("9007199254740993", "out_of_range");
  assert_number("99999.99999999999999999999", "too_many_decimals");
  assert_number(".5", "0.50");
  assert_number("+5.", "5.00");
  static const char *const none[] = {"", ".", "1,5", "0x10", "NaN", "1e", "--1", "１"};
  for (gsize i = 0; i < G_N_ELEMENTS(none); i++)
    assert_number(none[i], "not_a_number");
}

static void
json_that_a_reader_would_round_is_shown_as_text(void **state)
{
  (void)state;
  const BatchField *field = batch_field_find(BATCH_PROVIDERS, "model_redirects");
  g_autoptr(json_t) exact = batch_value_to_json(field, "{\"a\": 9007199254740993}");
  g_autoptr(json_t) decimal = batch_value_to_json(field, "{\"a\": 0.10}");
  assert_int_equal(json_integer_value(json_object_get(exact, "a")), 9007199254740993);
  assert_string_equal(json_string_value(decimal), "{\"a\": 0.10}");
}

static void
tags_are_added_and_removed_beside_what_is_there(void **state)
{
  (void)state;
  const BatchField *tags = batch_field_find(BATCH_USERS, "tags");
  static const char *const add[] = {"b", "c", NULL}, *const remove[] = {"a", "c", NULL};
  g_autofree char *changed = NULL, *none = NULL;
  assert_null(batch_tags_change(tags, "[\"a\", 1e400, \"b\", \"c\"]", add, remove, &changed));
  g_autofree char *exponent = g_strnfill(400, '0');
  g_autofree char *expected = g_strdup_printf("[1%s, \"b\", \"c\"]", exponent);
  assert_string_equal(changed, expected);
  assert_null(batch_tags_change(tags, NULL, NULL, NULL, &none));
  assert_string_equal(none, "[]");
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_value_reads_back_from_its_cell),
      cmocka_unit_test(a_missing_value_that_cannot_be_set_is_an_empty_cell),
      cmocka_unit_test(a_mark_is_for_texts_alone),
      cmocka_unit_test(a_number_is_exact_or_refused),
      cmocka_unit_test(json_that_a_reader_would_round_is_shown_as_text),
      cmocka_unit_test(tags_are_added_and_removed_beside_what_is_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
