/* JSON, read strictly and without losing anything: one token after another, each as it stands in the text, so that a
 * number is the decimal that was written and never a double.
 *
 * The grammar is RFC 8259's, with one addition: NaN, Infinity and -Infinity are tokens of their own, so that the one
 * model that has them can be refused by name instead of the whole file. The text must be valid UTF-8 without NUL
 * (scan_check_utf8). Nothing is allocated; the text must outlive the scan. */
#pragma once

#include <glib.h>

enum { SCAN_MAX_DEPTH = 64 };

typedef enum {
  SCAN_ERROR,
  SCAN_END, /* after the one value */
  SCAN_OBJECT,
  SCAN_OBJECT_END,
  SCAN_ARRAY,
  SCAN_ARRAY_END,
  SCAN_KEY, /* the text without quotes, still escaped; the colon is read too */
  SCAN_STRING,
  SCAN_NUMBER,
  SCAN_NON_FINITE,
  SCAN_TRUE,
  SCAN_FALSE,
  SCAN_NULL
} ScanToken;

typedef struct {
  const char *start, *end, *at;
  guint depth;
  guint8 expects;
  gboolean is_array[SCAN_MAX_DEPTH];
  /* The token that scan_next returned last. */
  const char *token;
  gsize token_size;
  gboolean has_escapes; /* of a key or string */
} Scan;

/* Where something stands, for people: both from 1, the column in characters. */
typedef struct {
  guint line, column;
} ScanPlace;

void scan_init(Scan *scan, const char *text, gsize size);

/* PRICES_FORMAT with line and column for what is not JSON; PRICES_TOO_DEEP. */
ScanToken scan_next(Scan *scan, GError **error);

/* After a SCAN_OBJECT or SCAN_ARRAY, or for the value that comes next: goes to the value's end. `ret_value` and
 * `ret_size` (may be NULL) are its text. */
gboolean scan_skip_value(Scan *scan, const char **ret_value, gsize *ret_size, GError **error);

ScanPlace scan_place(const char *text, const char *at);

/* PRICES_ENCODING, with the place, for what is not UTF-8 or has a NUL. */
gboolean scan_check_utf8(const char *text, gsize size, GError **error);

/* A key's or string's text without its escapes; free with g_free. NULL when it cannot be stored: PostgreSQL's text has
 * no NUL (\u0000) and no half of a surrogate pair. */
char *scan_unescape(const char *token, gsize size);

/* Appends the text as a JSON string, with its quotes. */
void scan_quote(GString *out, const char *text);
