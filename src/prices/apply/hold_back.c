#include "prices/apply/hold_back.h"

#include "prices/apply/moved.h"
#include "prices/apply/report.h"
#include "prices_sql.h"

#include <string.h>

/* The rejected changes that are exactly the same as these. */
static gboolean
find_rejected(Apply *apply, GHashTable *held, GError **error)
{
  g_autoptr(PgResult) rows =
      pg_connection_query(apply->connection, error, prices_held_rejected_sql, 1, apply->updated->str);
  for (guint row = 0; rows != NULL && row < pg_result_rows(rows); row++) {
    const char *name = pg_result_text(rows, row, 0);
    if (g_hash_table_add(held, g_strdup(name)))
      price_issues_add(apply->report->held, PRICE_CHANGE_REJECTED, name, NULL, NULL, NULL);
  }
  return rows != NULL;
}

static void
find_beyond_limit(Apply *apply, GHashTable *held)
{
  PriceReport *report = apply->report;
  for (guint i = 0; i < report->changes->len; i++) {
    const PriceChange *change = &g_array_index(report->changes, PriceChange, i);
    guint n = report->held->len;
    for (guint j = 0; !change->is_new && j < change->fields->len; j++) {
      const PriceFieldChange *field = &g_array_index(change->fields, PriceFieldChange, j);
      price_moved_beyond(report->held, change->model, field->field, field->old, field->new,
                         apply->options->change_limit);
    }
    if (report->held->len > n)
      g_hash_table_add(held, g_strdup(change->model));
  }
}

/* Removes the held changes from what is written. */
static void
take_out(Apply *apply, GHashTable *held)
{
  PriceReport *report = apply->report;
  price_report_take_out(report, held);
  g_string_truncate(apply->changed, 0);
  g_string_truncate(apply->updated, 0);
  guint change = 0; /* both are sorted by name */
  for (guint i = 0; i < apply->models->len && change < report->changes->len; i++) {
    const PriceModel *model = &g_array_index(apply->models, PriceModel, i);
    const PriceChange *next = &g_array_index(report->changes, PriceChange, change);
    if (strcmp(model->name, next->model) != 0)
      continue;
    apply_append_model(apply->changed, model);
    if (!next->is_new)
      apply_append_model(apply->updated, model);
    change++;
  }
  apply_close_objects(apply);
}

gboolean
hold_back_changes(Apply *apply, GError **error)
{
  g_autoptr(GHashTable) held = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  if (!apply->options->is_sync || apply->updated->len == 0)
    return TRUE;
  if (apply->options->change_limit > 0)
    find_beyond_limit(apply, held);
  if (apply->catalog.has_state_tables && !find_rejected(apply, held, error))
    return FALSE;
  if (g_hash_table_size(held) > 0)
    take_out(apply, held);
  return TRUE;
}

/* The held prices, as an object. */
static char *
held_models(const Apply *apply)
{
  g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GString) object = g_string_new(NULL);
  for (guint i = 0; i < apply->report->held->len; i++)
    g_hash_table_add(names, g_array_index(apply->report->held, PriceIssue, i).model);
  for (guint i = 0; i < apply->models->len; i++)
    if (g_hash_table_contains(names, g_array_index(apply->models, PriceModel, i).name))
      apply_append_model(object, &g_array_index(apply->models, PriceModel, i));
  g_string_append(object, object->len > 0 ? "}" : "{}");
  return g_string_free(g_steal_pointer(&object), FALSE);
}

gboolean
hold_back_save(Apply *apply, GError **error)
{
  if (!apply->options->is_sync || !apply->catalog.has_state_tables)
    return TRUE;
  g_autofree char *models = held_models(apply);
  g_autofree char *reasons = price_report_held_reasons(apply->report);
  g_autoptr(PgResult) saved = pg_connection_query(apply->connection, error, prices_held_save_sql, 2, models, reasons);
  return saved != NULL;
}
