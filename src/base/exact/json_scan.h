/* A strict JSON scanner. It returns one token after another as it stands in the text, so that a number is the decimal
 * that was written and never a double.
 *
 * The grammar is RFC 8259's, with one addition: NaN, Infinity and -Infinity are tokens of their own, so that the one
 * model that has them can be refused by name instead of the whole file. The text must be valid UTF-8 without NUL
 * (json_check_utf8). Nothing is allocated; the text must outlive the scan. */
#pragma once

#include <glib.h>

enum { JSON_MAX_DEPTH = 64 };

/* Errors of this room. A caller's own code says whose text it is; the message says where in it. */
#define JSON_ERROR (json_error_quark())
GQuark json_error_quark(void);

typedef enum { JSON_ERROR_FORMAT, JSON_ERROR_TOO_DEEP, JSON_ERROR_ENCODING } JsonErrorCode;

typedef enum {
  JSON_TOKEN_ERROR,
  JSON_TOKEN_END, /* after the one value */
  JSON_TOKEN_OBJECT,
  JSON_TOKEN_OBJECT_END,
  JSON_TOKEN_ARRAY,
  JSON_TOKEN_ARRAY_END,
  JSON_TOKEN_KEY, /* the text without quotes, still escaped; the colon is read too */
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
  /* The token that json_scan_next returned last. */
  const char *token;
  gsize token_size;
  gboolean has_escapes; /* of a key or string */
} JsonScan;

void json_scan_init(JsonScan *scan, const char *text, gsize size);

/* JSON_ERROR_FORMAT with line and column for what is not JSON; JSON_ERROR_TOO_DEEP. */
JsonToken json_scan_next(JsonScan *scan, GError **error);

/* After a JSON_TOKEN_OBJECT or JSON_TOKEN_ARRAY, or for the value that comes next: goes to the value's end. `ret_value`
 * and `ret_size` (may be NULL) are its text. */
gboolean json_scan_skip_value(JsonScan *scan, const char **ret_value, gsize *ret_size, GError **error);

/* JSON_ERROR_ENCODING, with the place, for what is not UTF-8 or has a NUL. */
gboolean json_check_utf8(const char *text, gsize size, GError **error);

/* A key's or string's text without its escapes; free with g_free. NULL when it cannot be stored: PostgreSQL's text has
 * no NUL (\u0000) and no half of a surrogate pair. */
char *json_unescape(const char *token, gsize size);

/* Appends the text as a JSON string, with its quotes and escaped as PostgreSQL does it. */
void json_quote(GString *out, const char *text);
