/* Splits a row of COPY text into fields without unescaping them: a row that goes from one COPY to another needs no
 * unescaping. Of a row that is compared by its hash, the fields are rewritten as the server writes a row as text.
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

/* Appends the field's value as the text of a row has it, ROW(…)::text (rowtypes.c, record_out), without commas and
 * parentheses around it: quoted if need be, and nothing for NULL. FALSE, with a part appended, at an escape that COPY
 * TO never writes. */
gboolean copy_field_append_record(const CopyField *field, GString *text);
