#include "batch/fields/field.h"

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

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_value_reads_back_from_its_cell),
      cmocka_unit_test(a_missing_value_that_cannot_be_set_is_an_empty_cell),
      cmocka_unit_test(a_mark_is_for_texts_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
