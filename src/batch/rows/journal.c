#include "batch/rows/journal.h"

#include "base/exact/json_scan.h"

BatchJournal *
batch_journal_new(void)
{
  BatchJournal *journal = g_new0(BatchJournal, 1);
  journal->changes = g_string_new("[");
  journal->before = g_string_new("{\"rows\":[");
  journal->after = g_string_new("{\"rows\":[");
  return journal;
}

void
batch_journal_free(BatchJournal *journal)
{
  g_string_free(journal->changes, TRUE);
  g_string_free(journal->before, TRUE);
  g_string_free(journal->after, TRUE);
  g_free(journal);
}

static void
append_stored(GString *out, const char *value)
{
  if (value != NULL)
    json_quote(out, value);
  else
    g_string_append(out, "null");
}

/* The same as batch_value_to_json(). */
static void
append_shown(GString *out, const BatchField *field, const char *value)
{
  switch (field->type) {
  case BATCH_TYPE_BOOLEAN:
    g_string_append(out, value == NULL ? "null" : *value == 't' ? "true" : "false");
    break;
  case BATCH_TYPE_INTEGER:
    g_string_append(out, value != NULL ? value : "null");
    break;
  case BATCH_TYPE_TAGS:
  case BATCH_TYPE_LIST:
  case BATCH_TYPE_JSON: {
    g_autoptr(json_t) json = batch_value_to_json(field, value);
    g_autofree char *text = json_to_text(json);
    g_string_append(out, text);
    break;
  }
  default:
    append_stored(out, value);
  }
}

static void
append_change(BatchJournal *journal, const BatchField *field, const char *before, const char *after, gboolean is_first)
{
  const char *comma = is_first ? "" : ",";
  g_string_append_printf(journal->changes, "%s{\"column\":\"%s\",\"before\":", comma, field->column);
  append_stored(journal->changes, before);
  g_string_append(journal->changes, ",\"after\":");
  append_stored(journal->changes, after);
  g_string_append_c(journal->changes, '}');
  g_string_append_printf(journal->before, "%s\"%s\":", comma, field->name);
  append_shown(journal->before, field, before);
  g_string_append_printf(journal->after, "%s\"%s\":", comma, field->name);
  append_shown(journal->after, field, after);
}

static void
append_row(BatchJournal *journal, const BatchRows *rows, const BatchRow *row)
{
  GString *const texts[] = {journal->changes, journal->before, journal->after};
  g_autoptr(GString) head = g_string_new(journal->n_rows > 0 ? "," : "");
  g_string_append_printf(head, "{\"entity\":\"%s\",\"id\":%" G_GINT64_FORMAT, batch_entity_name(rows->entity), row->id);
  if (row->label != NULL) {
    g_string_append(head, ",\"name\":");
    json_quote(head, row->label);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
    g_string_append_len(texts[i], head->str, (gssize)head->len);
    g_string_append(texts[i], texts[i] == journal->changes ? ",\"changes\":[" : ",\"values\":{");
  }
  gboolean is_first = TRUE;
  for (guint i = 0; i < row->n_fields; i++)
    if (g_strcmp0(row->before[i], row->after[i]) != 0) {
      append_change(journal, rows->fields->pdata[i], row->before[i], row->after[i], is_first);
      is_first = FALSE;
    }
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
    g_string_append(texts[i], texts[i] == journal->changes ? "]}" : "}}");
  journal->n_rows++;
}

void
batch_journal_add(BatchJournal *journal, const BatchRows *rows)
{
  for (guint i = 0; i < rows->rows->len; i++)
    if (batch_row_differs(rows->rows->pdata[i]))
      append_row(journal, rows, rows->rows->pdata[i]);
}

void
batch_journal_end(BatchJournal *journal, const char *group)
{
  GString *const sides[] = {journal->before, journal->after};
  g_string_append_c(journal->changes, ']');
  for (gsize i = 0; i < G_N_ELEMENTS(sides); i++) {
    g_string_append_printf(sides[i], "],\"changedCount\":%u", journal->n_rows);
    if (group != NULL && sides[i] == journal->after) {
      g_string_append(sides[i], ",\"group\":");
      json_quote(sides[i], group);
    }
    g_string_append_c(sides[i], '}');
  }
}
