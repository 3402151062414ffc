#include "cli/batch/batch_text.h"

#include "base/text.h"

#include <string.h>

enum { MAX_SAMPLE = 5, MAX_SHOWN_VALUES = 4, MAX_REFUSED = 50 };

void
batch_summary_clear(BatchSummary *summary)
{
  g_clear_pointer(&summary->fields, json_decref);
  g_clear_pointer(&summary->sample, json_decref);
  g_clear_pointer(&summary->refused, json_decref);
}

/* Adds one batch's counts of values to the others'. */
static void
merge_values(json_t *into, const json_t *values)
{
  gsize i, k;
  json_t *value, *known;
  json_array_foreach((json_t *)values, i, value) {
    json_t *found = NULL;
    json_array_foreach(into, k, known)
      if (json_equal(json_object_get(known, "value"), json_object_get(value, "value")))
        found = known;
    if (found == NULL) {
      json_array_append_new(into, json_deep_copy(value));
      continue;
    }
    json_int_t sum =
        json_integer_value(json_object_get(found, "count")) + json_integer_value(json_object_get(value, "count"));
    json_object_set_new(found, "count", json_integer(sum));
  }
}

static void
merge_field(json_t *fields, const json_t *field)
{
  gsize i;
  json_t *known, *found = NULL;
  json_array_foreach(fields, i, known)
    if (json_equal(json_object_get(known, "field"), json_object_get(field, "field")) &&
        json_equal(json_object_get(known, "entity"), json_object_get(field, "entity")))
      found = known;
  if (found == NULL) {
    json_array_append_new(fields, json_deep_copy(field));
    return;
  }
  json_int_t changed =
      json_integer_value(json_object_get(found, "changed")) + json_integer_value(json_object_get(field, "changed"));
  json_object_set_new(found, "changed", json_integer(changed));
  merge_values(json_object_get(found, "before"), json_object_get(field, "before"));
  merge_values(json_object_get(found, "after"), json_object_get(field, "after"));
}

void
batch_summary_add(BatchSummary *summary, const json_t *answer)
{
  if (summary->fields == NULL) {
    summary->fields = json_array();
    summary->sample = json_array();
    summary->refused = json_array();
  }
  const json_t *changed = json_object_get(answer, "changedCount");
  changed = changed != NULL ? changed : json_object_get(answer, "resetCount");
  changed = changed != NULL ? changed : json_object_get(answer, "restoredCount");
  summary->n_batches++;
  summary->n_rows += (guint)json_integer_value(json_object_get(answer, "requestedCount"));
  summary->n_changed += (guint)json_integer_value(changed);
  gsize i;
  json_t *item;
  json_array_foreach(json_object_get(answer, "fields"), i, item)
    merge_field(summary->fields, item);
  json_array_foreach(json_object_get(answer, "rows"), i, item)
    if (json_array_size(summary->sample) < MAX_SAMPLE)
      json_array_append(summary->sample, item);
  json_array_extend(summary->refused, json_object_get(answer, "refused"));
}

/* Numbers as they are, everything else as JSON, so that no control character reaches the terminal. */
static void
append_value(GString *text, const json_t *value)
{
  const char *string = json_string_value(value);
  if (string != NULL && *string != '\0' && strspn(string, "0123456789.") == strlen(string)) {
    g_string_append(text, string);
    return;
  }
  char *json = json_dumps(value, JSON_ENCODE_ANY);
  for (const char *p = json; *p != '\0'; p = g_utf8_next_char(p))
    if (g_unichar_isprint(g_utf8_get_char(p)))
      g_string_append_unichar(text, g_utf8_get_char(p));
    else
      g_string_append_printf(text, "\\u%04x", g_utf8_get_char(p));
  free(json);
}

/* A field's value. A request limit of 0 means unlimited, as in the hub. */
static void
append_field_value(GString *text, const char *field, const json_t *value, Language language)
{
  append_value(text, value);
  if (strcmp(field, "rpm") == 0 && json_is_integer(value) && json_integer_value(value) == 0)
    g_string_append_printf(text, " %s", text_get(TEXT_BATCH_UNLIMITED, language));
}

static void
append_values(GString *text, const char *field, const json_t *values, Language language)
{
  gsize i;
  const json_t *value;
  json_array_foreach((json_t *)values, i, value) {
    if (i == MAX_SHOWN_VALUES) {
      g_string_append(text, ", …");
      break;
    }
    g_string_append(text, i > 0 ? ", " : "");
    append_field_value(text, field, json_object_get(value, "value"), language);
    if (json_array_size(values) > 1)
      g_string_append_printf(text, " (%" JSON_INTEGER_FORMAT ")", json_integer_value(json_object_get(value, "count")));
  }
}

static void
append_name(GString *text, const json_t *row)
{
  g_string_append_printf(text, "%s %" JSON_INTEGER_FORMAT, json_string_value(json_object_get(row, "entity")),
                         json_integer_value(json_object_get(row, "id")));
  if (json_object_get(row, "name") != NULL) {
    g_string_append_c(text, ' ');
    append_value(text, json_object_get(row, "name"));
  }
}

/* "users 3 alice: limitDailyUsd 5.00 → 10.00", one line per row; free with g_free. */
static char *
rows_text(const json_t *rows, gsize max, Language language)
{
  GString *text = g_string_new(NULL);
  gsize i, k;
  const json_t *row, *change;
  json_array_foreach((json_t *)rows, i, row) {
    if (i == max)
      break;
    g_string_append(text, "  ");
    append_name(text, row);
    json_array_foreach(json_object_get(row, "changes"), k, change) {
      const char *field = json_string_value(json_object_get(change, "field"));
      g_string_append_printf(text, "%s %s ", k == 0 ? ":" : ",", field);
      append_field_value(text, field, json_object_get(change, "before"), language);
      g_string_append(text, " → ");
      append_field_value(text, field, json_object_get(change, "after"), language);
    }
    g_string_append_c(text, '\n');
  }
  return g_string_free(text, FALSE);
}

char *
batch_refused_text(const json_t *refused)
{
  GString *text = g_string_new(NULL);
  gsize i;
  const json_t *row;
  json_array_foreach((json_t *)refused, i, row) {
    if (i == MAX_REFUSED) {
      g_string_append_printf(text, "  … (%" G_GSIZE_FORMAT ")\n", json_array_size(refused));
      break;
    }
    g_string_append(text, "  ! ");
    append_name(text, row);
    const char *message = json_string_value(json_object_get(row, "message"));
    text_append_line(text, "%s%s", message != NULL ? ": " : "", message != NULL ? message : "");
  }
  return g_string_free(text, FALSE);
}

char *
batch_problems_text(const char *file, const json_t *problems)
{
  GString *text = g_string_new(NULL);
  gsize i;
  const json_t *problem;
  json_array_foreach((json_t *)problems, i, problem)
    text_append_line(text, "%s%s%s: %s", file != NULL ? file : "", file != NULL ? ": " : "",
                     json_string_value(json_object_get(problem, "path")),
                     json_string_value(json_object_get(problem, "message")));
  return g_string_free(text, FALSE);
}

char *
batch_summary_text(const BatchSummary *summary, const char *entity, Language language)
{
  GString *text = g_string_new(NULL);
  g_autofree char *head =
      text_format(TEXT_BATCH_SUMMARY, language, entity, summary->n_rows, summary->n_changed, summary->n_batches);
  g_string_append_printf(text, "%s\n", head);
  gsize i;
  const json_t *field;
  json_array_foreach(summary->fields, i, field) {
    const char *name = json_string_value(json_object_get(field, "field"));
    g_string_append_printf(text,
                           "  %s.%s (%" JSON_INTEGER_FORMAT "): ", json_string_value(json_object_get(field, "entity")),
                           name, json_integer_value(json_object_get(field, "changed")));
    append_values(text, name, json_object_get(field, "before"), language);
    g_string_append(text, " → ");
    append_values(text, name, json_object_get(field, "after"), language);
    g_string_append_c(text, '\n');
  }
  if (json_array_size(summary->sample) > 0) {
    g_autofree char *rows = rows_text(summary->sample, MAX_SAMPLE, language);
    g_string_append_printf(text, "%s\n%s", text_get(TEXT_BATCH_EXAMPLES, language), rows);
  }
  if (json_array_size(summary->refused) > 0) {
    g_autofree char *rows = batch_refused_text(summary->refused);
    g_string_append_printf(text, "%s\n%s", text_get(TEXT_BATCH_REFUSED, language), rows);
  }
  return g_string_free(text, FALSE);
}
