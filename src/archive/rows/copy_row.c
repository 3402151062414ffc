#include "archive/rows/copy_row.h"

#include <string.h>

/* An even number of backslashes are escaped ones. */
static gboolean
ends_in_escape(const guint8 *field, gsize size)
{
  gsize n = 0;
  while (n < size && field[size - n - 1] == '\\')
    n++;
  return n % 2 == 1;
}

gboolean
copy_row_find(const guint8 *row, gsize size, const guint *numbers, guint n_numbers, CopyField *ret_fields)
{
  const guint8 *at = row, *end = row + size;
  guint n_found = 0;
  for (guint number = 0; n_found < n_numbers; number++) {
    const guint8 *tab = at < end ? memchr(at, '\t', (gsize)(end - at)) : NULL;
    const guint8 *field_end = tab != NULL ? tab : end;
    if (tab != NULL && ends_in_escape(at, (gsize)(tab - at)))
      return FALSE;
    if (number == numbers[n_found])
      ret_fields[n_found++] = (CopyField){.data = at, .size = (gsize)(field_end - at)};
    if (tab == NULL)
      break;
    at = tab + 1;
  }
  return n_found == n_numbers;
}

/* The character that an escape of COPY TO stands for; 0 for others. */
static char
unescape(guint8 letter)
{
  static const char letters[] = "bfnrtv\\", characters[] = "\b\f\n\r\t\v\\";
  const char *at = letter != '\0' ? strchr(letters, letter) : NULL;
  return at != NULL ? characters[at - letters] : '\0';
}

gboolean
copy_field_append_record(const CopyField *field, GString *text)
{
  if (field->size == 2 && memcmp(field->data, "\\N", 2) == 0)
    return TRUE;
  gsize start = text->len;
  gboolean needs_quotes = field->size == 0;
  for (gsize i = 0; i < field->size; i++) {
    char character = (char)field->data[i];
    if (character == '\\') {
      character = i + 1 < field->size ? unescape(field->data[++i]) : '\0';
      if (character == '\0')
        return FALSE;
    }
    needs_quotes = needs_quotes || strchr("\"\\(), \t\n\v\f\r", character) != NULL;
    if (character == '"' || character == '\\')
      g_string_append_c(text, character);
    g_string_append_c(text, character);
  }
  if (needs_quotes) {
    g_string_insert_c(text, (gssize)start, '"');
    g_string_append_c(text, '"');
  }
  return TRUE;
}
