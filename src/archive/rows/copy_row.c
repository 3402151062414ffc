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
