/* A strict JSON scanner. It returns tokens as they are in the text, so a number is the decimal as written and never a
 * double.
 *
 * The grammar is RFC 8259's, with one addition: NaN, Infinity and -Infinity are tokens, so that a model that has
 * them can be refused by name instead of the whole file. The text must be valid UTF-8 without NUL (json_check_utf8).
 * Nothing is allocated. The text must outlive the scan. */
#pragma once

#include <glib.h>

enum { JSON_MAX_DEPTH = 64 };

/* Errors of this room. A caller's own code says whose text it is; the message says where in it. */
#define JSON_ERROR (json_error_quark())
GQuark json_error_quark(void);

typedef enum { JSON_ERROR_FORMAT, JSON_ERROR_TOO_DEEP, JSON_ERROR_ENCODING } JsonErrorCode;

typedef enum {
  JSON_TOKEN_ERROR,
  JSON_TOKEN_END, /* after the only value */
  JSON_TOKEN_OBJECT,
  JSON_TOKEN_OBJECT_END,
  JSON_TOKEN_ARRAY,
  JSON_TOKEN_ARRAY_END,
  JSON_TOKEN_KEY, /* the text without quotes, still escaped; the colon has been read, too */
  JSON_TOKEN_STRING,
  JSON_TOKEN_NUMBER,
  JSON_TOKEN_NON_FINITE,
  JSON_TOKEN_TRUE,
  JSON_TOKEN_FALSE,
  JSON_TOKEN_NULL
} JsonToken;

typedef struct {
  const char *start, *end, *at;
  guint depth;
  guint8 expects;
  gboolean is_array[JSON_MAX_DEPTH];
  /* The last token. */
  const char *token;
  gsize token_size;
  gboolean has_escapes; /* of a key or string */
} JsonScan;

void json_scan_init(JsonScan *scan, const char *text, gsize size);

/* JSON_ERROR_FORMAT with line and column for invalid JSON; JSON_ERROR_TOO_DEEP. */
JsonToken json_scan_next(JsonScan *scan, GError **error);

/* Skips to the end of the value whose JSON_TOKEN_OBJECT or JSON_TOKEN_ARRAY was returned last, or else of the next
 * value. `ret_value` and `ret_size` (may be NULL) are its text. */
gboolean json_scan_skip_value(JsonScan *scan, const char **ret_value, gsize *ret_size, GError **error);

/* JSON_ERROR_ENCODING, with the position, for invalid UTF-8 or a NUL. */
gboolean json_check_utf8(const char *text, gsize size, GError **error);

/* Unescapes a key or string; free with g_free. NULL if it cannot be stored: PostgreSQL's text has neither NUL
 * (\u0000) nor half of a surrogate pair. */
char *json_unescape(const char *token, gsize size);

/* Appends the text as a JSON string, with quotes, and escaped as PostgreSQL does it. */
void json_quote(GString *out, const char *text);
