#include "backup/merge/merge_seen.h"

#include <string.h>

enum { PAGE_BITS = 15, MAX_PAGES = 4096 /* 16 MB, for 134 million dense keys */ };

typedef struct {
  gint64 number; /* of the page: the keys without their last PAGE_BITS */
  guint64 bits[(1 << PAGE_BITS) / 64];
} Page;

struct MergeSeen {
  GHashTable *pages; /* by number */
  Page *last;        /* of the last key; NULL: none yet */
};

MergeSeen *
merge_seen_new(void)
{
  MergeSeen *seen = g_new0(MergeSeen, 1);
  seen->pages = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
  return seen;
}

void
merge_seen_free(MergeSeen *seen)
{
  g_hash_table_unref(seen->pages);
  g_free(seen);
}

static Page *
page_of(MergeSeen *seen, gint64 number)
{
  if (seen->last != NULL && seen->last->number == number)
    return seen->last;
  Page *page = g_hash_table_lookup(seen->pages, &number);
  if (page == NULL && g_hash_table_size(seen->pages) < MAX_PAGES) {
    page = g_new0(Page, 1);
    page->number = number;
    g_hash_table_insert(seen->pages, &page->number, page);
  }
  return seen->last = page;
}

gboolean
merge_seen_add(MergeSeen *seen, const guint8 *text, gsize size)
{
  char ended[24];
  gint64 key = 0;
  if (size >= sizeof ended)
    return FALSE;
  memcpy(ended, text, size);
  ended[size] = '\0';
  if (!g_ascii_string_to_signed(ended, 10, G_MININT64, G_MAXINT64, &key, NULL))
    return FALSE;
  guint64 low = (guint64)key & ((1 << PAGE_BITS) - 1);
  Page *page = page_of(seen, (key - (gint64)low) / (1 << PAGE_BITS));
  guint64 bit = G_GUINT64_CONSTANT(1) << (low % 64);
  if (page == NULL || (page->bits[low / 64] & bit) != 0)
    return FALSE;
  page->bits[low / 64] |= bit;
  return TRUE;
}
