/* Fields of a row of COPY text: the first byte chooses them, the rest is the row. The result must agree with a plain
 * walk over the row. Text that is not UTF-8 is found where GLib finds it, in one piece or in two. */
#include "archive/rows/copy_row.h"
#include "archive/rows/copy_text_utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Splits a row byte by byte at every tab; returns the number of fields. */
static guint
cut(const guint8 *row, gsize size, CopyField *ret_fields, gboolean *ret_is_escaped)
{
  guint n = 0;
  gsize backslashes = 0;
  ret_fields[0] = (CopyField){.data = row};
  for (gsize i = 0; i < size && n < MOST; i++) {
    if (row[i] == '\t') {
      ret_is_escaped[n] = backslashes % 2 == 1;
      ret_fields[++n] = (CopyField){.data = row + i + 1};
      backslashes = 0;
      continue;
    }
    backslashes = row[i] == '\\' ? backslashes + 1 : 0;
    ret_fields[n].size++;
  }
  return n + 1;
}

static void
check_utf8(const guint8 *text, gsize size, gsize cut)
{
  const char *glib_end = NULL;
  gboolean is_valid = g_utf8_validate_len((const char *)text, size, &glib_end);
  Utf8State whole = {0}, parts = {0};
  gsize valid = utf8_valid_bytes(&whole, text, size);
  gsize first = utf8_valid_bytes(&parts, text, cut);
  gsize both = first < cut ? first : cut + utf8_valid_bytes(&parts, text + cut, size - cut);
  if (is_valid != (valid == size && whole.n_left == 0) || both != valid ||
      valid < (gsize)(glib_end - (const char *)text))
    abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  check_utf8(data + 1, size - 1, data[0] % size);
  guint numbers[MOST], n_numbers = 0;
  for (guint i = 0; i < MOST; i++)
    if ((data[0] >> i & 1) != 0)
      numbers[n_numbers++] = i;
  CopyField fields[MOST], expected[MOST + 1];
  gboolean is_escaped[MOST + 1] = {FALSE};
  guint n_cut = cut(data + 1, size - 1, expected, is_escaped);
  gboolean is_good = n_numbers == 0 || numbers[n_numbers - 1] < n_cut;
  for (guint i = 0; is_good && n_numbers > 0 && i <= numbers[n_numbers - 1]; i++)
    is_good = !is_escaped[i];
  if (copy_row_find(data + 1, size - 1, numbers, n_numbers, fields) != is_good)
    abort();
  for (guint i = 0; is_good && i < n_numbers; i++)
    if (fields[i].data != expected[numbers[i]].data || fields[i].size != expected[numbers[i]].size)
      abort();
  g_autoptr(GString) text = g_string_new(NULL);
  for (guint i = 0; is_good && i < n_numbers; i++)
    if (!copy_field_append_record(&fields[i], text) && memchr(fields[i].data, '\\', fields[i].size) == NULL)
      abort();
  return 0;
}
