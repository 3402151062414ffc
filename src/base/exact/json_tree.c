#include "base/exact/json_tree.h"

#include "base/exact/decimal.h"

#include <string.h>

void
json_tree_free(JsonTree *tree)
{
  if (tree == NULL)
    return;
  g_free(tree->key);
  g_free(tree->text);
  g_clear_pointer(&tree->children, g_ptr_array_unref);
  g_free(tree);
}

static void
free_child(gpointer tree)
{
  json_tree_free(tree);
}

const JsonTree *
json_tree_get(const JsonTree *tree, const char *key)
{
  for (guint i = 0; tree != NULL && tree->type == JSON_TOKEN_OBJECT && i < tree->children->len; i++) {
    const JsonTree *child = g_ptr_array_index(tree->children, i);
    if (strcmp(child->key, key) == 0)
      return child;
  }
  return NULL;
}

const char *
json_tree_string(const JsonTree *tree)
{
  return tree != NULL && tree->type == JSON_TOKEN_STRING && *tree->text != '\0' ? tree->text : NULL;
}

guint
json_tree_size(const JsonTree *tree)
{
  return tree != NULL && tree->children != NULL ? tree->children->len : 0;
}

const JsonTree *
json_tree_child(const JsonTree *tree, guint index)
{
  return g_ptr_array_index(tree->children, index);
}

static char *
unescape(const JsonScan *scan, GError **error)
{
  char *text = json_unescape(scan->token, scan->token_size);
  if (text == NULL)
    g_set_error(error, JSON_ERROR, JSON_ERROR_FORMAT,
                "text with an escape that stands for no character that can be stored");
  return text;
}

static JsonTree *read_value(JsonScan *scan, JsonToken token, GError **error);

static gboolean
read_children(JsonScan *scan, JsonTree *tree, GError **error)
{
  g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
  for (;;) {
    JsonToken token = json_scan_next(scan, error);
    if (token == JSON_TOKEN_ERROR)
      return FALSE;
    if (token == JSON_TOKEN_OBJECT_END || token == JSON_TOKEN_ARRAY_END)
      return TRUE;
    g_autofree char *key = token == JSON_TOKEN_KEY ? unescape(scan, error) : NULL;
    if (token == JSON_TOKEN_KEY && (key == NULL || (token = json_scan_next(scan, error)) == JSON_TOKEN_ERROR))
      return FALSE;
    JsonTree *child = read_value(scan, token, error);
    if (child == NULL)
      return FALSE;
    child->key = g_steal_pointer(&key);
    g_ptr_array_add(tree->children, child);
    if (child->key != NULL && !g_hash_table_add(names, child->key)) {
      g_set_error(error, JSON_ERROR, JSON_ERROR_FORMAT, "the field \"%.100s\" comes twice", child->key);
      return FALSE;
    }
  }
}

static JsonTree *
read_value(JsonScan *scan, JsonToken token, GError **error)
{
  g_autoptr(JsonTree) tree = g_new0(JsonTree, 1);
  tree->type = token;
  if (token == JSON_TOKEN_OBJECT || token == JSON_TOKEN_ARRAY) {
    tree->children = g_ptr_array_new_with_free_func(free_child);
    return read_children(scan, tree, error) ? g_steal_pointer(&tree) : NULL;
  }
  tree->text = token == JSON_TOKEN_STRING ? unescape(scan, error) : g_strndup(scan->token, scan->token_size);
  return tree->text != NULL ? g_steal_pointer(&tree) : NULL;
}

JsonTree *
json_tree_parse(const char *text, gsize size, GError **error)
{
  JsonScan scan;
  json_scan_init(&scan, text, size);
  JsonToken token = json_scan_next(&scan, error);
  if (token == JSON_TOKEN_ERROR)
    return NULL;
  g_autoptr(JsonTree) tree = read_value(&scan, token, error);
  if (tree == NULL || json_scan_next(&scan, error) != JSON_TOKEN_END)
    return NULL;
  return g_steal_pointer(&tree);
}

static void
write_children(const JsonTree *tree, GString *out)
{
  g_string_append_c(out, tree->type == JSON_TOKEN_ARRAY ? '[' : '{');
  for (guint i = 0; i < tree->children->len; i++) {
    const JsonTree *child = g_ptr_array_index(tree->children, i);
    if (i > 0)
      g_string_append_c(out, ',');
    if (tree->type == JSON_TOKEN_OBJECT) {
      json_quote(out, child->key);
      g_string_append_c(out, ':');
    }
    json_tree_write(child, out);
  }
  g_string_append_c(out, tree->type == JSON_TOKEN_ARRAY ? ']' : '}');
}

void
json_tree_write(const JsonTree *tree, GString *out)
{
  if (tree->children != NULL)
    write_children(tree, out);
  else if (tree->type == JSON_TOKEN_STRING)
    json_quote(out, tree->text);
  else
    g_string_append(out, tree->text);
}

gboolean
json_tree_is_boolean(const JsonTree *tree)
{
  return tree != NULL && (tree->type == JSON_TOKEN_TRUE || tree->type == JSON_TOKEN_FALSE);
}

gboolean
json_tree_is_true(const JsonTree *tree)
{
  return tree != NULL && tree->type == JSON_TOKEN_TRUE;
}

gboolean
json_tree_integer(const JsonTree *tree, gint64 lowest, gint64 highest, gint64 *ret_number)
{
  return tree != NULL && tree->type == JSON_TOKEN_NUMBER &&
         g_ascii_string_to_signed(tree->text, 10, lowest, highest, ret_number, NULL);
}

/* As numeric_out() prints it. */
static void
write_numeric(const char *text, GString *out)
{
  g_auto(Decimal) decimal = {0};
  if (!decimal_parse(text, &decimal)) {
    g_string_append(out, text);
    return;
  }
  const char *digits = text + (*text == '-');
  gsize n_whole = strspn(digits, "0123456789");
  const char *fraction = digits + n_whole + (digits[n_whole] == '.');
  gsize n_fraction = digits[n_whole] == '.' ? strspn(fraction, "0123456789") : 0;
  const char *mark = strpbrk(text, "eE");
  int exponent = mark != NULL ? (int)g_ascii_strtoll(mark + 1, NULL, 10) : 0;
  int point = (int)n_whole + exponent;
  int n_decimals = MAX(0, (int)n_fraction - exponent);
  g_autoptr(GString) all = g_string_new_len(digits, (gssize)n_whole);
  g_string_append_len(all, fraction, (gssize)n_fraction);
  for (; point < 1; point++)
    g_string_prepend_c(all, '0');
  while ((int)all->len < point + n_decimals)
    g_string_append_c(all, '0');
  int leading = (int)strspn(all->str, "0");
  leading = MIN(leading, point - 1);
  g_string_append_printf(out, "%s%.*s", decimal.is_negative ? "-" : "", point - leading, all->str + leading);
  if (n_decimals > 0)
    g_string_append_printf(out, ".%.*s", n_decimals, all->str + point);
}

static int
compare_members(gconstpointer a, gconstpointer b)
{
  const char *x = (*(const JsonTree *const *)a)->key, *y = (*(const JsonTree *const *)b)->key;
  gsize length_x = strlen(x), length_y = strlen(y);
  return length_x != length_y ? (length_x < length_y ? -1 : 1) : strcmp(x, y);
}

static void
write_jsonb_children(const JsonTree *tree, GString *out)
{
  gboolean is_object = tree->type == JSON_TOKEN_OBJECT;
  g_autoptr(GPtrArray) children = g_ptr_array_copy(tree->children, NULL, NULL);
  g_ptr_array_set_free_func(children, NULL);
  if (is_object)
    g_ptr_array_sort(children, compare_members);
  g_string_append_c(out, is_object ? '{' : '[');
  for (guint i = 0; i < children->len; i++) {
    const JsonTree *child = g_ptr_array_index(children, i);
    g_string_append(out, i > 0 ? ", " : "");
    if (is_object) {
      json_quote(out, child->key);
      g_string_append(out, ": ");
    }
    json_tree_write_jsonb(child, out);
  }
  g_string_append_c(out, is_object ? '}' : ']');
}

void
json_tree_write_jsonb(const JsonTree *tree, GString *out)
{
  if (tree->children != NULL)
    write_jsonb_children(tree, out);
  else if (tree->type == JSON_TOKEN_NUMBER)
    write_numeric(tree->text, out);
  else
    json_tree_write(tree, out);
}
