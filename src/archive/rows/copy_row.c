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

/* What record_out does about a character. */
enum { PLAIN, QUOTED /* the value is in quotes */, DOUBLED /* so is it, and the character is doubled */ };

static const guint8 treatments[256] = {
    ['"'] = DOUBLED, ['\\'] = DOUBLED, ['('] = QUOTED,  [')'] = QUOTED,  [','] = QUOTED,  [' '] = QUOTED,
    ['\t'] = QUOTED, ['\n'] = QUOTED,  ['\v'] = QUOTED, ['\f'] = QUOTED, ['\r'] = QUOTED,
};

gboolean
copy_field_append_record(const CopyField *field, GString *text)
{
  if (field->size == 2 && memcmp(field->data, "\\N", 2) == 0)
    return TRUE;
  gsize start = text->len;
  guint8 treated = field->size == 0 ? QUOTED : PLAIN;
  for (gsize i = 0; i < field->size; i++) {
    gsize run = i;
    guint8 treatment = PLAIN;
    while (run < field->size && (treatment = treatments[field->data[run]]) != DOUBLED) {
      treated |= treatment;
      run++;
    }
    g_string_append_len(text, (const char *)field->data + i, (gssize)(run - i));
    if (run == field->size)
      break;
    char character = (char)field->data[run];
    if (character == '\\') {
      character = run + 1 < field->size ? unescape(field->data[++run]) : '\0';
      if (character == '\0')
        return FALSE;
    }
    treated |= QUOTED;
    if (character == '"' || character == '\\')
      g_string_append_c(text, character);
    g_string_append_c(text, character);
    i = run;
  }
  if (treated != PLAIN) {
    g_string_insert_c(text, (gssize)start, '"');
    g_string_append_c(text, '"');
  }
  return TRUE;
}
