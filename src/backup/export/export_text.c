#include "backup/export/export_text.h"

#include "backup/plan/entry_sql.h"
#include "base/text.h"

#include <string.h>

typedef struct {
  guint64 rows;
  guint column; /* of the first one found, from 0 */
  char *key;    /* its first field, if that is a plain number; else NULL */
} Finding;

struct ExportText {
  const ExportUnits *units;
  GMutex mutex;
  Finding *findings; /* one for each entry; guarded by the mutex */
};

ExportText *
export_text_new(const ExportUnits *units, const char *encoding)
{
  if (g_strcmp0(encoding, "UTF8") != 0)
    return NULL;
  ExportText *text = g_new0(ExportText, 1);
  text->units = units;
  text->findings = g_new0(Finding, units->entries->len + 1);
  g_mutex_init(&text->mutex);
  return text;
}

void
export_text_free(ExportText *text)
{
  if (text == NULL)
    return;
  for (guint i = 0; i < text->units->entries->len; i++)
    g_free(text->findings[i].key);
  g_free(text->findings);
  g_mutex_clear(&text->mutex);
  g_free(text);
}

/* Other first fields may be secrets. */
static char *
plain_number(const guint8 *row, gsize size)
{
  gsize n = 0;
  while (n < size && g_ascii_isdigit(row[n]))
    n++;
  return n > 0 && n < 20 && n < size && row[n] == '\t' ? g_strndup((const char *)row, n) : NULL;
}

static void
note_row(ExportText *text, guint entry, const guint8 *row, gsize size, gsize valid)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&text->mutex);
  Finding *finding = &text->findings[entry];
  if (finding->rows++ > 0)
    return;
  for (gsize i = 0; i < valid; i++)
    finding->column += row[i] == '\t';
  finding->key = plain_number(row, size);
}

void
export_text_check(ExportText *text, ExportTextState *state, guint entry, const guint8 *data, gsize size,
                  gboolean is_row_cut)
{
  Utf8State before = state->state;
  if (text == NULL)
    return;
  if (!state->is_row_counted && utf8_valid_bytes(&state->state, data, size) == size)
    return;
  /* Row by row. */
  for (const guint8 *row = data, *end = data + size; row < end;) {
    const guint8 *newline = memchr(row, '\n', (gsize)(end - row));
    gsize length = newline != NULL ? (gsize)(newline - row) : (gsize)(end - row);
    Utf8State row_state = row == data ? before : (Utf8State){0};
    gsize valid = utf8_valid_bytes(&row_state, row, length);
    gboolean is_invalid = valid < length || (newline != NULL && row_state.n_left > 0);
    if (is_invalid && !state->is_row_counted)
      note_row(text, entry, row, length, valid);
    state->is_row_counted = newline == NULL && is_row_cut && (is_invalid || state->is_row_counted);
    state->state = newline == NULL && !state->is_row_counted ? row_state : (Utf8State){0};
    row += length + 1;
  }
}

/* The name of the entry's column with this number; NULL if it is not known. Free with g_free. */
static char *
column_name(const TocEntry *toc, guint column)
{
  g_auto(GStrv) columns = NULL;
  if (!entry_copy_columns(toc, &columns, NULL) || column >= g_strv_length(columns))
    return NULL;
  return g_utf8_make_valid(columns[column], -1);
}

char **
export_text_warnings(ExportText *text, Language language)
{
  if (text == NULL)
    return NULL;
  g_autoptr(GStrvBuilder) warnings = g_strv_builder_new();
  guint n = 0;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&text->mutex);
  for (guint i = 0; i < text->units->entries->len; i++) {
    const Finding *finding = &text->findings[i];
    if (finding->rows == 0)
      continue;
    const TocEntry *toc = g_array_index(text->units->entries, ExportEntry, i).toc;
    g_autofree char *name = entry_display_name(toc);
    g_autofree char *column = column_name(toc, finding->column);
    g_autofree char *warning = text_format(TEXT_EXPORT_INVALID_TEXT, language, name, finding->rows,
                                           column != NULL ? column : "?", finding->key != NULL ? finding->key : "?");
    g_strv_builder_add(warnings, warning);
    n++;
  }
  return n > 0 ? g_strv_builder_end(warnings) : NULL;
}
