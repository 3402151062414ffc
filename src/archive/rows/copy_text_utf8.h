/* Finds text in rows of COPY text that is not UTF-8, by the rules of PostgreSQL (src/common/wchar.c, pg_utf8_islegal:
 * no overlong forms, no surrogates, nothing beyond U+10FFFF, no zero byte). */
#pragma once

#include <glib.h>

/* The state between two pieces of a text; all zeros at the beginning. */
typedef struct {
  guint8 n_left, low, high; /* bytes that the character still needs, and the range of the next one */
} Utf8State;

/* The number of bytes before the first one that is not UTF-8: `size` if there is none. A character may go on in the
 * next piece. */
gsize utf8_valid_bytes(Utf8State *state, const guint8 *data, gsize size);

/* Where the first value of rows lies that is not UTF-8. Zero it first, then push all rows in pieces of any size. */
typedef struct {
  guint64 row;  /* from 1, once found */
  guint column; /* from 0 */
  gboolean is_found;
  Utf8State state;
} Utf8Search;

/* TRUE once it is found; what is pushed after that is ignored. */
gboolean utf8_search_push(Utf8Search *search, const guint8 *data, gsize size);
