#include "prices/format/table_asserts.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

PriceTable *
parse_table(const char *text)
{
  g_autoptr(GError) error = NULL;
  PriceTable *table = price_table_parse(text, strlen(text), PRICE_ORIGIN_FILE, &error);
  if (table == NULL)
    fail_msg("%s", error->message);
  return table;
}

const PriceModel *
find_model(const PriceTable *table, const char *name)
{
  for (guint i = 0; i < table->models->len; i++) {
    const PriceModel *model = &g_array_index(table->models, PriceModel, i);
    if (strcmp(model->name, name) == 0)
      return model;
  }
  return NULL;
}

void
assert_model(const PriceTable *table, const char *name, const char *json)
{
  const PriceModel *model = find_model(table, name);
  assert_non_null(model);
  g_autofree char *text = g_strndup(model->json, model->size);
  assert_string_equal(text, json);
}

void
assert_failed(const PriceTable *table, const char *name, const char *code, const char *field)
{
  assert_int_equal(table->failed->len, 1);
  const PriceIssue *issue = &g_array_index(table->failed, PriceIssue, 0);
  assert_string_equal(issue->model, name);
  assert_string_equal(price_issue_code_name(issue->code), code);
  if (g_strcmp0(issue->field, field) != 0)
    fail_msg("field %s", issue->field);
  assert_null(find_model(table, name));
}
