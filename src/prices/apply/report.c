#include "prices/apply/report.h"

#include "base/error.h"
#include "base/exact/json_tree.h"
#include "prices/apply/moved.h"

#include <string.h>

static void
clear_field(gpointer data)
{
  PriceFieldChange *field = data;
  g_free(field->field);
  g_free(field->old);
  g_free(field->new);
}

static void
clear_change(gpointer data)
{
  PriceChange *change = data;
  g_free(change->model);
  g_free(change->old_source);
  g_array_unref(change->fields);
}

static void
clear_conflict(gpointer data)
{
  PriceConflict *conflict = data;
  g_free(conflict->model);
  g_free(conflict->manual);
  g_free(conflict->cloud);
}

static GArray *
array_new(gsize element_size, GDestroyNotify clear)
{
  GArray *array = g_array_new(FALSE, FALSE, (guint)element_size);
  g_array_set_clear_func(array, clear);
  return array;
}

static GArray *
copy_issues(const GArray *issues)
{
  GArray *copy = price_issues_new();
  for (guint i = 0; issues != NULL && i < issues->len; i++) {
    const PriceIssue *issue = &g_array_index(issues, PriceIssue, i);
    price_issues_add(copy, issue->code, issue->model, issue->field, issue->value, issue->old);
  }
  return copy;
}

PriceReport *
price_report_new(const PriceTable *table, gboolean is_dry_run)
{
  PriceReport *report = g_new0(PriceReport, 1);
  report->is_dry_run = is_dry_run;
  report->total = table != NULL ? table->total : 0;
  GPtrArray **names[] = {&report->added,   &report->updated, &report->unchanged,
                         &report->skipped, &report->removed, &report->left_out};
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
    *names[i] = g_ptr_array_new_with_free_func(g_free);
  report->failed = copy_issues(table != NULL ? table->failed : NULL);
  report->warnings = copy_issues(table != NULL ? table->warnings : NULL);
  report->held = price_issues_new();
  report->changes = array_new(sizeof(PriceChange), clear_change);
  report->conflicts = array_new(sizeof(PriceConflict), clear_conflict);
  return report;
}

void
price_report_free(PriceReport *report)
{
  if (report == NULL)
    return;
  g_ptr_array_unref(report->added);
  g_ptr_array_unref(report->updated);
  g_ptr_array_unref(report->unchanged);
  g_ptr_array_unref(report->skipped);
  g_ptr_array_unref(report->removed);
  g_ptr_array_unref(report->left_out);
  g_array_unref(report->failed);
  g_array_unref(report->warnings);
  g_array_unref(report->held);
  g_array_unref(report->changes);
  g_array_unref(report->conflicts);
  g_free(report->removed_data);
  g_free(report->state);
  g_free(report);
}

void
price_report_add_change(PriceReport *report, const char *model, const char *old_source)
{
  PriceChange change = {g_strdup(model), old_source == NULL, g_strdup(old_source),
                        array_new(sizeof(PriceFieldChange), clear_field)};
  g_array_append_val(report->changes, change);
}

/* Adds a row's field to its model's change. Both are sorted by name. */
static void
add_field(PriceReport *report, PriceChange *change, const PgResult *rows, guint row)
{
  const char *name = pg_result_text(rows, row, 1), *old = pg_result_text(rows, row, 2);
  const char *new = pg_result_text(rows, row, 3);
  PriceFieldChange field = {g_strdup(name), g_strdup(old), g_strdup(new)};
  g_array_append_val(change->fields, field);
  price_moved_check(report->warnings, change->model, name, old, new);
}

gboolean
price_report_add_fields(PriceReport *report, const PgResult *rows, GError **error)
{
  guint row = 0;
  for (guint i = 0; i < report->changes->len; i++) {
    PriceChange *change = &g_array_index(report->changes, PriceChange, i);
    for (; row < pg_result_rows(rows) && strcmp(pg_result_text(rows, row, 0), change->model) == 0; row++)
      add_field(report, change, rows, row);
  }
  return price_report_all_taken(rows, row, error);
}

gboolean
price_report_all_taken(const PgResult *rows, guint n_taken, GError **error)
{
  if (n_taken == pg_result_rows(rows))
    return TRUE;
  error_set(error, CCH_ERROR_INTERNAL, "the database orders names otherwise than by their bytes in UTF-8, at \"%s\"",
            pg_result_text(rows, n_taken, 0));
  return FALSE;
}

void
price_report_add_conflict(PriceReport *report, const char *model, const char *manual, const char *cloud,
                          gsize cloud_size)
{
  PriceConflict conflict = {g_strdup(model), g_strdup(manual), g_strndup(cloud, cloud_size)};
  g_array_append_val(report->conflicts, conflict);
}

gboolean
price_report_read_names(GPtrArray *names, const char *json, GError **error)
{
  g_autoptr(JsonTree) tree = price_json_parse(json, strlen(json), error);
  if (tree == NULL)
    return FALSE;
  for (guint i = 0; i < json_tree_size(tree); i++)
    g_ptr_array_add(names, g_strdup(json_tree_child(tree, i)->text));
  return TRUE;
}

PriceReport *
price_report_new_known(const char *unchanged, const char *skipped, gboolean is_dry_run, GError **error)
{
  g_autoptr(PriceReport) report = price_report_new(NULL, is_dry_run);
  if (!price_report_read_names(report->unchanged, unchanged, error) ||
      !price_report_read_names(report->skipped, skipped, error))
    return NULL;
  report->was_known = TRUE;
  return g_steal_pointer(&report);
}

void
price_report_take_out(PriceReport *report, GHashTable *models)
{
  for (guint i = report->updated->len; i-- > 0;)
    if (g_hash_table_contains(models, g_ptr_array_index(report->updated, i)))
      g_ptr_array_remove_index(report->updated, i);
  for (guint i = report->changes->len; i-- > 0;)
    if (g_hash_table_contains(models, g_array_index(report->changes, PriceChange, i).model))
      g_array_remove_index(report->changes, i);
  for (guint i = report->warnings->len; i-- > 0;)
    if (g_hash_table_contains(models, g_array_index(report->warnings, PriceIssue, i).model))
      g_array_remove_index(report->warnings, i);
}

/* ---- As JSON: written as text, because jansson's numbers are doubles and prices keep every digit ---- */

/* The number's text; null if absent. */
static void
write_member(GString *out, const char *name, const char *json)
{
  g_string_append_printf(out, ",\"%s\":%s", name, json != NULL ? json : "null");
}

char *
price_report_held_reasons(const PriceReport *report)
{
  g_autoptr(GString) out = g_string_new("{");
  const char *model = NULL; /* a model's issues are contiguous */
  for (guint i = 0; i < report->held->len; i++) {
    const PriceIssue *issue = &g_array_index(report->held, PriceIssue, i);
    if (issue->field == NULL)
      continue;
    gboolean is_same = g_strcmp0(model, issue->model) == 0;
    if (!is_same) {
      g_string_append(out, model != NULL ? "]," : "");
      json_quote(out, issue->model);
      g_string_append(out, ":[");
    }
    g_string_append(out, is_same ? ",{\"field\":" : "{\"field\":");
    json_quote(out, issue->field);
    g_string_append_printf(out, ",\"code\":\"%s\"", price_issue_code_name(issue->code));
    write_member(out, "old", issue->old);
    write_member(out, "new", issue->value);
    g_string_append_c(out, '}');
    model = issue->model;
  }
  g_string_append(out, model != NULL ? "]}" : "}");
  return g_string_free(g_steal_pointer(&out), FALSE);
}

static void
write_names(GString *out, const char *member, const GPtrArray *names)
{
  g_string_append_printf(out, "\"%s\":[", member);
  for (guint i = 0; i < names->len; i++) {
    if (i > 0)
      g_string_append_c(out, ',');
    json_quote(out, g_ptr_array_index(names, i));
  }
  g_string_append_c(out, ']');
}

static void
write_failed_names(GString *out, const GArray *failed)
{
  g_string_append(out, "\"failed\":[");
  for (guint i = 0; i < failed->len; i++) {
    if (i > 0)
      g_string_append_c(out, ',');
    json_quote(out, g_array_index(failed, PriceIssue, i).model);
  }
  g_string_append_c(out, ']');
}

static void
write_fields(GString *out, const GArray *fields)
{
  g_string_append(out, "\"fields\":[");
  for (guint i = 0; i < fields->len; i++) {
    const PriceFieldChange *field = &g_array_index(fields, PriceFieldChange, i);
    g_string_append(out, i > 0 ? ",{\"field\":" : "{\"field\":");
    json_quote(out, field->field);
    g_string_append_printf(out, ",\"old\":%s,\"new\":%s}", field->old != NULL ? field->old : "null",
                           field->new != NULL ? field->new : "null");
  }
  g_string_append_c(out, ']');
}

static void
write_changes(GString *out, const PriceReport *report)
{
  g_string_append(out, ",\"changes\":[");
  for (guint i = 0; i < report->changes->len; i++) {
    const PriceChange *change = &g_array_index(report->changes, PriceChange, i);
    g_string_append(out, i > 0 ? ",{\"modelName\":" : "{\"modelName\":");
    json_quote(out, change->model);
    g_string_append_printf(out, ",\"action\":\"%s\",\"oldSource\":", change->is_new ? "added" : "updated");
    if (change->is_new)
      g_string_append(out, "null");
    else
      json_quote(out, change->old_source);
    g_string_append_printf(out, ",\"newSource\":\"%s\",", report->source);
    write_fields(out, change->fields);
    g_string_append_c(out, '}');
  }
  g_string_append_c(out, ']');
}

static void
write_conflicts(GString *out, const PriceReport *report)
{
  g_string_append_printf(out, ",\"hasConflicts\":%s,\"conflicts\":[", report->conflicts->len > 0 ? "true" : "false");
  for (guint i = 0; i < report->conflicts->len; i++) {
    const PriceConflict *conflict = &g_array_index(report->conflicts, PriceConflict, i);
    g_string_append(out, i > 0 ? ",{\"modelName\":" : "{\"modelName\":");
    json_quote(out, conflict->model);
    /* Older clients use the last one. */
    g_string_append_printf(out, ",\"manualPrice\":%s,\"cloudPrice\":%s,\"litellmPrice\":%s}", conflict->manual,
                           conflict->cloud, conflict->cloud);
  }
  g_string_append_c(out, ']');
}

/* Members of a dry run only. `state` is for a client that wants to apply exactly this. */
static void
write_preview(GString *out, const PriceReport *report)
{
  write_changes(out, report);
  write_conflicts(out, report);
  g_string_append(out, ",\"state\":");
  json_quote(out, report->state);
}

void
price_report_write(const PriceReport *report, Language language, GString *out)
{
  write_names(out, "added", report->added);
  g_string_append_c(out, ',');
  write_names(out, "updated", report->updated);
  g_string_append_c(out, ',');
  write_names(out, "unchanged", report->unchanged);
  g_string_append_c(out, ',');
  write_failed_names(out, report->failed);
  g_string_append_printf(out, ",\"total\":%u,", report->total);
  write_names(out, "skippedConflicts", report->skipped);
  g_string_append_c(out, ',');
  write_names(out, "removed", report->removed);
  g_string_append_c(out, ',');
  write_names(out, "leftOut", report->left_out);
  g_string_append(out, ",\"failures\":");
  price_issues_to_json(report->failed, language, out);
  g_string_append(out, ",\"warnings\":");
  price_issues_to_json(report->warnings, language, out);
  g_string_append(out, ",\"held\":");
  price_issues_to_json(report->held, language, out);
  g_string_append_printf(out, ",\"dryRun\":%s", report->is_dry_run ? "true" : "false");
  if (report->is_dry_run)
    write_preview(out, report);
}

char *
price_report_to_json(const PriceReport *report, Language language)
{
  g_autoptr(GString) out = g_string_new("{");
  price_report_write(report, language, out);
  g_string_append_c(out, '}');
  return g_string_free(g_steal_pointer(&out), FALSE);
}

/* {"model": {"field": old or new value}} for the updated models. */
static void
write_side(GString *out, const PriceReport *report, gboolean is_new)
{
  gboolean is_first = TRUE;
  g_string_append(out, "\"updated\":{");
  for (guint i = 0; i < report->changes->len; i++) {
    const PriceChange *change = &g_array_index(report->changes, PriceChange, i);
    if (change->is_new)
      continue;
    if (!is_first)
      g_string_append_c(out, ',');
    is_first = FALSE;
    json_quote(out, change->model);
    g_string_append(out, ":{\"source\":");
    json_quote(out, is_new ? report->source : change->old_source);
    g_string_append(out, ",\"fields\":{");
    gboolean is_first_field = TRUE;
    for (guint j = 0; j < change->fields->len; j++) {
      const PriceFieldChange *field = &g_array_index(change->fields, PriceFieldChange, j);
      const char *value = is_new ? field->new : field->old;
      if (value == NULL)
        continue;
      if (!is_first_field)
        g_string_append_c(out, ',');
      is_first_field = FALSE;
      json_quote(out, field->field);
      g_string_append_printf(out, ":%s", value);
    }
    g_string_append(out, "}}");
  }
  g_string_append_c(out, '}');
}

char *
price_report_before(const PriceReport *report)
{
  g_autoptr(GString) out = g_string_new("{");
  write_side(out, report, FALSE);
  g_string_append_printf(out, ",\"removed\":%s}", report->removed_data != NULL ? report->removed_data : "{}");
  return g_string_free(g_steal_pointer(&out), FALSE);
}

char *
price_report_after(const PriceReport *report)
{
  g_autoptr(GString) out = g_string_new("{");
  write_side(out, report, TRUE);
  g_string_append_c(out, ',');
  write_names(out, "added", report->added);
  g_string_append_printf(out, ",\"addedSource\":\"%s\",\"total\":%u,\"unchanged\":%u,\"failed\":%u,", report->source,
                         report->total, report->unchanged->len, report->failed->len);
  g_autofree char *held = price_report_held_reasons(report);
  g_string_append_printf(out, "\"held\":%s,", held);
  write_names(out, "skippedConflicts", report->skipped);
  g_string_append_c(out, ',');
  write_names(out, "leftOut", report->left_out);
  g_string_append_c(out, '}');
  return g_string_free(g_steal_pointer(&out), FALSE);
}
