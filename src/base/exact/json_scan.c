#include "base/exact/json_scan.h"

#include <string.h>

G_DEFINE_QUARK(json - error - quark, json_error)

enum {
  EXPECTS_VALUE,
  EXPECTS_VALUE_OR_END, /* after [ */
  EXPECTS_KEY_OR_END,   /* after { */
  EXPECTS_KEY,          /* after a comma in an object */
  EXPECTS_COMMA_OR_END,
  EXPECTS_NOTHING
};

void
json_scan_init(JsonScan *scan, const char *text, gsize size)
{
  *scan = (JsonScan){.start = text, .end = text + size, .at = text, .expects = EXPECTS_VALUE};
}

/* A position for messages: both count from 1, the column in characters. */
typedef struct {
  guint line, column;
} JsonPlace;

static JsonPlace
place_of(const char *text, const char *at)
{
  JsonPlace place = {1, 1};
  const char *line = text;
  for (const char *c = text; c < at; c++) {
    if (*c == '\n') {
      place.line++;
      line = c + 1;
    }
  }
  for (const char *c = line; c < at; c++)
    place.column += ((guchar)*c & 0xc0) != 0x80;
  return place;
}

static JsonToken
refuse(JsonScan *scan, const char *at, JsonErrorCode code, const char *what, GError **error)
{
  JsonPlace place = place_of(scan->start, at);
  g_set_error(error, JSON_ERROR, (int)code, "JSON, line %u, column %u: %s", place.line, place.column, what);
  scan->at = scan->end;
  scan->expects = EXPECTS_NOTHING;
  return JSON_TOKEN_ERROR;
}

static JsonToken
refuse_format(JsonScan *scan, const char *at, const char *what, GError **error)
{
  return refuse(scan, at, JSON_ERROR_FORMAT, what, error);
}

static void
skip_space(JsonScan *scan)
{
  while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
    scan->at++;
}

/* The number in the four hexadecimal digits of \uNNNN, or -1. */
static int
hex4(const char *digits, const char *end)
{
  if (end - digits < 4)
    return -1;
  int value = 0;
  for (int i = 0; i < 4; i++) {
    int digit = g_ascii_xdigit_value(digits[i]);
    if (digit < 0)
      return -1;
    value = value * 16 + digit;
  }
  return value;
}

/* Scans from the opening quote to the closing one. */
static gboolean
read_string(JsonScan *scan, GError **error)
{
  const char *c = scan->at + 1;
  scan->token = c;
  scan->has_escapes = FALSE;
  for (; c < scan->end && *c != '"'; c++) {
    if ((guchar)*c < 0x20) {
      refuse_format(scan, c, "a control character in a string", error);
      return FALSE;
    }
    if (*c != '\\')
      continue;
    scan->has_escapes = TRUE;
    c++;
    if (c < scan->end && *c == 'u' && hex4(c + 1, scan->end) >= 0)
      c += 4;
    else if (c >= scan->end || *c == '\0' || strchr("\"\\/bfnrt", *c) == NULL) {
      refuse_format(scan, MIN(c, scan->end), "a wrong escape in a string", error);
      return FALSE;
    }
  }
  if (c >= scan->end) {
    refuse_format(scan, scan->token - 1, "a string without an end", error);
    return FALSE;
  }
  scan->token_size = (gsize)(c - scan->token);
  scan->at = c + 1;
  return TRUE;
}

static const char *
skip_digits(const char *c, const char *end)
{
  while (c < end && g_ascii_isdigit(*c))
    c++;
  return c;
}

/* The end of the number at `c`, or NULL. */
static const char *
number_end(const char *c, const char *end)
{
  c += *c == '-';
  const char *digits = c;
  c = skip_digits(c, end);
  if (c == digits || (*digits == '0' && c - digits > 1))
    return NULL;
  if (c < end && *c == '.') {
    digits = ++c;
    c = skip_digits(c, end);
    if (c == digits)
      return NULL;
  }
  if (c < end && (*c == 'e' || *c == 'E')) {
    c++;
    c += c < end && (*c == '+' || *c == '-');
    digits = c;
    c = skip_digits(c, end);
    if (c == digits)
      return NULL;
  }
  return c;
}

static JsonToken
after_value(JsonScan *scan, JsonToken token)
{
  scan->expects = scan->depth > 0 ? EXPECTS_COMMA_OR_END : EXPECTS_NOTHING;
  return token;
}

static JsonToken
read_word(JsonScan *scan, GError **error)
{
  static const struct {
    const char *word;
    JsonToken token;
  } words[] = {{"true", JSON_TOKEN_TRUE},           {"false", JSON_TOKEN_FALSE},
               {"null", JSON_TOKEN_NULL},           {"NaN", JSON_TOKEN_NON_FINITE},
               {"Infinity", JSON_TOKEN_NON_FINITE}, {"-Infinity", JSON_TOKEN_NON_FINITE}};
  for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
    gsize size = strlen(words[i].word);
    if ((gsize)(scan->end - scan->at) < size || memcmp(scan->at, words[i].word, size) != 0)
      continue;
    scan->token = scan->at;
    scan->token_size = size;
    scan->at += size;
    return after_value(scan, words[i].token);
  }
  return refuse_format(scan, scan->at, "a value is missing here", error);
}

static JsonToken
read_number(JsonScan *scan, GError **error)
{
  const char *end = number_end(scan->at, scan->end);
  if (end == NULL)
    return *scan->at == '-' ? read_word(scan, error) : refuse_format(scan, scan->at, "not a number", error);
  scan->token = scan->at;
  scan->token_size = (gsize)(end - scan->at);
  scan->at = end;
  return after_value(scan, JSON_TOKEN_NUMBER);
}

static JsonToken
open_container(JsonScan *scan, gboolean is_array, GError **error)
{
  if (scan->depth == JSON_MAX_DEPTH)
    return refuse(scan, scan->at, JSON_ERROR_TOO_DEEP, "nested more than 64 deep", error);
  scan->token = scan->at++;
  scan->token_size = 1;
  scan->is_array[scan->depth++] = is_array;
  scan->expects = is_array ? EXPECTS_VALUE_OR_END : EXPECTS_KEY_OR_END;
  return is_array ? JSON_TOKEN_ARRAY : JSON_TOKEN_OBJECT;
}

static JsonToken
close_container(JsonScan *scan)
{
  scan->token = scan->at++;
  scan->token_size = 1;
  gboolean is_array = scan->is_array[--scan->depth];
  return after_value(scan, is_array ? JSON_TOKEN_ARRAY_END : JSON_TOKEN_OBJECT_END);
}

static JsonToken
read_value(JsonScan *scan, GError **error)
{
  switch (*scan->at) {
  case '{':
    return open_container(scan, FALSE, error);
  case '[':
    return open_container(scan, TRUE, error);
  case '"':
    return read_string(scan, error) ? after_value(scan, JSON_TOKEN_STRING) : JSON_TOKEN_ERROR;
  default:
    return *scan->at == '-' || g_ascii_isdigit(*scan->at) ? read_number(scan, error) : read_word(scan, error);
  }
}

static JsonToken
read_key(JsonScan *scan, GError **error)
{
  if (*scan->at != '"')
    return refuse_format(scan, scan->at, "a key in double quotes is missing here", error);
  if (!read_string(scan, error))
    return JSON_TOKEN_ERROR;
  skip_space(scan);
  if (scan->at >= scan->end || *scan->at != ':')
    return refuse_format(scan, scan->at, "a colon is missing after the key", error);
  scan->at++;
  scan->expects = EXPECTS_VALUE;
  return JSON_TOKEN_KEY;
}

/* After a member or an element. */
static JsonToken
read_comma_or_end(JsonScan *scan, GError **error)
{
  gboolean is_array = scan->is_array[scan->depth - 1];
  if (*scan->at == (is_array ? ']' : '}'))
    return close_container(scan);
  if (*scan->at != ',')
    return refuse_format(scan, scan->at, is_array ? "a comma or ] is missing here" : "a comma or } is missing here",
                         error);
  scan->at++;
  scan->expects = is_array ? EXPECTS_VALUE : EXPECTS_KEY;
  return json_scan_next(scan, error);
}

JsonToken
json_scan_next(JsonScan *scan, GError **error)
{
  skip_space(scan);
  if (scan->expects == EXPECTS_NOTHING)
    return scan->at == scan->end ? JSON_TOKEN_END : refuse_format(scan, scan->at, "more text after the end", error);
  if (scan->at == scan->end)
    return refuse_format(scan, scan->at, "the text ends too early", error);
  switch (scan->expects) {
  case EXPECTS_VALUE_OR_END:
    return *scan->at == ']' ? close_container(scan) : read_value(scan, error);
  case EXPECTS_KEY_OR_END:
    return *scan->at == '}' ? close_container(scan) : read_key(scan, error);
  case EXPECTS_KEY:
    return read_key(scan, error);
  case EXPECTS_COMMA_OR_END:
    return read_comma_or_end(scan, error);
  default:
    return read_value(scan, error);
  }
}

gboolean
json_scan_skip_value(JsonScan *scan, const char **ret_value, gsize *ret_size, GError **error)
{
  gboolean is_inside = scan->expects == EXPECTS_KEY_OR_END || scan->expects == EXPECTS_VALUE_OR_END;
  guint outer_depth = is_inside ? scan->depth - 1 : scan->depth;
  const char *value = is_inside ? scan->token : NULL;
  do {
    JsonToken token = json_scan_next(scan, error);
    if (token == JSON_TOKEN_ERROR)
      return FALSE;
    if (value == NULL)
      value = scan->token - (token == JSON_TOKEN_STRING);
  } while (scan->depth > outer_depth);
  if (ret_value != NULL) {
    *ret_value = value;
    *ret_size = (gsize)(scan->at - value);
  }
  return TRUE;
}

gboolean
json_check_utf8(const char *text, gsize size, GError **error)
{
  const char *bad = NULL;
  if (g_utf8_validate_len(text, size, &bad))
    return TRUE;
  JsonPlace place = place_of(text, bad);
  g_set_error(error, JSON_ERROR, JSON_ERROR_ENCODING, "line %u, column %u: %s", place.line, place.column,
              *bad == '\0' ? "a NUL byte" : "not valid UTF-8");
  return FALSE;
}

/* The character for \u… at `c` (after the u), or for a whole surrogate pair; 0 if it cannot be stored. */
static gunichar
read_code_point(const char *c, const char *end, gsize *ret_length)
{
  int high = hex4(c, end);
  *ret_length = 4;
  if (high < 0xd800 || high > 0xdfff)
    return high > 0 ? (gunichar)high : 0;
  if (high > 0xdbff || end - c < 10 || c[4] != '\\' || c[5] != 'u')
    return 0;
  int low = hex4(c + 6, end);
  *ret_length = 10;
  return low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((gunichar)(high - 0xd800) << 10) + (gunichar)(low - 0xdc00) : 0;
}

char *
json_unescape(const char *token, gsize size)
{
  g_autoptr(GString) text = g_string_sized_new(size);
  const char *end = token + size;
  for (const char *c = token; c < end; c++) {
    if (*c != '\\') {
      g_string_append_c(text, *c);
      continue;
    }
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    c++;
    if (*c != 'u') {
      g_string_append_c(text, meanings[strchr(escapes, *c) - escapes]);
      continue;
    }
    gsize length = 0;
    gunichar character = read_code_point(c + 1, end, &length);
    if (character == 0)
      return NULL;
    g_string_append_unichar(text, character);
    c += length;
  }
  return g_string_free(g_steal_pointer(&text), FALSE);
}

void
json_quote(GString *out, const char *text)
{
  static const char controls[] = "\b\f\n\r\t", escapes[] = "bfnrt";
  g_string_append_c(out, '"');
  for (const char *c = text;; c++) {
    const char *plain = c;
    while ((guchar)*c >= 0x20 && *c != '"' && *c != '\\')
      c++;
    g_string_append_len(out, plain, c - plain);
    if (*c == '\0')
      break;
    const char *control = strchr(controls, *c);
    if (control == NULL && (guchar)*c < 0x20)
      g_string_append_printf(out, "\\u%04x", (guint)*c);
    else {
      g_string_append_c(out, '\\');
      g_string_append_c(out, control != NULL ? escapes[control - controls] : *c);
    }
  }
  g_string_append_c(out, '"');
}
