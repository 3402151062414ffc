#include "prices/format/model.h"

#include "base/error.h"
#include "base/exact/json_tree.h"

#include <stdlib.h>
#include <string.h>

enum {
  NUMBER_MAX_BYTES = 512,
  NUMBER_MAX_EXPONENT = 400, /* beyond any double; PostgreSQL's numbers still stay short when written out */
  SHOWN_MAX_BYTES = 40
};

/* The most expensive tokens of 2026 cost 0.0006 dollars; the cheapest million costs at least this much. */
#define PER_MILLION_THRESHOLD 0.005

typedef struct {
  const char *text;
  gsize size;
  char *unescaped; /* NULL: `text` has no escapes */
} Key;

typedef struct {
  Key key;          /* the current member; key.text is NULL in an array */
  guint index;      /* index of the array's element */
  gboolean is_cost; /* everything in here is a cost */
  guint first_key;  /* of this object in `keys` */
} Level;

typedef struct {
  JsonScan scan;
  const char *name;
  GArray *failed, *warnings;
  GArray *keys; /* Key: the keys of all open objects */
  Level levels[JSON_MAX_DEPTH + 1];
  gboolean has_mode;
  gboolean allows_null, has_null;
} Check;

static gboolean
has_word(const char *name, gsize size, const char *const *words, gboolean only_last)
{
  const char *end = name + size;
  for (const char *word = name; word < end;) {
    const char *next = memchr(word, '_', (gsize)(end - word));
    gsize length = (gsize)((next != NULL ? next : end) - word);
    for (gsize i = 0; words[i] != NULL && (next == NULL || !only_last); i++)
      if (strlen(words[i]) == length && g_ascii_strncasecmp(words[i], word, length) == 0)
        return TRUE;
    word = next != NULL ? next + 1 : end;
  }
  return FALSE;
}

gboolean
price_is_cost(gboolean is_inside_cost, const char *name, gsize size)
{
  static const char *const money[] = {"cost", "costs", "price", "prices", NULL};
  static const char *const about[] = {"currency", "unit", "units", "source", "url", "note", "notes", "provider", NULL};
  if (name == NULL)
    return is_inside_cost;
  return (is_inside_cost || has_word(name, size, money, FALSE)) && !has_word(name, size, about, TRUE);
}

static gboolean
is_per_token(const Key *key)
{
  static const char *const token[] = {"token", NULL};
  static const char *const others[] = {"image", "audio", "second", "character", "pixel", "query", "request", NULL};
  return key->text != NULL && has_word(key->text, key->size, token, FALSE) &&
         !has_word(key->text, key->size, others, FALSE);
}

/* "tiered_pricing[1].input_cost_per_token", down to this depth; NULL for the model itself. */
static char *
path_to(const Check *check, guint last)
{
  g_autoptr(GString) path = g_string_new(NULL);
  for (guint depth = 1; depth <= last; depth++) {
    const Level *level = &check->levels[depth];
    if (check->scan.is_array[depth - 1])
      g_string_append_printf(path, "[%u]", level->index);
    else if (level->key.text != NULL)
      g_string_append_printf(path, "%s%.*s", path->len > 0 ? "." : "", (int)MIN(level->key.size, 256), level->key.text);
  }
  g_autofree char *valid = g_utf8_make_valid(path->str, (gssize)path->len);
  return path->len > 0 ? g_steal_pointer(&valid) : NULL;
}

static gboolean
add_issue(Check *check, GArray *issues, PriceIssueCode code)
{
  g_autofree char *field = path_to(check, check->scan.depth);
  g_autofree char *cut = g_strndup(check->scan.token, MIN(check->scan.token_size, SHOWN_MAX_BYTES));
  g_autofree char *value = g_utf8_make_valid(cut, -1);
  price_issues_add(issues, code, check->name, field, value, NULL);
  return FALSE;
}

static gboolean
refuse_value(Check *check, PriceIssueCode code)
{
  return add_issue(check, check->failed, code);
}

static int
compare_keys(gconstpointer a, gconstpointer b)
{
  const Key *left = a, *right = b;
  int order = memcmp(left->text, right->text, MIN(left->size, right->size));
  return order != 0 ? order : (left->size > right->size) - (left->size < right->size);
}

static void
clear_key(gpointer data)
{
  g_free(((Key *)data)->unescaped);
}

/* At the end of an object. */
static gboolean
check_keys_differ(Check *check, guint first)
{
  guint n = check->keys->len - first;
  if (n == 0)
    return TRUE;
  Key *keys = &g_array_index(check->keys, Key, first);
  qsort(keys, n, sizeof *keys, compare_keys);
  for (guint i = 1; i < n; i++) {
    if (compare_keys(&keys[i - 1], &keys[i]) != 0)
      continue;
    g_autofree char *name = g_strndup(keys[i].text, keys[i].size);
    price_issues_add(check->failed, PRICE_FIELD_TWICE, check->name, name, NULL, NULL);
    return FALSE;
  }
  g_array_set_size(check->keys, first);
  return TRUE;
}

static gboolean
enter_key(Check *check)
{
  Key key = {check->scan.token, check->scan.token_size, NULL};
  if (check->scan.has_escapes) {
    key.unescaped = json_unescape(key.text, key.size);
    if (key.unescaped == NULL)
      return refuse_value(check, PRICE_TEXT_UNUSABLE);
    key.text = key.unescaped;
    key.size = strlen(key.unescaped);
  }
  g_array_append_val(check->keys, key);
  Level *level = &check->levels[check->scan.depth];
  level->key = key;
  return TRUE;
}

/* Whether the value that begins now is a cost. */
static gboolean
is_cost_here(const Check *check, guint depth)
{
  const Level *level = &check->levels[depth];
  return price_is_cost(level->is_cost, level->key.text, level->key.size);
}

/* Costs may lie in tables, such as search_context_cost_per_query, but a cost per token is a number. */
static gboolean
enter_container(Check *check, gboolean is_object)
{
  guint depth = check->scan.depth;
  gboolean is_cost = depth > 1 && is_cost_here(check, depth - 1);
  check->levels[depth] = (Level){.is_cost = is_cost, .first_key = check->keys->len};
  if (!is_cost || !is_per_token(&check->levels[depth - 1].key))
    return TRUE;
  g_autofree char *field = path_to(check, depth - 1);
  price_issues_add(check->failed, PRICE_COST_NOT_A_NUMBER, check->name, field, is_object ? "{…}" : "[…]", NULL);
  return FALSE;
}

/* The decimal exponent of the first significant digit; 0 for zero. */
static gboolean
is_in_range(const char *number, gsize size, gboolean *ret_is_zero)
{
  if (size > NUMBER_MAX_BYTES)
    return FALSE;
  g_autofree char *text = g_strndup(number, size);
  char *mantissa = text + (*text == '-');
  char *exponent = strpbrk(mantissa, "eE");
  if (exponent != NULL)
    *exponent++ = '\0';
  *ret_is_zero = strpbrk(mantissa, "123456789") == NULL;
  if (exponent == NULL)
    return TRUE;
  gsize digits = strlen(exponent + strspn(exponent, "+-0"));
  return digits <= 3 && ABS(atoi(exponent)) <= NUMBER_MAX_EXPONENT;
}

static gboolean
check_number(Check *check, gboolean is_cost)
{
  gboolean is_zero = FALSE;
  if (!is_in_range(check->scan.token, check->scan.token_size, &is_zero))
    return refuse_value(check, PRICE_NUMBER_OUT_OF_RANGE);
  if (!is_cost)
    return TRUE;
  if (*check->scan.token == '-' && !is_zero)
    return refuse_value(check, PRICE_COST_NEGATIVE);
  g_autofree char *text = g_strndup(check->scan.token, check->scan.token_size);
  if (is_per_token(&check->levels[check->scan.depth].key) && g_ascii_strtod(text, NULL) >= PER_MILLION_THRESHOLD)
    add_issue(check, check->warnings, PRICE_LOOKS_PER_MILLION);
  return TRUE;
}

static gboolean
is_key(const Key *key, const char *name)
{
  return key->text != NULL && key->size == strlen(name) && memcmp(key->text, name, key->size) == 0;
}

static gboolean
check_string(Check *check)
{
  if (check->scan.has_escapes) {
    g_autofree char *text = json_unescape(check->scan.token, check->scan.token_size);
    if (text == NULL)
      return refuse_value(check, PRICE_TEXT_UNUSABLE);
  }
  if (check->scan.depth != 1)
    return TRUE;
  const Key *key = &check->levels[1].key;
  if (is_key(key, "vendor") && check->scan.token_size > PRICE_VENDOR_MAX_BYTES)
    return refuse_value(check, PRICE_VENDOR_TOO_LONG);
  if (is_key(key, "mode"))
    check->has_mode = check->scan.token_size > 0;
  return TRUE;
}

static gboolean
check_scalar(Check *check, JsonToken token)
{
  gboolean is_cost = is_cost_here(check, check->scan.depth);
  switch (token) {
  case JSON_TOKEN_NUMBER:
    return check_number(check, is_cost);
  case JSON_TOKEN_NON_FINITE:
    return refuse_value(check, PRICE_NOT_FINITE);
  case JSON_TOKEN_NULL:
    if (is_cost && check->allows_null && !check->scan.is_array[check->scan.depth - 1]) {
      check->has_null = TRUE;
      add_issue(check, check->warnings, PRICE_COST_IS_NULL);
      return TRUE;
    }
    return !is_cost || refuse_value(check, PRICE_COST_NOT_A_NUMBER);
  default:
    if (is_cost)
      return refuse_value(check, PRICE_COST_NOT_A_NUMBER);
    return token != JSON_TOKEN_STRING || check_string(check);
  }
}

/* After a value in an array: counts its elements. */
static void
leave_value(Check *check)
{
  if (check->scan.depth > 0)
    check->levels[check->scan.depth].index++;
}

static gboolean
check_token(Check *check, JsonToken token)
{
  switch (token) {
  case JSON_TOKEN_OBJECT:
  case JSON_TOKEN_ARRAY:
    return enter_container(check, token == JSON_TOKEN_OBJECT);
  case JSON_TOKEN_KEY:
    return enter_key(check);
  case JSON_TOKEN_OBJECT_END:
    if (!check_keys_differ(check, check->levels[check->scan.depth + 1].first_key))
      return FALSE;
    break;
  case JSON_TOKEN_ARRAY_END:
    break;
  default:
    if (!check_scalar(check, token))
      return FALSE;
  }
  leave_value(check);
  return TRUE;
}

static void write_without_null_costs(const JsonTree *tree, gboolean is_cost, GString *out);

static void
write_members(const JsonTree *tree, gboolean is_cost, GString *out)
{
  gboolean is_object = tree->type == JSON_TOKEN_OBJECT, is_first = TRUE;
  for (guint i = 0; i < json_tree_size(tree); i++) {
    const JsonTree *child = json_tree_child(tree, i);
    gboolean is_cost_here = price_is_cost(is_cost, child->key, child->key != NULL ? strlen(child->key) : 0);
    if (is_object && is_cost_here && child->type == JSON_TOKEN_NULL)
      continue;
    if (!is_first)
      g_string_append_c(out, ',');
    is_first = FALSE;
    if (is_object) {
      json_quote(out, child->key);
      g_string_append_c(out, ':');
    }
    write_without_null_costs(child, is_cost_here, out);
  }
}

static void
write_without_null_costs(const JsonTree *tree, gboolean is_cost, GString *out)
{
  if (tree->children == NULL) {
    json_tree_write(tree, out);
    return;
  }
  g_string_append_c(out, tree->type == JSON_TOKEN_OBJECT ? '{' : '[');
  write_members(tree, is_cost, out);
  g_string_append_c(out, tree->type == JSON_TOKEN_OBJECT ? '}' : ']');
}

static char *
mend_model(const char *json, gsize size)
{
  g_autoptr(JsonTree) tree = json_tree_parse(json, size, NULL);
  g_return_val_if_fail(tree != NULL, NULL);
  g_autoptr(GString) out = g_string_new(NULL);
  write_without_null_costs(tree, FALSE, out);
  return g_string_free(g_steal_pointer(&out), FALSE);
}

gboolean
price_model_check(const char *name, const char *json, gsize size, GArray *failed, GArray *warnings, char **ret_mended)
{
  if (*json != '{') {
    price_issues_add(failed, PRICE_NOT_A_TABLE, name, NULL, NULL, NULL);
    return FALSE;
  }
  g_autoptr(GArray) keys = g_array_new(FALSE, FALSE, sizeof(Key));
  g_array_set_clear_func(keys, clear_key);
  g_autofree Check *check = g_new0(Check, 1);
  *check =
      (Check){.name = name, .failed = failed, .warnings = warnings, .keys = keys, .allows_null = ret_mended != NULL};
  guint n_warnings = warnings->len;
  json_scan_init(&check->scan, json, size);
  for (JsonToken token; (token = json_scan_next(&check->scan, NULL)) != JSON_TOKEN_END;) {
    g_return_val_if_fail(token != JSON_TOKEN_ERROR, FALSE);
    if (!check_token(check, token)) {
      g_array_set_size(warnings, n_warnings);
      return FALSE;
    }
  }
  if (!check->has_mode)
    price_issues_add(failed, PRICE_NO_MODE, name, "mode", NULL, NULL);
  if (check->has_mode && ret_mended != NULL)
    *ret_mended = check->has_null ? mend_model(json, size) : NULL;
  return check->has_mode;
}

static gboolean
is_space(gunichar character)
{
  return g_unichar_isspace(character) || character == 0xfeff;
}

char *
price_name_trim(const char *name)
{
  const char *start = name, *end = name + strlen(name);
  while (start < end && is_space(g_utf8_get_char(start)))
    start = g_utf8_next_char(start);
  while (end > start && is_space(g_utf8_get_char(g_utf8_prev_char(end))))
    end = g_utf8_prev_char(end);
  return g_strndup(start, (gsize)(end - start));
}
