#include "prices/format/entries.h"

#include "base/error.h"
#include "base/exact/json_tree.h"
#include "prices/format/model.h"

#include <string.h>

static void
clear_entry(gpointer data)
{
  g_free(((PriceEntry *)data)->name);
}

GArray *
price_entries_new(void)
{
  GArray *entries = g_array_new(FALSE, FALSE, sizeof(PriceEntry));
  g_array_set_clear_func(entries, clear_entry);
  return entries;
}

void
price_entries_add(GArray *entries, char *name, const char *json, gsize size)
{
  PriceEntry entry = {.json = json, .size = size, .is_unusable = name == NULL};
  entry.name = name != NULL ? price_name_trim(name) : g_strdup("?");
  g_array_append_val(entries, entry);
  g_free(name);
}

gboolean
price_entries_read_members(JsonScan *scan, GArray *entries, GError **error)
{
  for (;;) {
    JsonToken token = json_scan_next(scan, error);
    if (token == JSON_TOKEN_ERROR || token == JSON_TOKEN_OBJECT_END)
      return token == JSON_TOKEN_OBJECT_END;
    char *name = json_unescape(scan->token, scan->token_size);
    const char *value = NULL;
    gsize size = 0;
    if (!json_scan_skip_value(scan, &value, &size, error)) {
      g_free(name);
      return FALSE;
    }
    price_entries_add(entries, name, value, size);
  }
}

GArray *
price_entries_read_root(const char *text, gsize size, gboolean *ret_is_json, GError **error)
{
  g_autoptr(GArray) members = price_entries_new();
  JsonScan scan;
  json_scan_init(&scan, text, size);
  JsonToken token = json_scan_next(&scan, error);
  if (token == JSON_TOKEN_ERROR)
    return NULL;
  if (token == JSON_TOKEN_OBJECT) {
    if (!price_entries_read_members(&scan, members, error) || json_scan_next(&scan, error) != JSON_TOKEN_END)
      return NULL;
    return g_steal_pointer(&members);
  }
  /* A later syntax error is the better message. */
  if ((token != JSON_TOKEN_ARRAY || json_scan_skip_value(&scan, NULL, NULL, error)) &&
      json_scan_next(&scan, error) == JSON_TOKEN_END) {
    error_set(error, CCH_ERROR_PRICES_FORMAT, "JSON: the root must be an object of models, not %s",
              token == JSON_TOKEN_ARRAY ? "an array" : "a single value");
    if (ret_is_json != NULL)
      *ret_is_json = TRUE;
  }
  return NULL;
}

const PriceEntry *
price_entries_find(const GArray *entries, const char *name)
{
  for (guint i = 0; i < entries->len; i++) {
    const PriceEntry *entry = &g_array_index(entries, PriceEntry, i);
    if (strcmp(entry->name, name) == 0)
      return entry;
  }
  return NULL;
}

char *
price_entries_string(const GArray *members, const char *name)
{
  const PriceEntry *entry = price_entries_find(members, name);
  if (entry == NULL || *entry->json != '"')
    return NULL;
  return json_unescape(entry->json + 1, entry->size - 2);
}

int
price_entries_compare(gconstpointer a, gconstpointer b)
{
  return strcmp(((const PriceEntry *)a)->name, ((const PriceEntry *)b)->name);
}

gboolean
price_entry_is_same(const PriceEntry *a, const PriceEntry *b)
{
  if (a->size == b->size && memcmp(a->json, b->json, a->size) == 0)
    return TRUE;
  g_autoptr(JsonTree) left = json_tree_parse(a->json, a->size, NULL);
  g_autoptr(JsonTree) right = json_tree_parse(b->json, b->size, NULL);
  if (left == NULL || right == NULL)
    return FALSE;
  g_autoptr(GString) left_text = g_string_new(NULL);
  g_autoptr(GString) right_text = g_string_new(NULL);
  json_tree_write(left, left_text);
  json_tree_write(right, right_text);
  return g_string_equal(left_text, right_text);
}
