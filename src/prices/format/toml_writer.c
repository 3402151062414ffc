#include "prices/format/toml_writer.h"

#include "base/error.h"
#include "base/exact/decimal.h"

#include <string.h>

enum {
  MAX_INTEGER_DIGITS = 18, /* of 64 bits */
  /* toml++ accepts 128 characters in a number; this many digits, with decimal_to_text's zeros, need fewer. */
  MAX_DIGITS = 80,
  MAX_MAGNITUDE = 308 /* of a double */
};

/* A basic string; unlike JSON, TOML requires more escapes. */
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

/* Short numbers as they are, others with an exponent instead of zeros. NULL if TOML cannot express the number. */
static char *
spell_number(const char *text)
{
  if (strlen(text) <= MAX_DIGITS && strpbrk(text, "eE") == NULL)
    return g_strdup(text);
  g_auto(Decimal) decimal = {0};
  if (!decimal_parse(text, &decimal))
    return NULL;
  gsize n_digits = strlen(decimal.digits);
  gboolean is_writable = n_digits <= MAX_DIGITS && (int)n_digits + decimal.exponent <= MAX_MAGNITUDE;
  return is_writable ? decimal_to_text(&decimal) : NULL;
}

/* Without a point it would be a 64-bit integer. */
static gboolean
write_number(GString *out, const char *text, GError **error)
{
  g_autofree char *number = spell_number(text);
  if (number == NULL) {
    error_set(error, CCH_ERROR_PRICES_NO_TOML, "the number %.20s… is too long or too large", text);
    return FALSE;
  }
  gboolean is_long_integer = strpbrk(number, ".eE") == NULL && strlen(number) > MAX_INTEGER_DIGITS;
  g_string_append_printf(out, "%s%s", number, is_long_integer ? ".0" : "");
  return TRUE;
}

static gboolean write_value(GString *out, const JsonTree *value, GError **error);

static gboolean
write_children(GString *out, const JsonTree *tree, GError **error)
{
  gboolean is_array = tree->type == JSON_TOKEN_ARRAY;
  g_string_append(out, is_array ? "[" : "{");
  for (guint i = 0; i < json_tree_size(tree); i++) {
    const JsonTree *child = json_tree_child(tree, i);
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
write_value(GString *out, const JsonTree *value, GError **error)
{
  switch (value->type) {
  case JSON_TOKEN_OBJECT:
  case JSON_TOKEN_ARRAY:
    return write_children(out, value, error);
  case JSON_TOKEN_STRING:
    write_string(out, value->text);
    return TRUE;
  case JSON_TOKEN_NUMBER:
    return write_number(out, value->text, error);
  case JSON_TOKEN_NULL:
    error_set(error, CCH_ERROR_PRICES_NO_TOML, "null");
    return FALSE;
  default:
    g_string_append(out, value->text);
    return TRUE;
  }
}

gboolean
toml_write_model(GString *out, const char *name, const JsonTree *data, GError **error)
{
  if (data->type != JSON_TOKEN_OBJECT) {
    error_set(error, CCH_ERROR_PRICES_NO_TOML, "%s: not an object", name);
    return FALSE;
  }
  g_string_append(out, "\n[models.");
  write_string(out, name);
  g_string_append(out, "]\n");
  for (guint i = 0; i < json_tree_size(data); i++) {
    const JsonTree *field = json_tree_child(data, i);
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
