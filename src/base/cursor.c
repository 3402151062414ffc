#include "base/cursor.h"

#include "base/error.h"
#include "base/json.h"

#include <string.h>

enum { MAX_BYTES = 2048 };

void
cursor_clear(Cursor *cursor)
{
  g_clear_pointer(&cursor->sort, g_free);
  g_clear_pointer(&cursor->text_key, g_free);
  g_clear_pointer(&cursor->number_key, g_free);
}

char *
cursor_write(const Cursor *cursor)
{
  g_autoptr(json_t) json = json_pack("[s, b, s?, s?, I]", cursor->sort, cursor->is_descending, cursor->text_key,
                                     cursor->number_key, (json_int_t)cursor->id);
  char *text = json_dumps(json, JSON_COMPACT);
  char *encoded = g_base64_encode((const guchar *)text, strlen(text));
  free(text);
  g_strdelimit(encoded, "+", '-');
  g_strdelimit(encoded, "/", '_');
  *(encoded + strcspn(encoded, "=")) = '\0';
  return encoded;
}

static json_t *
decode_base64url(const char *text)
{
  gsize length = strlen(text);
  if (length == 0 || length > MAX_BYTES || strspn(text, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-_") != length)
    return NULL;
  g_autofree char *padded = g_strdup_printf("%s%.*s", text, (int)((4 - length % 4) % 4), "===");
  g_strdelimit(padded, "-", '+');
  g_strdelimit(padded, "_", '/');
  gsize size = 0;
  g_autofree guchar *bytes = g_base64_decode(padded, &size);
  return json_loadb((const char *)bytes, size, 0, NULL);
}

static gboolean
is_number(const char *text)
{
  static const char *const infinite[] = {"Infinity", "-Infinity", NULL};
  return text == NULL || g_strv_contains(infinite, text) ||
         (strlen(text) <= 64 && g_regex_match_simple("^-?[0-9]+(\\.[0-9]+)?$", text, G_REGEX_DOLLAR_ENDONLY, 0));
}

static gboolean
is_text_or_null(const json_t *json)
{
  return json_is_string(json) || json_is_null(json);
}

gboolean
cursor_read(const char *text, const char *sort, gboolean is_descending, Cursor *ret_cursor, GError **error)
{
  g_autoptr(json_t) json = decode_base64url(text);
  const json_t *its_sort = json_array_get(json, 0), *its_order = json_array_get(json, 1),
               *text_key = json_array_get(json, 2), *number_key = json_array_get(json, 3),
               *id = json_array_get(json, 4);
  if (!json_is_string(its_sort) || !json_is_boolean(its_order) || !is_text_or_null(text_key) ||
      !is_text_or_null(number_key) || !is_number(json_string_value(number_key)) || !json_is_integer(id)) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "cursor is not one of this list: give back nextCursor as it came");
    return FALSE;
  }
  if (strcmp(json_string_value(its_sort), sort) != 0 || json_is_true(its_order) != is_descending) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "cursor belongs to a list that is sorted by %.64s, %s",
              json_string_value(its_sort), json_is_true(its_order) ? "desc" : "asc");
    return FALSE;
  }
  *ret_cursor = (Cursor){g_strdup(sort), is_descending, g_strdup(json_string_value(text_key)),
                         g_strdup(json_string_value(number_key)), json_integer_value(id)};
  return TRUE;
}

char *
cursor_page(const GPtrArray *items, const char *next_cursor, guint limit, const char *total)
{
  GString *json = g_string_new("{\"items\":[");
  for (guint i = 0; i < items->len; i++)
    g_string_append_printf(json, "%s%s", i > 0 ? "," : "", (const char *)items->pdata[i]);
  const char *quote = next_cursor != NULL ? "\"" : "";
  g_string_append_printf(json, "],\"pageInfo\":{\"nextCursor\":%s%s%s,\"hasMore\":%s,\"limit\":%u},\"total\":%s}",
                         quote, next_cursor != NULL ? next_cursor : "null", quote,
                         next_cursor != NULL ? "true" : "false", limit, total);
  return g_string_free(json, FALSE);
}
