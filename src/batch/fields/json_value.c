#include "batch/fields/json_value.h"

#include <string.h>

static int
compare_keys(gconstpointer a, gconstpointer b)
{
  const char *x = *(const char *const *)a, *y = *(const char *const *)b;
  gsize length_x = strlen(x), length_y = strlen(y);
  return length_x != length_y ? (length_x < length_y ? -1 : 1) : strcmp(x, y);
}

/* As PostgreSQL prints jsonb: keys by length, then by their bytes. */
static void
print_jsonb(const json_t *json, GString *text)
{
  if (json_is_array(json)) {
    gsize i;
    const json_t *item;
    g_string_append_c(text, '[');
    json_array_foreach((json_t *)json, i, item) {
      g_string_append(text, i > 0 ? ", " : "");
      print_jsonb(item, text);
    }
    g_string_append_c(text, ']');
  } else if (json_is_object(json)) {
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)json, key, value)
      g_ptr_array_add(keys, (gpointer)key);
    g_ptr_array_sort(keys, compare_keys);
    g_string_append_c(text, '{');
    for (guint i = 0; i < keys->len; i++) {
      g_autoptr(json_t) name = json_string(keys->pdata[i]);
      g_string_append(text, i > 0 ? ", " : "");
      print_jsonb(name, text);
      g_string_append(text, ": ");
      print_jsonb(json_object_get(json, keys->pdata[i]), text);
    }
    g_string_append_c(text, '}');
  } else {
    char *scalar = json_dumps(json, JSON_ENCODE_ANY);
    g_string_append(text, scalar);
    free(scalar);
  }
}

BatchProblem
batch_json_value(const BatchField *field, const json_t *json, char **ret_value)
{
  gboolean is_list = field->type == BATCH_TYPE_LIST;
  if (is_list ? !json_is_array(json) : !json_is_array(json) && !json_is_object(json))
    return is_list ? "not_an_array" : "not_json";
  if (is_list && json_array_size(json) > (gsize)field->highest)
    return "too_many";
  for (gsize i = 0; is_list && i < json_array_size(json); i++)
    if (!json_is_string(json_array_get(json, i)))
      return "not_a_string";
  g_autoptr(GString) text = g_string_new(NULL);
  print_jsonb(json, text);
  if (!is_list && text->len > (gsize)field->highest)
    return "too_long";
  *ret_value = g_strdup(text->str);
  return NULL;
}
