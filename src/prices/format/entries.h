/* The members of a price table before they are validated. Private to prices/format. */
#pragma once

#include "base/exact/json_scan.h"

typedef struct {
  char *name; /* trimmed; "" if there is none */
  const char *json;
  gsize size;
  gboolean is_unusable; /* the name cannot be stored */
} PriceEntry;

/* An array of PriceEntry that clears its elements. */
GArray *price_entries_new(void);
/* Takes ownership of `name`; NULL: it cannot be stored. */
void price_entries_add(GArray *entries, char *name, const char *json, gsize size);

/* The root's members; JSON_ERROR, and PRICES_FORMAT if the root is not an object. `ret_is_json` (may be NULL) is TRUE
 * if the text is valid JSON nevertheless. */
GArray *price_entries_read_root(const char *text, gsize size, gboolean *ret_is_json, GError **error);
/* Adds the members of an object whose opening brace has been read. */
gboolean price_entries_read_members(JsonScan *scan, GArray *entries, GError **error);

/* NULL if none has that name. */
const PriceEntry *price_entries_find(const GArray *entries, const char *name);
/* A string member's text, free with g_free; NULL if there is none. */
char *price_entries_string(const GArray *members, const char *name);

/* By name, for g_array_sort. */
int price_entries_compare(gconstpointer a, gconstpointer b);
/* Whether two entries differ only in white space. */
gboolean price_entry_is_same(const PriceEntry *a, const PriceEntry *b);
