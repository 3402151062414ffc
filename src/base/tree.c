#include "base/tree.h"

#include "base/error.h"

#include <string.h>

void
tree_free(Tree *tree)
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
  tree_free(tree);
}

const Tree *
tree_get(const Tree *tree, const char *key)
{
  for (guint i = 0; tree != NULL && tree->type == SCAN_OBJECT && i < tree->children->len; i++) {
    const Tree *child = g_ptr_array_index(tree->children, i);
    if (strcmp(child->key, key) == 0)
      return child;
  }
  return NULL;
}

const char *
tree_string(const Tree *tree)
{
  return tree != NULL && tree->type == SCAN_STRING && *tree->text != '\0' ? tree->text : NULL;
}

guint
tree_size(const Tree *tree)
{
  return tree != NULL && tree->children != NULL ? tree->children->len : 0;
}

const Tree *
tree_child(const Tree *tree, guint index)
{
  return g_ptr_array_index(tree->children, index);
}

static char *
unescape(const Scan *scan, GError **error)
{
  char *text = scan_unescape(scan->token, scan->token_size);
  if (text == NULL)
    error_set(error, CCH_ERROR_PRICES_FORMAT, "text with an escape that stands for no character that can be stored");
  return text;
}

static Tree *read_value(Scan *scan, ScanToken token, GError **error);

static gboolean
read_children(Scan *scan, Tree *tree, GError **error)
{
  g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
  for (;;) {
    ScanToken token = scan_next(scan, error);
    if (token == SCAN_ERROR)
      return FALSE;
    if (token == SCAN_OBJECT_END || token == SCAN_ARRAY_END)
      return TRUE;
    g_autofree char *key = token == SCAN_KEY ? unescape(scan, error) : NULL;
    if (token == SCAN_KEY && (key == NULL || (token = scan_next(scan, error)) == SCAN_ERROR))
      return FALSE;
    Tree *child = read_value(scan, token, error);
    if (child == NULL)
      return FALSE;
    child->key = g_steal_pointer(&key);
    g_ptr_array_add(tree->children, child);
    if (child->key != NULL && !g_hash_table_add(names, child->key)) {
      error_set(error, CCH_ERROR_PRICES_FORMAT, "the field \"%.100s\" comes twice", child->key);
      return FALSE;
    }
  }
}

static Tree *
read_value(Scan *scan, ScanToken token, GError **error)
{
  g_autoptr(Tree) tree = g_new0(Tree, 1);
  tree->type = token;
  if (token == SCAN_OBJECT || token == SCAN_ARRAY) {
    tree->children = g_ptr_array_new_with_free_func(free_child);
    return read_children(scan, tree, error) ? g_steal_pointer(&tree) : NULL;
  }
  tree->text = token == SCAN_STRING ? unescape(scan, error) : g_strndup(scan->token, scan->token_size);
  return tree->text != NULL ? g_steal_pointer(&tree) : NULL;
}

Tree *
tree_parse(const char *text, gsize size, GError **error)
{
  Scan scan;
  scan_init(&scan, text, size);
  ScanToken token = scan_next(&scan, error);
  if (token == SCAN_ERROR)
    return NULL;
  g_autoptr(Tree) tree = read_value(&scan, token, error);
  if (tree == NULL || scan_next(&scan, error) != SCAN_END)
    return NULL;
  return g_steal_pointer(&tree);
}

static void
write_children(const Tree *tree, GString *out)
{
  g_string_append_c(out, tree->type == SCAN_ARRAY ? '[' : '{');
  for (guint i = 0; i < tree->children->len; i++) {
    const Tree *child = g_ptr_array_index(tree->children, i);
    if (i > 0)
      g_string_append_c(out, ',');
    if (tree->type == SCAN_OBJECT) {
      scan_quote(out, child->key);
      g_string_append_c(out, ':');
    }
    tree_write(child, out);
  }
  g_string_append_c(out, tree->type == SCAN_ARRAY ? ']' : '}');
}

void
tree_write(const Tree *tree, GString *out)
{
  if (tree->children != NULL)
    write_children(tree, out);
  else if (tree->type == SCAN_STRING)
    scan_quote(out, tree->text);
  else
    g_string_append(out, tree->text);
}
