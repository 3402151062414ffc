#include "archive/rows/copy_row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

/* The fields with these numbers, joined by "|"; NULL when they are not found. */
static char *
find(const char *row, const guint *numbers, guint n_numbers)
{
  CopyField fields[4];
  if (!copy_row_find((const guint8 *)row, strlen(row), numbers, n_numbers, fields))
    return NULL;
  GString *text = g_string_new(NULL);
  for (guint i = 0; i < n_numbers; i++) {
    g_string_append_len(text, (const char *)fields[i].data, (gssize)fields[i].size);
    g_string_append(text, i + 1 < n_numbers ? "|" : "");
  }
  return g_string_free(text, FALSE);
}

static void
assert_found(const char *row, guint first, guint second, const char *expected)
{
  g_autofree char *found = find(row, (const guint[]){first, second}, 2);
  assert_string_equal(found, expected);
}

static void
assert_not_found(const char *row, guint number)
{
  assert_null(find(row, &number, 1));
}

static void
fields_are_found_as_they_stand_there(void **state)
{
  assert_found("1\ttwo\t\\N", 0, 2, "1|\\N");
  assert_found("1\ttwo\t\\N", 1, 2, "two|\\N");
  assert_found("\t\t", 0, 2, "|");
  assert_found("a\\tb\tc\\\\\td", 0, 1, "a\\tb|c\\\\");
}

static void
a_row_with_too_few_fields_is_refused(void **state)
{
  assert_not_found("1\ttwo", 2);
  assert_not_found("", 1);
}

static void
a_tab_behind_a_backslash_of_its_own_is_refused(void **state)
{
  assert_not_found("a\\\tb\tc", 1);
  assert_not_found("a\\\\\\\tb", 1);
  assert_found("a\\\\\tb", 0, 1, "a\\\\|b");
  /* After the wanted fields it does not matter. */
  assert_found("1\t2\tx\\\ty", 0, 1, "1|2");
}

static void
assert_record(const char *field, const char *expected)
{
  g_autoptr(GString) text = g_string_new(NULL);
  const CopyField copied = {.data = (const guint8 *)field, .size = strlen(field)};
  gboolean is_known = copy_field_append_record(&copied, text);
  assert_int_equal(is_known, expected != NULL);
  if (expected != NULL)
    assert_string_equal(text->str, expected);
}

static void
a_field_is_written_as_in_the_text_of_a_row(void **state)
{
  assert_record("plain", "plain");
  assert_record("\\N", "");
  assert_record("", "\"\"");
  assert_record("a,b", "\"a,b\"");
  assert_record("a b", "\"a b\"");
  assert_record("(", "\"(\"");
  assert_record("q\"q", "\"q\"\"q\"");
  assert_record("tab\\tend", "\"tab\tend\"");
  assert_record("a\\\\N", "\"a\\\\N\"");
  assert_record("\xc3\xbc", "\xc3\xbc");
}

static void
an_escape_that_copy_never_writes_is_not_guessed(void **state)
{
  assert_record("\\101", NULL);
  assert_record("\\x41", NULL);
  assert_record("end\\", NULL);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fields_are_found_as_they_stand_there),
      cmocka_unit_test(a_row_with_too_few_fields_is_refused),
      cmocka_unit_test(a_tab_behind_a_backslash_of_its_own_is_refused),
      cmocka_unit_test(a_field_is_written_as_in_the_text_of_a_row),
      cmocka_unit_test(an_escape_that_copy_never_writes_is_not_guessed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
