/* The texts of a batch's changes. */
#include "batch/rows/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

static void
texts_are_json_with_values_as_stored_and_as_shown(void **state)
{
  (void)state;
  g_autoptr(GPtrArray) fields = g_ptr_array_new();
  static const char *const columns[] = {"priority", "cost_multiplier", "is_enabled", "allowed_clients", "group_tag"};
  for (gsize i = 0; i < G_N_ELEMENTS(columns); i++)
    g_ptr_array_add(fields, (gpointer)batch_field_by_column(BATCH_PROVIDERS, columns[i]));
  char *before[] = {"7", "1.50", "true", "[\"a\"]", NULL};
  char *after[] = {NULL, "1.50", "false", "[]", "\"\\\n\001"};
  BatchRow changed = {.id = 5, .label = "\"x\"", .n_fields = 5, .before = before, .after = after};
  BatchRow same = {.id = 6, .label = "y", .n_fields = 5, .before = before, .after = before};
  BatchRow nameless = {.id = 7, .n_fields = 5, .before = before, .after = after};
  g_autoptr(GPtrArray) list = g_ptr_array_new();
  g_ptr_array_add(list, &changed);
  g_ptr_array_add(list, &same);
  g_ptr_array_add(list, &nameless);
  BatchRows rows = {.entity = BATCH_PROVIDERS, .fields = fields, .rows = list};

  g_autoptr(BatchJournal) journal = batch_journal_new();
  batch_journal_add(journal, &rows);
  assert_int_equal(journal->n_rows, 2);
  batch_journal_end(journal, "g\"");
#define CHANGES                                                                                                        \
  "\"changes\":[{\"column\":\"priority\",\"before\":\"7\",\"after\":null},"                                            \
  "{\"column\":\"is_enabled\",\"before\":\"true\",\"after\":\"false\"},"                                               \
  "{\"column\":\"allowed_clients\",\"before\":\"[\\\"a\\\"]\",\"after\":\"[]\"},"                                      \
  "{\"column\":\"group_tag\",\"before\":null,\"after\":\"\\\"\\\\\\n\\u0001\"}]}"
  assert_string_equal(journal->changes->str, "[{\"entity\":\"providers\",\"id\":5,\"name\":\"\\\"x\\\"\"," CHANGES
                                             ",{\"entity\":\"providers\",\"id\":7," CHANGES "]");
#define BEFORE "\"values\":{\"priority\":7,\"is_enabled\":true,\"allowed_clients\":[\"a\"],\"group_tag\":null}}"
  assert_string_equal(journal->before->str,
                      "{\"rows\":[{\"entity\":\"providers\",\"id\":5,\"name\":\"\\\"x\\\"\"," BEFORE
                      ",{\"entity\":\"providers\",\"id\":7," BEFORE "],\"changedCount\":2}");
  g_autoptr(json_t) tree = json_loads(journal->after->str, 0, NULL);
  assert_string_equal(json_string_value(json_object_get(tree, "group")), "g\"");
  const json_t *values = json_object_get(json_array_get(json_object_get(tree, "rows"), 0), "values");
  assert_true(json_is_null(json_object_get(values, "priority")));
  assert_true(json_is_false(json_object_get(values, "is_enabled")));
  assert_string_equal(json_string_value(json_object_get(values, "group_tag")), "\"\\\n\001");
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(texts_are_json_with_values_as_stored_and_as_shown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
