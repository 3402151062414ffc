/* Where a page of a list has ended, as a text that clients keep and do not look into: the last row's sort key and id,
 * so that rows that come and go meanwhile shift nothing. */
#pragma once

#include <glib.h>

typedef struct {
  char *sort; /* what the list is sorted by */
  gboolean is_descending;
  char *text_key;   /* the last row's key: one of the two, or neither for SQL NULL */
  char *number_key; /* as PostgreSQL prints a numeric */
  gint64 id;
} Cursor;

/* Base64url; free with g_free. */
char *cursor_write(const Cursor *cursor);
/* REQUEST_PARAMETER when it is not one that this list has given out. */
gboolean cursor_read(const char *text, const char *sort, gboolean is_descending, Cursor *ret_cursor, GError **error);
void cursor_clear(Cursor *cursor);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Cursor, cursor_clear)
