#include "prices/toml_writer.h"

#include "base/error.h"

#include <string.h>

enum { MAX_DIGITS = 300, /* what a TOML reader can make a double of */ MAX_INTEGER_DIGITS = 18 };

/* A basic string; JSON's differs only in escaping less. */
static void
write_string(GString *out, const char *text)
{
  g_string_append_c(out, '"');
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '"' || *c == '\\')
      g_string_append_c(out, '\\');
    if ((guchar)*c < 0x20 || *c == 0x7f)
      g_string_append_printf(out, "\\u%04x", (guint)*c);
    else
      g_string_append_c(out, *c);
  }
  g_string_append_c(out, '"');
}

/* Without a point it would be an integer of 64 bits. */
static gboolean
write_number(GString *out, const char *text, GError **error)
{
  gsize size = strlen(text);
  if (size > MAX_DIGITS) {
    error_set(error, CCH_ERROR_PRICES_NO_TOML, "a number of %" G_GSIZE_FORMAT " digits", size);
    return FALSE;
  }
  gboolean is_integer = strpbrk(text, ".eE") == NULL;
  g_string_append_printf(out, "%s%s", text, is_integer && size > MAX_INTEGER_DIGITS ? ".0" : "");
  return TRUE;
}

static gboolean write_value(GString *out, const Tree *value, GError **error);

static gboolean
write_children(GString *out, const Tree *tree, GError **error)
{
  gboolean is_array = tree->type == SCAN_ARRAY;
  g_string_append(out, is_array ? "[" : "{");
  for (guint i = 0; i < tree_size(tree); i++) {
    const Tree *child = tree_child(tree, i);
    g_string_append(out, i > 0 ? ", " : is_array ? "" : " ");
    if (!is_array) {
      write_string(out, child->key);
      g_string_append(out, " = ");
    }
    if (!write_value(out, child, error)) {
      g_prefix_error(error, "%s: ", is_array ? "an element" : child->key);
      return FALSE;
    }
  }
  g_string_append(out, is_array ? "]" : " }");
  return TRUE;
}

static gboolean
write_value(GString *out, const Tree *value, GError **error)
{
  switch (value->type) {
  case SCAN_OBJECT:
  case SCAN_ARRAY:
    return write_children(out, value, error);
  case SCAN_STRING:
    write_string(out, value->text);
    return TRUE;
  case SCAN_NUMBER:
    return write_number(out, value->text, error);
  case SCAN_NULL:
    error_set(error, CCH_ERROR_PRICES_NO_TOML, "null");
    return FALSE;
  default:
    g_string_append(out, value->text);
    return TRUE;
  }
}

gboolean
toml_write_model(GString *out, const char *name, const Tree *data, GError **error)
{
  if (data->type != SCAN_OBJECT) {
    error_set(error, CCH_ERROR_PRICES_NO_TOML, "%s: not an object", name);
    return FALSE;
  }
  g_string_append(out, "\n[models.");
  write_string(out, name);
  g_string_append(out, "]\n");
  for (guint i = 0; i < tree_size(data); i++) {
    const Tree *field = tree_child(data, i);
    write_string(out, field->key);
    g_string_append(out, " = ");
    if (!write_value(out, field, error)) {
      g_prefix_error(error, "%s, %s: ", name, field->key);
      return FALSE;
    }
    g_string_append_c(out, '\n');
  }
  return TRUE;
}
