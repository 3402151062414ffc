#include "batch/fields/field.h"

#include <errno.h>
#include <string.h>

enum { MAX_TAG_CHARACTERS = 32, MAX_NUMBER_CHARACTERS = 64, MAX_EXPONENT = 30 };

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

/* A decimal number as an integer of units of 10^-decimals. */
static BatchProblem
read_decimal(const char *text, int decimals, gint64 *ret_units)
{
  const char *p = text;
  gboolean is_negative = *p == '-';
  if (*p == '-' || *p == '+')
    p++;
  char digits[MAX_NUMBER_CHARACTERS];
  gsize n = 0;
  int point = -1;
  for (; g_ascii_isdigit(*p) || (*p == '.' && point < 0); p++) {
    if (*p == '.')
      point = (int)n;
    else if (n < sizeof digits)
      digits[n++] = *p;
    else
      return "out_of_range";
  }
  if (n == 0)
    return "not_a_number";
  if (point < 0)
    point = (int)n;
  if (*p == 'e' || *p == 'E') {
    char *end = NULL;
    gint64 exponent = g_ascii_strtoll(p + 1, &end, 10);
    if (end == p + 1)
      return "not_a_number";
    p = end;
    point += (int)CLAMP(exponent, -MAX_EXPONENT - MAX_NUMBER_CHARACTERS, MAX_EXPONENT + MAX_NUMBER_CHARACTERS);
  }
  if (*p != '\0')
    return "not_a_number";
  gint64 units = 0;
  for (int i = 0; i < MAX((int)n, point + decimals); i++) {
    int digit = i < (int)n ? digits[i] - '0' : 0;
    if (i >= point + decimals) {
      if (digit != 0)
        return "too_many_decimals";
    } else if (units > (G_MAXINT64 - digit) / 10) {
      return "out_of_range";
    } else {
      units = units * 10 + digit;
    }
  }
  *ret_units = is_negative ? -units : units;
  return NULL;
}

static BatchProblem
number_value(const BatchField *field, const char *text, char **ret_value)
{
  if (strlen(text) > MAX_NUMBER_CHARACTERS)
    return "out_of_range";
  gint64 units = 0, scale = 1;
  BatchProblem problem = read_decimal(text, field->decimals, &units);
  if (problem != NULL)
    return problem;
  for (int i = 0; i < field->decimals; i++)
    scale *= 10;
  if (units < field->lowest * scale || units > field->highest * scale)
    return "out_of_range";
  *ret_value = field->decimals == 0 ? g_strdup_printf("%" G_GINT64_FORMAT, units)
                                    : g_strdup_printf("%" G_GINT64_FORMAT ".%0*" G_GINT64_FORMAT, units / scale,
                                                      field->decimals, units % scale);
  return NULL;
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

/* The names of the lists, each once, in their order. */
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

/* No group is NULL, as the hub stores it. */
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

static BatchProblem
json_value(const BatchField *field, const json_t *json, char **ret_value)
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

/* The shortest decimal that reads back as the same double: what was written, if it had no more than 15 digits. */
static void
print_double(double number, char text[32])
{
  for (int digits = 15; digits <= 17; digits++) {
    char format[8];
    g_snprintf(format, sizeof format, "%%.%dg", digits);
    g_ascii_formatd(text, 32, format, number);
    if (g_ascii_strtod(text, NULL) == number)
      return;
  }
}

static BatchProblem
number_from_json(const BatchField *field, const json_t *json, char **ret_value)
{
  char text[32];
  if (json_is_integer(json))
    g_snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
  else if (json_is_real(json))
    print_double(json_real_value(json), text);
  else
    return "not_a_number";
  return number_value(field, text, ret_value);
}

BatchProblem
batch_value_from_json(const BatchField *field, const json_t *json, guint max_characters, char **ret_value)
{
  *ret_value = NULL;
  if (json_is_null(json) && field->type == BATCH_TYPE_GROUP)
    return group_value(field, "", max_characters, ret_value); /* without a group is in the default one */
  if (json_is_null(json))
    return field->is_nullable ? NULL : "not_nullable";
  switch (field->type) {
  case BATCH_TYPE_INTEGER:
  case BATCH_TYPE_DECIMAL:
    return number_from_json(field, json, ret_value);
  case BATCH_TYPE_BOOLEAN:
    if (!json_is_boolean(json))
      return "not_a_boolean";
    *ret_value = g_strdup(json_is_true(json) ? "true" : "false");
    return NULL;
  case BATCH_TYPE_TAGS: {
    BatchProblem problem = batch_tags_check(json);
    if (problem == NULL)
      *ret_value = batch_tags_value(json);
    return problem;
  }
  case BATCH_TYPE_LIST:
  case BATCH_TYPE_JSON:
    return json_value(field, json, ret_value);
  case BATCH_TYPE_TEXT:
  case BATCH_TYPE_GROUP:
  case BATCH_TYPE_GROUP_TAG:
  case BATCH_TYPE_MODE:
  case BATCH_TYPE_CLOCK:
    if (!json_is_string(json))
      return "not_a_string";
    return string_value(field, json_string_value(json), max_characters, ret_value);
  default:
    return "unknown_field";
  }
}

static BatchProblem
tags_from_text(const char *text, char **ret_value)
{
  g_auto(GStrv) parts = g_strsplit(text, ",", -1);
  g_autoptr(json_t) tags = *text == '[' ? json_loads(text, 0, NULL) : NULL;
  gboolean is_list = tags == NULL;
  if (is_list)
    tags = json_array();
  for (char **part = parts; is_list && *part != NULL; part++)
    if (*g_strstrip(*part) != '\0')
      json_array_append_new(tags, json_string(*part));
  BatchProblem problem = batch_tags_check(tags);
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

/* What a spreadsheet might take for a formula, with the wide forms that some read alike. */
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

/* "a,b" where that reads back as the same tags, else JSON. */
static char *
tags_to_text(const char *value)
{
  g_autoptr(json_t) tags = json_loads(value, 0, NULL);
  g_autoptr(GString) list = g_string_new(NULL);
  gsize i;
  const json_t *tag;
  json_array_foreach(tags, i, tag)
    if (json_is_string(tag))
      g_string_append_printf(list, "%s%s", i > 0 ? "," : "", json_string_value(tag));
  g_autofree char *again = NULL;
  gboolean reads_back = list->len > 0 && *list->str != '[' && g_ascii_strcasecmp(list->str, "null") != 0 &&
                        tags_from_text(list->str, &again) == NULL && strcmp(again, value) == 0;
  return reads_back ? batch_text_cell(list->str) : g_strdup(value);
}

char *
batch_value_to_text(const BatchField *field, const char *value)
{
  if (value == NULL)
    return g_strdup(field->is_nullable ? "null" : "");
  if (field->type == BATCH_TYPE_TAGS)
    return tags_to_text(value);
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
    return number_value(field, text, ret_value);
  case BATCH_TYPE_BOOLEAN:
    if (g_ascii_strcasecmp(text, "true") != 0 && g_ascii_strcasecmp(text, "false") != 0)
      return "not_a_boolean";
    *ret_value = g_strdup(g_ascii_tolower(*text) == 't' ? "true" : "false");
    return NULL;
  case BATCH_TYPE_TAGS:
    return tags_from_text(text, ret_value);
  case BATCH_TYPE_LIST:
  case BATCH_TYPE_JSON: {
    g_autoptr(json_t) json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    return json != NULL ? json_value(field, json, ret_value) : "not_json";
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
    json = json_loads(value, JSON_DECODE_ANY, NULL);
  return json != NULL ? json : json_string(value);
}

gboolean
batch_value_equal(const char *a, const char *b)
{
  return g_strcmp0(a, b) == 0;
}

static BatchProblem
check_tag(const json_t *tag)
{
  if (!json_is_string(tag))
    return "not_a_string";
  const char *text = json_string_value(tag);
  g_autofree char *trimmed = g_strstrip(g_strdup(text));
  if (*text == '\0' || strcmp(trimmed, text) != 0)
    return "not_trimmed";
  return g_utf8_strlen(text, -1) > MAX_TAG_CHARACTERS ? "too_long" : NULL;
}

static gboolean
has_tag(const json_t *tags, const json_t *wanted)
{
  gsize i;
  const json_t *tag;
  json_array_foreach((json_t *)tags, i, tag)
    if (json_equal(tag, wanted))
      return TRUE;
  return FALSE;
}

BatchProblem
batch_tags_check(const json_t *tags)
{
  const BatchField *field = batch_field_find(BATCH_USERS, "tags");
  if (!json_is_array(tags))
    return "not_an_array";
  if (json_array_size(tags) > (gsize)field->highest)
    return "too_many";
  for (gsize i = 0; i < json_array_size(tags); i++) {
    BatchProblem problem = check_tag(json_array_get(tags, i));
    if (problem != NULL)
      return problem;
    for (gsize k = 0; k < i; k++)
      if (json_equal(json_array_get(tags, i), json_array_get(tags, k)))
        return "duplicate";
  }
  return NULL;
}

char *
batch_tags_value(const json_t *tags)
{
  char *text = json_dumps(tags, 0); /* with ", " between, as PostgreSQL */
  char *value = g_strdup(text);
  free(text);
  return value;
}

BatchProblem
batch_tags_change(const char *before, const json_t *add, const json_t *remove, char **ret_value)
{
  g_autoptr(json_t) tags = before != NULL ? json_loads(before, 0, NULL) : NULL;
  g_autoptr(json_t) result = json_array();
  gsize i;
  json_t *tag;
  json_array_foreach(tags, i, tag)
    if (!has_tag(remove, tag))
      json_array_append(result, tag);
  json_array_foreach((json_t *)add, i, tag)
    if (!has_tag(result, tag))
      json_array_append(result, tag);
  if (json_array_size(result) > (gsize)batch_field_find(BATCH_USERS, "tags")->highest)
    return "too_many";
  *ret_value = batch_tags_value(result);
  return NULL;
}
