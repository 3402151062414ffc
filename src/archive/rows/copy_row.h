/* Splits a row of COPY text into fields without unescaping them: a row that goes from one COPY to another needs no
 * unescaping.
 *
 * Fields are separated by tabs; a tab in a value is written `\t` (copyto.c, CopyAttributeOutText, PostgreSQL 12 to
 * 18). COPY FROM also accepts a backslash before a raw tab, which COPY TO never writes. */
#pragma once

#include <glib.h>

typedef struct {
  const guint8 *data; /* in the row */
  gsize size;
} CopyField;

/* Finds the fields with these numbers, which ascend from 0. `row` is without its newline. FALSE if the row has fewer
 * fields, or a tab after a backslash. */
gboolean copy_row_find(const guint8 *row, gsize size, const guint *numbers, guint n_numbers, CopyField *ret_fields);
