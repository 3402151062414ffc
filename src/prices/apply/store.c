#include "prices/apply/store.h"

#include "audit/audit.h"
#include "base/error.h"
#include "prices/apply/apply.h"
#include "prices/format/model.h"
#include "prices/format/table.h"
#include "prices/format/toml_writer.h"
#include "prices_sql.h"

#include <string.h>

const char *const price_sorts[] = {"modelName", "source",    "provider",   "vendor",      "mode",
                                   "updatedAt", "createdAt", "inputPrice", "outputPrice", NULL};

/* A LIKE pattern for texts that contain this one; % and _ in it are escaped. */
static char *
pattern_of(const char *text)
{
  if (text == NULL || *text == '\0')
    return NULL;
  g_autoptr(GString) pattern = g_string_new("%");
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '%' || *c == '_' || *c == '\\')
      g_string_append_c(pattern, '\\');
    g_string_append_c(pattern, *c);
  }
  g_string_append_c(pattern, '%');
  return g_string_free(g_steal_pointer(&pattern), FALSE);
}

static gboolean
check_catalog(PgConnection *connection, GError **error)
{
  PriceCatalog catalog;
  return price_catalog_read(connection, &catalog, error);
}

gboolean
price_list(PgConnection *connection, const PriceFilter *filter, char **ret_items, guint64 *ret_total, GError **error)
{
  if (!check_catalog(connection, error))
    return FALSE;
  g_autofree char *pattern = pattern_of(filter->search);
  g_autofree char *limit = g_strdup_printf("%u", filter->page_size);
  g_autofree char *offset = g_strdup_printf("%" G_GUINT64_FORMAT, (guint64)(filter->page - 1) * filter->page_size);
  g_autoptr(PgResult) result = pg_connection_query(
      connection, error, prices_list_sql, 9, pattern, filter->source, filter->provider, filter->vendor, filter->mode,
      filter->sort != NULL ? filter->sort : "updatedAt", filter->order != NULL ? filter->order : "desc", limit, offset);
  if (result == NULL)
    return FALSE;
  *ret_items = g_strdup(pg_result_text(result, 0, 0));
  *ret_total = (guint64)pg_result_int64(result, 0, 1);
  return TRUE;
}

char *
price_facets(PgConnection *connection, GError **error)
{
  char *facets = NULL;
  return check_catalog(connection, error) && pg_connection_value(connection, &facets, error, prices_facets_sql, 0)
             ? facets
             : NULL;
}

/* NULL with PRICES_NOT_FOUND if there is none. */
static PgResult *
find_row(PgConnection *connection, const char *name, gboolean only_cloud, GError **error)
{
  g_autoptr(PgResult) row =
      pg_connection_query(connection, error, prices_get_sql, 2, name, only_cloud ? "true" : "false");
  if (row == NULL)
    return NULL;
  if (pg_result_rows(row) > 0)
    return g_steal_pointer(&row);
  error_set(error, CCH_ERROR_PRICES_NOT_FOUND, "%s", name);
  return NULL;
}

/* The same, but TRUE and NULL if there is none. */
static gboolean
look_up(PgConnection *connection, const char *name, PgResult **ret_row, GError **error)
{
  g_autoptr(GError) problem = NULL;
  *ret_row = find_row(connection, name, FALSE, &problem);
  if (*ret_row != NULL || error_code(problem) == CCH_ERROR_PRICES_NOT_FOUND)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&problem));
  return FALSE;
}

char *
price_get(PgConnection *connection, const char *name, GError **error)
{
  if (!check_catalog(connection, error))
    return NULL;
  g_autoptr(PgResult) row = find_row(connection, name, FALSE, error);
  return row != NULL ? g_strdup(pg_result_text(row, 0, 0)) : NULL;
}

/* {"source": …, "priceData": …} for the audit, or NULL. Text, because jansson would round the prices. */
static char *
audit_value(const PgResult *row)
{
  return row != NULL ? g_strdup_printf("{\"source\":\"%s\",\"priceData\":%s}", pg_result_text(row, 0, 2),
                                       pg_result_text(row, 0, 1))
                     : NULL;
}

static gboolean
write_audit(PgConnection *connection, const char *type, const char *name, const char *before, const char *after,
            const PriceEditor *editor, GError **error)
{
  AuditEntry entry = {.category = "model_price",
                      .type = type,
                      .operator_name = editor->operator_name,
                      .operator_ip = editor->operator_ip,
                      .target_type = "model_price",
                      .target_name = name,
                      .before_json = before,
                      .details_json = after,
                      .success = TRUE};
  return audit_write(connection, &entry, error);
}

/* Names the problem in the words used for files. */
static gboolean
check_model(const char *name, const char *json, Language language, GError **error)
{
  g_autoptr(GArray) failed = price_issues_new();
  g_autoptr(GArray) warnings = price_issues_new();
  g_autofree char *trimmed = price_name_trim(name);
  if (*trimmed == '\0')
    price_issues_add(failed, PRICE_NAME_EMPTY, name, NULL, NULL, NULL);
  else if (strlen(name) > PRICE_NAME_MAX_BYTES)
    price_issues_add(failed, PRICE_NAME_TOO_LONG, name, NULL, NULL, NULL);
  else if (price_model_check(name, json, strlen(json), failed, warnings, NULL))
    return TRUE;
  g_autofree char *reason = price_issue_text(&g_array_index(failed, PriceIssue, 0), language);
  error_set(error, CCH_ERROR_PRICES_MODEL, "%s: %s", name, reason);
  return FALSE;
}

/* Replaces all of the model's rows by one manual row; returns its JSON. */
static char *
replace_rows(PgConnection *connection, const char *type, const char *name, const char *json, const PgResult *before,
             const PriceEditor *editor, GError **error)
{
  if (!check_model(name, json, editor->language, error))
    return NULL;
  g_autoptr(GString) object = g_string_new("{");
  json_quote(object, name);
  g_string_append_printf(object, ":%s}", json);
  g_autoptr(PgResult) written = pg_connection_query(connection, error, prices_write_sql, 2, object->str, "manual");
  g_autoptr(PgResult) row = written != NULL ? find_row(connection, name, FALSE, error) : NULL;
  if (row == NULL)
    return NULL;
  g_autofree char *old = audit_value(before), *new = audit_value(row);
  if (!write_audit(connection, type, name, old, new, editor, error))
    return NULL;
  return g_strdup(pg_result_text(row, 0, 0));
}

/* Splits the request's fields into those to set and the names of those to remove. */
static void
split_fields(const JsonTree *fields, GString *set, GPtrArray *taken)
{
  g_string_append_c(set, '{');
  for (guint i = 0; i < json_tree_size(fields); i++) {
    const JsonTree *field = json_tree_child(fields, i);
    if (field->type == JSON_TOKEN_NULL) {
      g_ptr_array_add(taken, field->key);
      continue;
    }
    if (set->len > 1)
      g_string_append_c(set, ',');
    json_quote(set, field->key);
    g_string_append_c(set, ':');
    json_tree_write(field, set);
  }
  g_string_append_c(set, '}');
  g_ptr_array_add(taken, NULL);
}

static char *
set_in_transaction(PgConnection *connection, const char *name, const JsonTree *fields, const PriceEditor *editor,
                   char **ret_before, GError **error)
{
  g_autoptr(PgResult) before = NULL;
  g_autoptr(GString) set = g_string_new(NULL);
  g_autoptr(GPtrArray) taken = g_ptr_array_new();
  split_fields(fields, set, taken);
  g_autofree char *names = pg_array((const char *const *)taken->pdata);
  if (!look_up(connection, name, &before, error))
    return NULL;
  g_autofree char *merged = NULL;
  const char *data = before != NULL ? pg_result_text(before, 0, 1) : NULL;
  if (!pg_connection_value(connection, &merged, error, prices_merge_sql, 3, data, set->str, names))
    return NULL;
  *ret_before = before != NULL ? g_strdup(pg_result_text(before, 0, 0)) : NULL;
  return replace_rows(connection, "model_price.set", name, merged, before, editor, error);
}

static char *
pin_in_transaction(PgConnection *connection, const char *name, const char *key, const PriceEditor *editor,
                   GError **error)
{
  g_autoptr(PgResult) cloud = find_row(connection, name, TRUE, error);
  g_autoptr(PgResult) before = NULL;
  g_autofree char *pinned = NULL;
  if (cloud == NULL || !look_up(connection, name, &before, error) ||
      !pg_connection_value(connection, &pinned, error, prices_pinned_sql, 2, pg_result_text(cloud, 0, 1), key))
    return NULL;
  if (pinned == NULL) {
    error_set(error, CCH_ERROR_PRICES_NOT_FOUND, "%s has no prices of %s", name, key);
    return NULL;
  }
  return replace_rows(connection, "model_price.pin", name, pinned, before, editor, error);
}

static gboolean
delete_one(PgConnection *connection, const char *name, gboolean must_exist, const PriceEditor *editor, GError **error)
{
  g_autoptr(PgResult) before = NULL;
  if (must_exist ? (before = find_row(connection, name, FALSE, error)) == NULL
                 : !look_up(connection, name, &before, error))
    return FALSE;
  if (before == NULL)
    return TRUE;
  g_autoptr(PgResult) deleted = pg_connection_query(connection, error, prices_delete_sql, 1, name);
  g_autofree char *old = audit_value(before);
  return deleted != NULL && write_audit(connection, "model_price.delete", name, old, NULL, editor, error);
}

static gboolean
begin_edit(PgConnection *connection, const PriceEditor *editor, GError **error)
{
  return check_catalog(connection, error) && pg_connection_exec(connection, PRICE_BEGIN, error) &&
         price_lock_table(connection, editor->lock_wait_s, error);
}

/* Commits a successful change; rolls back a failed one, or a dry run. */
static gboolean
end_edit(PgConnection *connection, gboolean is_done, const PriceEditor *editor, GError **error)
{
  if (is_done && !editor->is_dry_run && pg_connection_exec(connection, "COMMIT", error))
    return TRUE;
  pg_connection_rollback(connection);
  return is_done && editor->is_dry_run;
}

char *
price_set(PgConnection *connection, const char *name, const JsonTree *fields, const PriceEditor *editor,
          char **ret_before, GError **error)
{
  g_autofree char *before = NULL;
  g_autofree char *row = begin_edit(connection, editor, error)
                             ? set_in_transaction(connection, name, fields, editor, &before, error)
                             : NULL;
  if (!end_edit(connection, row != NULL, editor, error))
    return NULL;
  if (ret_before != NULL)
    *ret_before = g_steal_pointer(&before);
  return g_steal_pointer(&row);
}

char *
price_pin(PgConnection *connection, const char *name, const char *provider_key, const PriceEditor *editor,
          GError **error)
{
  g_autofree char *row =
      begin_edit(connection, editor, error) ? pin_in_transaction(connection, name, provider_key, editor, error) : NULL;
  return end_edit(connection, row != NULL, editor, error) ? g_steal_pointer(&row) : NULL;
}

gboolean
price_delete(PgConnection *connection, const char *const *names, gboolean must_exist, const PriceEditor *editor,
             GError **error)
{
  gboolean is_good = begin_edit(connection, editor, error);
  for (; is_good && *names != NULL; names++)
    is_good = delete_one(connection, *names, must_exist, editor, error);
  return end_edit(connection, is_good, editor, error);
}

static gboolean
append_toml(GString *out, const PgResult *rows, guint row, GError **error)
{
  const char *data = pg_result_text(rows, row, 1);
  g_autoptr(JsonTree) tree = price_json_parse(data, strlen(data), error);
  return tree != NULL && toml_write_model(out, pg_result_text(rows, row, 0), tree, error);
}

static void
append_json(GString *out, const PgResult *rows, guint row)
{
  g_string_append(out, row > 0 ? ",\n" : "\n");
  json_quote(out, pg_result_text(rows, row, 0));
  g_string_append_printf(out, ": %s", pg_result_text(rows, row, 1));
}

char *
price_export(PgConnection *connection, PriceExportFormat format, const char *source, GError **error)
{
  g_autoptr(PgResult) rows =
      check_catalog(connection, error) ? pg_connection_query(connection, error, prices_export_sql, 1, source) : NULL;
  if (rows == NULL)
    return NULL;
  gboolean is_toml = format == PRICE_EXPORT_TOML;
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autofree char *version = g_date_time_format(now, "%Y.%m.%d");
  g_autoptr(GString) out = g_string_new("{");
  if (is_toml)
    g_string_printf(out, "[metadata]\nversion = \"%s\"\n\n[models]\n", version);
  for (guint row = 0; row < pg_result_rows(rows); row++) {
    if (!is_toml)
      append_json(out, rows, row);
    else if (!append_toml(out, rows, row, error))
      return NULL;
  }
  if (!is_toml)
    g_string_append(out, "\n}\n");
  return g_string_free(g_steal_pointer(&out), FALSE);
}
