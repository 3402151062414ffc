#include "prices/apply/apply.h"

#include "audit/audit.h"
#include "base/error.h"
#include "base/exact/json_scan.h"
#include "prices/apply/apply_state.h"
#include "prices/apply/hold_back.h"
#include "prices/apply/report.h"
#include "prices_sql.h"

#include <string.h>

/* pg_advisory_xact_lock's bigint: "cch_prce" in ASCII. */
#define PRICES_LOCK_KEY "7161682591566947173"

gboolean
price_catalog_read(PgConnection *connection, PriceCatalog *ret_catalog, GError **error)
{
  g_autoptr(PgResult) result = pg_connection_query(connection, error, prices_catalog_sql, 0);
  if (result == NULL)
    return FALSE;
  if (!pg_result_bool(result, 0, 0)) {
    error_set(error, CCH_ERROR_PRICES_NO_TABLE, "public.model_prices is missing, or of a hub older than v0.4");
    return FALSE;
  }
  *ret_catalog = (PriceCatalog){.cloud_source = pg_result_bool(result, 0, 1) ? "cloud" : "litellm",
                                .has_state_tables = pg_result_bool(result, 0, 2)};
  return TRUE;
}

/* Takes the advisory lock first: of two transactions of ours, the second waits there and then sees the first one's
 * rows. */
gboolean
price_lock_table(PgConnection *connection, guint lock_wait_s, GError **error)
{
  return pg_connection_execf(connection, error,
                             "SET LOCAL lock_timeout = '%us'; SELECT pg_catalog.pg_advisory_xact_lock(%s);"
                             "LOCK TABLE public.model_prices IN SHARE ROW EXCLUSIVE MODE",
                             MAX(lock_wait_s, 1), PRICES_LOCK_KEY);
}

char *
price_state_read(PgConnection *connection, GError **error)
{
  char *state = NULL;
  return pg_connection_value(connection, &state, error, prices_state_sql, 0) ? state : NULL;
}

static char *
all_models(const GArray *models)
{
  g_autoptr(GString) object = g_string_new(NULL);
  for (guint i = 0; i < models->len; i++)
    apply_append_model(object, &g_array_index(models, PriceModel, i));
  g_string_append_c(object, '}');
  return g_string_free(g_steal_pointer(&object), FALSE);
}

static char *
array_of(GPtrArray *names)
{
  g_autofree const char **values = g_new0(const char *, names->len + 1);
  for (guint i = 0; i < names->len; i++)
    values[i] = g_ptr_array_index(names, i);
  return pg_array(values);
}

static const char *const no_names[] = {NULL};

static const char *const *
names_or_none(const char *const *names)
{
  return names != NULL ? names : no_names;
}

static char *
overwrite_array(const Apply *apply)
{
  return pg_array(names_or_none(apply->options->overwrite));
}

static gboolean
is_left_out(const Apply *apply, const char *name)
{
  return g_strv_contains(names_or_none(apply->options->leave_out), name);
}

/* Everything that determines the outcome, besides the stored rows. */
static void
identify_table(Apply *apply)
{
  const PriceApplyOptions *options = apply->options;
  apply->kind = g_strdup(options->is_sync ? "sync" : options->is_manual ? "upload manual" : "upload");
  g_autofree char *overwrite = overwrite_array(apply);
  g_autofree char *left_out = pg_array(names_or_none(options->leave_out));
  g_autofree char *all = g_strdup_printf("%s%s%s %u%s", apply->table->digest, overwrite, left_out,
                                         options->change_limit, options->keeps_hub_fields ? " hub" : "");
  apply->digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, all, -1);
}

static void
add_name(GPtrArray *names, const char *name)
{
  g_ptr_array_add(names, g_strdup(name));
}

/* Whether exactly this content was applied last and nothing has changed since. */
static gboolean
recognise_table(Apply *apply, gboolean *ret_is_known, GError **error)
{
  *ret_is_known = FALSE;
  apply->report->state = price_state_read(apply->connection, error);
  if (apply->report->state == NULL)
    return FALSE;
  const char *expected = apply->options->expected_state;
  if (expected != NULL && strcmp(expected, apply->report->state) != 0) {
    error_set(error, CCH_ERROR_PRICES_STALE, "model_prices was written to since the check");
    return FALSE;
  }
  if (!apply->catalog.has_state_tables || apply->options->is_dry_run)
    return TRUE;
  g_autoptr(PgResult) found = pg_connection_query(apply->connection, error, prices_find_applied_sql, 3, apply->kind,
                                                  apply->digest, apply->report->state);
  if (found == NULL)
    return FALSE;
  *ret_is_known = pg_result_rows(found) == 1;
  if (*ret_is_known && !price_report_read_names(apply->report->skipped, pg_result_text(found, 0, 0), error))
    return FALSE;
  for (guint i = 0; *ret_is_known && i < apply->table->models->len; i++)
    add_name(apply->report->unchanged, g_array_index(apply->table->models, PriceModel, i).name);
  apply->report->was_known = *ret_is_known;
  return TRUE;
}

/* One row of plan.sql. */
static void
take_verdict(Apply *apply, const PriceModel *model, const PgResult *rows, guint row)
{
  const char *action = pg_result_text(rows, row, 1);
  PriceReport *report = apply->report;
  if (strcmp(action, "skipped") == 0) {
    add_name(report->unchanged, model->name);
    add_name(report->skipped, model->name);
    if (pg_result_text(rows, row, 3) != NULL)
      price_report_add_conflict(report, model->name, pg_result_text(rows, row, 3), model->json, model->size);
    return;
  }
  if (is_left_out(apply, model->name)) {
    add_name(report->left_out, model->name);
    return;
  }
  gboolean is_new = strcmp(action, "added") == 0;
  add_name(is_new ? report->added : report->updated, model->name);
  apply_append_model(apply->changed, model);
  if (!is_new)
    apply_append_model(apply->updated, model);
  price_report_add_change(report, model->name, pg_result_text(rows, row, 2));
}

static gboolean
plan_changes(Apply *apply, GError **error)
{
  g_autofree char *models = all_models(apply->models);
  g_autofree char *overwrite = overwrite_array(apply);
  g_autoptr(PgResult) rows = pg_connection_query(apply->connection, error, prices_plan_sql, 4, models,
                                                 apply->options->is_manual ? "manual" : "cloud", overwrite,
                                                 apply->options->is_dry_run ? "true" : "false");
  if (rows == NULL)
    return FALSE;
  /* Both are sorted by the names' bytes. */
  guint row = 0;
  for (guint i = 0; i < apply->models->len; i++) {
    const PriceModel *model = &g_array_index(apply->models, PriceModel, i);
    if (row < pg_result_rows(rows) && strcmp(pg_result_text(rows, row, 0), model->name) == 0)
      take_verdict(apply, model, rows, row++);
    else
      add_name(apply->report->unchanged, model->name);
  }
  if (!price_report_all_taken(rows, row, error))
    return FALSE;
  apply_close_objects(apply);
  return TRUE;
}

/* If a hub keeps the table, too: adds to the models the hub's fields that the new table lacks. */
static gboolean
keep_hub_fields(Apply *apply, GError **error)
{
  if (!apply->options->keeps_hub_fields)
    return TRUE;
  g_autofree char *models = all_models(apply->models);
  g_autoptr(PgResult) rows = pg_connection_query(apply->connection, error, prices_hub_fields_sql, 1, models);
  if (rows == NULL)
    return FALSE;
  guint row = 0;
  for (guint i = 0; i < apply->models->len && row < pg_result_rows(rows); i++) {
    PriceModel *model = &g_array_index(apply->models, PriceModel, i);
    if (strcmp(pg_result_text(rows, row, 0), model->name) != 0)
      continue;
    char *json = g_strdup(pg_result_text(rows, row++, 1));
    g_ptr_array_add(apply->texts, json);
    model->json = json;
    model->size = strlen(json);
  }
  return price_report_all_taken(rows, row, error);
}

/* Compares field by field; for new models only if the result is shown. */
static gboolean
compare_fields(Apply *apply, GError **error)
{
  const GString *models = apply->options->is_dry_run ? apply->changed : apply->updated;
  if (models->len == 0)
    return TRUE;
  g_autoptr(PgResult) rows = pg_connection_query(apply->connection, error, prices_changes_sql, 1, models->str);
  return rows != NULL && price_report_add_fields(apply->report, rows, error);
}

static gboolean
last_model_count(Apply *apply, guint64 *ret_count, GError **error)
{
  g_autofree char *count = NULL;
  if (apply->catalog.has_state_tables &&
      !pg_connection_value(apply->connection, &count, error, "SELECT model_count FROM cch_data.price_sync", 0))
    return FALSE;
  if (count == NULL && !pg_connection_value(apply->connection, &count, error, prices_count_cloud_sql, 0))
    return FALSE;
  *ret_count = g_ascii_strtoull(count != NULL ? count : "0", NULL, 10);
  return TRUE;
}

/* A truncated table must not pass for a smaller one. */
static gboolean
check_size(Apply *apply, GError **error)
{
  guint64 last = 0, now = apply->table->models->len;
  if (!apply->options->is_sync || apply->options->is_forced)
    return TRUE;
  if (!last_model_count(apply, &last, error))
    return FALSE;
  if (now * 2 >= last)
    return TRUE;
  error_set(error, CCH_ERROR_PRICES_SHRUNK,
            "%" G_GUINT64_FORMAT " valid models now, %" G_GUINT64_FORMAT " last time; force it if that is right", now,
            last);
  return FALSE;
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A model that failed is still in the cloud, and keeps its last price. */
static char *
names_in_file(const PriceTable *table)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  for (guint i = 0; i < table->models->len; i++)
    g_ptr_array_add(names, g_array_index(table->models, PriceModel, i).name);
  for (guint i = 0; i < table->failed->len; i++)
    g_ptr_array_add(names, g_array_index(table->failed, PriceIssue, i).model);
  g_ptr_array_sort(names, compare_names);
  return array_of(names);
}

static gboolean
find_dropped(Apply *apply, GError **error)
{
  if (!apply->options->is_sync || !apply->catalog.has_state_tables)
    return TRUE;
  g_autofree char *names = names_in_file(apply->table);
  g_autoptr(PgResult) rows = pg_connection_query(apply->connection, error, prices_find_dropped_sql, 1, names);
  for (guint row = 0; rows != NULL && row < pg_result_rows(rows); row++) {
    const char *name = pg_result_text(rows, row, 0);
    add_name(is_left_out(apply, name) ? apply->report->left_out : apply->report->removed, name);
  }
  return rows != NULL;
}

static gboolean
write_models(Apply *apply, GError **error)
{
  if (apply->changed->len > 0) {
    g_autoptr(PgResult) written =
        pg_connection_query(apply->connection, error, prices_write_sql, 2, apply->changed->str, apply->report->source);
    if (written == NULL)
      return FALSE;
  }
  if (apply->report->removed->len == 0)
    return TRUE;
  g_autofree char *names = array_of(apply->report->removed);
  return pg_connection_value(apply->connection, &apply->report->removed_data, error, prices_remove_sql, 1, names);
}

static gboolean
write_audit(Apply *apply, GError **error)
{
  const PriceApplyOptions *options = apply->options;
  g_autofree char *before = price_report_before(apply->report);
  g_autofree char *after = price_report_after(apply->report);
  AuditEntry entry = {.category = "model_price",
                      .type = options->audit_type != NULL ? options->audit_type
                              : options->is_sync          ? "model_price.sync"
                                                          : "model_price.upload",
                      .operator_name = options->operator_name,
                      .operator_ip = options->operator_ip,
                      .target_type = "model_price",
                      .target_name = options->file_name,
                      .before_json = before,
                      .details_json = after,
                      .success = TRUE};
  return audit_write(apply->connection, &entry, error);
}

static gboolean
save_applied(Apply *apply, GError **error)
{
  g_clear_pointer(&apply->report->state, g_free);
  apply->report->state = price_state_read(apply->connection, error);
  if (apply->report->state == NULL)
    return FALSE;
  if (!apply->catalog.has_state_tables)
    return TRUE;
  g_autofree char *skipped = array_of(apply->report->skipped);
  g_autoptr(PgResult) saved = pg_connection_query(apply->connection, error, prices_save_applied_sql, 4, apply->kind,
                                                  apply->digest, apply->report->state, skipped);
  return saved != NULL;
}

static gboolean
apply_in_transaction(Apply *apply, GError **error)
{
  gboolean is_dry_run = apply->options->is_dry_run, is_known = FALSE;
  if (!price_catalog_read(apply->connection, &apply->catalog, error) ||
      (!is_dry_run && !price_lock_table(apply->connection, apply->options->lock_wait_s, error)))
    return FALSE;
  PriceReport *report = apply->report;
  report->source = apply->options->is_manual ? "manual" : apply->catalog.cloud_source;
  if (!recognise_table(apply, &is_known, error) || is_known)
    return is_known;
  if (!check_size(apply, error) || !keep_hub_fields(apply, error) || !plan_changes(apply, error) ||
      !compare_fields(apply, error) || !hold_back_changes(apply, error) || !find_dropped(apply, error))
    return FALSE;
  if (is_dry_run)
    return TRUE;
  gboolean is_changed = report->added->len + report->updated->len + report->removed->len > 0;
  return (!is_changed || (write_models(apply, error) && write_audit(apply, error))) && hold_back_save(apply, error) &&
         save_applied(apply, error);
}

PriceReport *
price_apply(PgConnection *connection, const PriceTable *table, const PriceApplyOptions *options, GError **error)
{
  g_auto(Apply) apply = {.connection = connection,
                         .table = table,
                         .models = g_array_copy(table->models),
                         .texts = g_ptr_array_new_with_free_func(g_free),
                         .options = options,
                         .changed = g_string_new(NULL),
                         .updated = g_string_new(NULL),
                         .report = price_report_new(table, options->is_dry_run)};
  identify_table(&apply);
  /* A dry run needs a consistent view of the database. A real run waits for its turn, and then has to see what was
   * committed before. */
  const char *begin = options->is_dry_run ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" : PRICE_BEGIN;
  if (!pg_connection_exec(connection, begin, error))
    return NULL;
  if (apply_in_transaction(&apply, error) && pg_connection_exec(connection, "COMMIT", error))
    return g_steal_pointer(&apply.report);
  pg_connection_rollback(connection);
  return NULL;
}
