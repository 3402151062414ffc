#include "batch/fields/json_value.h"

#include "base/exact/decimal.h"

#include <string.h>

static BatchProblem
check_scalars(const JsonTree *json)
{
  if (json->type == JSON_TOKEN_NON_FINITE)
    return "not_json";
  if (json->type == JSON_TOKEN_NUMBER) {
    g_auto(Decimal) decimal = {0};
    return decimal_parse(json->text, &decimal) ? NULL : "number_too_long";
  }
  BatchProblem problem = NULL;
  for (guint i = 0; problem == NULL && i < json_tree_size(json); i++)
    problem = check_scalars(json_tree_child(json, i));
  return problem;
}

BatchProblem
batch_json_value(const BatchField *field, const JsonTree *json, char **ret_value)
{
  gboolean is_list = field->type == BATCH_TYPE_LIST;
  if (json->type != JSON_TOKEN_ARRAY && (is_list || json->type != JSON_TOKEN_OBJECT))
    return is_list ? "not_an_array" : "not_json";
  if (is_list && json_tree_size(json) > (guint)field->highest)
    return "too_many";
  for (guint i = 0; is_list && i < json_tree_size(json); i++)
    if (json_tree_child(json, i)->type != JSON_TOKEN_STRING)
      return "not_a_string";
  BatchProblem problem = check_scalars(json);
  if (problem != NULL)
    return problem;
  g_autoptr(GString) text = g_string_new(NULL);
  json_tree_write_jsonb(json, text);
  if (!is_list && text->len > (gsize)field->highest)
    return "too_long";
  *ret_value = g_strdup(text->str);
  return NULL;
}

static gboolean
is_exact_in_jansson(const JsonTree *json)
{
  gint64 number = 0;
  if (json->type == JSON_TOKEN_NUMBER)
    return g_ascii_string_to_signed(json->text, 10, G_MININT64, G_MAXINT64, &number, NULL);
  for (guint i = 0; i < json_tree_size(json); i++)
    if (!is_exact_in_jansson(json_tree_child(json, i)))
      return FALSE;
  return TRUE;
}

json_t *
batch_json_shown(const char *value)
{
  g_autoptr(JsonTree) tree = json_tree_parse(value, strlen(value), NULL);
  json_t *json = tree != NULL && is_exact_in_jansson(tree) ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
  return json != NULL ? json : json_string(value);
}
