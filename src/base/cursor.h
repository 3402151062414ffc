/* Opaque cursors of paged lists. A cursor holds the sort key and id of a page's last row, so that rows that are added
 * or deleted meanwhile do not shift the next page. */
#pragma once

#include <glib.h>

typedef struct {
  char *sort; /* what the list is sorted by */
  gboolean is_descending;
  char *text_key;   /* the last row's key, if it is a text; may be NULL */
  char *number_key; /* the key, if it is a number, as PostgreSQL prints numeric; may be NULL */
  gint64 id;
} Cursor;

/* Base64url; free with g_free. */
char *cursor_write(const Cursor *cursor);
/* REQUEST_PARAMETER unless this list has issued the cursor. */
gboolean cursor_read(const char *text, const char *sort, gboolean is_descending, Cursor *ret_cursor, GError **error);
/* {items, pageInfo: {nextCursor, hasMore, limit}, total} from the items' JSON texts; free with g_free. */
char *cursor_page(const GPtrArray *items, const char *next_cursor, guint limit, const char *total);
void cursor_clear(Cursor *cursor);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Cursor, cursor_clear)
