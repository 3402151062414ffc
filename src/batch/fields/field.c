#include "batch/fields/field.h"

#include "batch/fields/json_value.h"
#include "batch/fields/number.h"
#include "batch/fields/tags.h"

#include <string.h>

const BatchField batch_fields[] = {
#define BATCH_FIELD(entity, name, column, type, lowest, highest, decimals, is_nullable, is_internal)                   \
  {BATCH_##entity, name, column, BATCH_TYPE_##type, lowest, highest, decimals, is_nullable, is_internal},
#include "batch/fields/fields.def"
#undef BATCH_FIELD
    {.name = NULL},
};

const char *
batch_entity_name(BatchEntity entity)
{
  static const char *const names[BATCH_N_ENTITIES] = {"users", "keys", "providers", "provider_endpoints"};
  return names[entity];
}

const BatchField *
batch_field_find(BatchEntity entity, const char *name)
{
  for (const BatchField *field = batch_fields; field->name != NULL; field++)
    if (field->entity == entity && !field->is_internal && strcmp(field->name, name) == 0)
      return field;
  return NULL;
}

const BatchField *
batch_field_by_column(BatchEntity entity, const char *column)
{
  for (const BatchField *field = batch_fields; field->name != NULL; field++)
    if (field->entity == entity && strcmp(field->column, column) == 0)
      return field;
  return NULL;
}

gboolean
batch_field_is_absent(const BatchField *field, GHashTable *widths)
{
  return g_hash_table_size(widths) > 0 && !g_hash_table_contains(widths, field->column);
}

const char *
batch_field_sql_type(const BatchField *field)
{
  static const char *const types[] = {"text",    "text", "jsonb",       "int4",
                                      "numeric", "bool", "timestamptz", "public.daily_reset_mode",
                                      "text",    "text", "jsonb",       "jsonb"};
  return types[field->type];
}

static BatchProblem
text_value(const BatchField *field, const char *text, guint max_characters, char **ret_value)
{
  if (!g_utf8_validate(text, -1, NULL))
    return "not_utf8";
  glong limit = max_characters > 0 ? MIN((glong)max_characters, (glong)field->highest) : (glong)field->highest;
  if (g_utf8_strlen(text, -1) > limit)
    return "too_long";
  *ret_value = g_strdup(text);
  return NULL;
}

static int
compare_strings(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in all lists, each once, in their order. */
static GPtrArray *
split_groups(const char *const *lists)
{
  GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
  for (; *lists != NULL; lists++) {
    g_auto(GStrv) parts = g_regex_split_simple("[,\\n，]", *lists, G_REGEX_OPTIMIZE, 0);
    for (char **part = parts; part != NULL && *part != NULL; part++) {
      char *name = g_strstrip(*part);
      if (*name != '\0' && !g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
        g_ptr_array_add(names, g_strdup(name));
    }
  }
  return names;
}

char *
batch_group_join(const char *const *lists)
{
  g_autoptr(GPtrArray) names = split_groups(lists);
  if (names->len == 0)
    g_ptr_array_add(names, g_strdup("default"));
  g_ptr_array_sort(names, compare_strings);
  g_ptr_array_add(names, NULL);
  return g_strjoinv(",", (char **)names->pdata);
}

static BatchProblem
group_value(const BatchField *field, const char *text, guint max_characters, char **ret_value)
{
  if (!g_utf8_validate(text, -1, NULL))
    return "not_utf8";
  const char *const lists[] = {text, NULL};
  g_autofree char *joined = batch_group_join(lists);
  return text_value(field, joined, max_characters, ret_value);
}

/* No group is stored as NULL, as the hub does. */
static BatchProblem
group_tag_value(const BatchField *field, const char *text, guint max_characters, char **ret_value)
{
  if (!g_utf8_validate(text, -1, NULL))
    return "not_utf8";
  const char *const lists[] = {text, NULL};
  g_autoptr(GPtrArray) names = split_groups(lists);
  if (names->len == 0)
    return NULL;
  g_ptr_array_add(names, NULL);
  g_autofree char *joined = g_strjoinv(",", (char **)names->pdata);
  return text_value(field, joined, max_characters, ret_value);
}

static BatchProblem
mode_value(const char *text, char **ret_value)
{
  if (strcmp(text, "fixed") != 0 && strcmp(text, "rolling") != 0)
    return "not_a_mode";
  *ret_value = g_strdup(text);
  return NULL;
}

static BatchProblem
clock_value(const char *text, char **ret_value)
{
  if (!g_regex_match_simple("^([01][0-9]|2[0-3]):[0-5][0-9]$", text, G_REGEX_DOLLAR_ENDONLY, 0))
    return "not_a_clock";
  *ret_value = g_strdup(text);
  return NULL;
}

static BatchProblem
string_value(const BatchField *field, const char *text, guint max_characters, char **ret_value)
{
  switch (field->type) {
  case BATCH_TYPE_GROUP:
    return group_value(field, text, max_characters, ret_value);
  case BATCH_TYPE_GROUP_TAG:
    return group_tag_value(field, text, max_characters, ret_value);
  case BATCH_TYPE_MODE:
    return mode_value(text, ret_value);
  case BATCH_TYPE_CLOCK:
    return clock_value(text, ret_value);
  default:
    return text_value(field, text, max_characters, ret_value);
  }
}

BatchProblem
batch_value_from_json(const BatchField *field, const JsonTree *json, guint max_characters, char **ret_value)
{
  *ret_value = NULL;
  if (json->type == JSON_TOKEN_NULL && field->type == BATCH_TYPE_GROUP)
    return group_value(field, "", max_characters, ret_value); /* a key without a group is in the default one */
  if (json->type == JSON_TOKEN_NULL)
    return field->is_nullable ? NULL : "not_nullable";
  switch (field->type) {
  case BATCH_TYPE_INTEGER:
  case BATCH_TYPE_DECIMAL:
    return json->type == JSON_TOKEN_NUMBER ? batch_number_value(field, json->text, ret_value) : "not_a_number";
  case BATCH_TYPE_BOOLEAN:
    if (!json_tree_is_boolean(json))
      return "not_a_boolean";
    *ret_value = g_strdup(json->text);
    return NULL;
  case BATCH_TYPE_TAGS: {
    BatchProblem problem = batch_tags_check(field, json);
    if (problem == NULL)
      *ret_value = batch_tags_value(json);
    return problem;
  }
  case BATCH_TYPE_LIST:
  case BATCH_TYPE_JSON:
    return batch_json_value(field, json, ret_value);
  case BATCH_TYPE_TEXT:
  case BATCH_TYPE_GROUP:
  case BATCH_TYPE_GROUP_TAG:
  case BATCH_TYPE_MODE:
  case BATCH_TYPE_CLOCK:
    if (json->type != JSON_TOKEN_STRING)
      return "not_a_string";
    return string_value(field, json->text, max_characters, ret_value);
  default:
    return "unknown_field";
  }
}

static JsonTree *
tags_from_list(const char *text)
{
  g_auto(GStrv) parts = g_strsplit(text, ",", -1);
  g_autoptr(GString) json = g_string_new("[");
  for (char **part = parts; *part != NULL; part++) {
    if (*g_strstrip(*part) == '\0')
      continue;
    g_string_append(json, json->len > 1 ? "," : "");
    json_quote(json, *part);
  }
  g_string_append_c(json, ']');
  return json_tree_parse(json->str, json->len, NULL);
}

static BatchProblem
tags_from_text(const BatchField *field, const char *text, char **ret_value)
{
  g_autoptr(JsonTree) tags = *text == '[' ? json_tree_parse(text, strlen(text), NULL) : NULL;
  if (tags == NULL)
    tags = tags_from_list(text);
  BatchProblem problem = batch_tags_check(field, tags);
  if (problem == NULL)
    *ret_value = batch_tags_value(tags);
  return problem;
}

static gboolean
is_text(const BatchField *field)
{
  return field->type == BATCH_TYPE_TEXT || field->type == BATCH_TYPE_GROUP || field->type == BATCH_TYPE_GROUP_TAG ||
         field->type == BATCH_TYPE_TAGS;
}

/* Text that a spreadsheet might take for a formula, including the wide forms that some treat alike. */
static gboolean
starts_formula(const char *text)
{
  static const char *const starts[] = {"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"};
  for (gsize i = 0; i < G_N_ELEMENTS(starts); i++)
    if (g_str_has_prefix(text, starts[i]))
      return TRUE;
  return FALSE;
}

char *
batch_text_cell(const char *text)
{
  if (text == NULL)
    return g_strdup("");
  return starts_formula(text) || *text == '\'' ? g_strconcat("'", text, NULL) : g_strdup(text);
}

/* "a,b" if that is parsed as the same tags, otherwise JSON. */
static char *
tags_to_text(const BatchField *field, const char *value)
{
  g_autoptr(JsonTree) tags = json_tree_parse(value, strlen(value), NULL);
  g_autoptr(GString) list = g_string_new(NULL);
  for (guint i = 0; i < json_tree_size(tags); i++)
    if (json_tree_child(tags, i)->type == JSON_TOKEN_STRING)
      g_string_append_printf(list, "%s%s", i > 0 ? "," : "", json_tree_child(tags, i)->text);
  g_autofree char *again = NULL;
  gboolean reads_back = list->len > 0 && *list->str != '[' && g_ascii_strcasecmp(list->str, "null") != 0 &&
                        tags_from_text(field, list->str, &again) == NULL && strcmp(again, value) == 0;
  return reads_back ? batch_text_cell(list->str) : g_strdup(value);
}

char *
batch_value_to_text(const BatchField *field, const char *value)
{
  if (value == NULL)
    return g_strdup(field->is_nullable ? "null" : "");
  if (field->type == BATCH_TYPE_TAGS)
    return tags_to_text(field, value);
  if (is_text(field) && (*value == '\0' || g_ascii_strcasecmp(value, "null") == 0))
    return g_strconcat("'", value, NULL);
  return is_text(field) ? batch_text_cell(value) : g_strdup(value);
}

BatchProblem
batch_value_from_text(const BatchField *field, const char *text, guint max_characters, char **ret_value)
{
  *ret_value = NULL;
  if (!g_utf8_validate(text, -1, NULL))
    return "not_utf8";
  gboolean is_marked = *text == '\'' && is_text(field);
  if (!is_marked && g_ascii_strcasecmp(text, "null") == 0)
    return field->is_nullable ? NULL : "not_nullable";
  text += is_marked ? 1 : 0;
  switch (field->type) {
  case BATCH_TYPE_INTEGER:
  case BATCH_TYPE_DECIMAL:
    return batch_number_value(field, text, ret_value);
  case BATCH_TYPE_BOOLEAN:
    if (g_ascii_strcasecmp(text, "true") != 0 && g_ascii_strcasecmp(text, "false") != 0)
      return "not_a_boolean";
    *ret_value = g_strdup(g_ascii_tolower(*text) == 't' ? "true" : "false");
    return NULL;
  case BATCH_TYPE_TAGS:
    return tags_from_text(field, text, ret_value);
  case BATCH_TYPE_LIST:
  case BATCH_TYPE_JSON: {
    g_autoptr(JsonTree) json = json_tree_parse(text, strlen(text), NULL);
    return json != NULL ? batch_json_value(field, json, ret_value) : "not_json";
  }
  case BATCH_TYPE_TEXT:
  case BATCH_TYPE_GROUP:
  case BATCH_TYPE_GROUP_TAG:
  case BATCH_TYPE_MODE:
  case BATCH_TYPE_CLOCK:
    return string_value(field, text, max_characters, ret_value);
  default:
    return "unknown_field";
  }
}

json_t *
batch_value_to_json(const BatchField *field, const char *value)
{
  if (value == NULL)
    return json_null();
  json_t *json = NULL;
  if (field->type == BATCH_TYPE_BOOLEAN)
    json = json_boolean(*value == 't');
  else if (field->type == BATCH_TYPE_INTEGER)
    json = json_integer(g_ascii_strtoll(value, NULL, 10));
  else if (field->type == BATCH_TYPE_TAGS || field->type == BATCH_TYPE_LIST || field->type == BATCH_TYPE_JSON)
    json = batch_json_shown(value);
  return json != NULL ? json : json_string(value);
}
