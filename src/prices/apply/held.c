#include "prices/apply/held.h"

#include "audit/audit.h"
#include "base/error.h"
#include "base/exact/json_scan.h"
#include "base/json.h"
#include "prices_sql.h"

#include <string.h>

static gboolean
check_table(PgConnection *connection, gboolean *ret_is_there, GError **error)
{
  PriceCatalog catalog;
  if (!price_catalog_read(connection, &catalog, error))
    return FALSE;
  *ret_is_there = catalog.has_state_tables;
  return TRUE;
}

char *
price_held_list(PgConnection *connection, GError **error)
{
  gboolean is_there = FALSE;
  char *list = NULL;
  if (!check_table(connection, &is_there, error))
    return NULL;
  if (!is_there)
    return g_strdup("[]");
  return pg_connection_value(connection, &list, error, prices_held_list_sql, 0) ? list : NULL;
}

static gboolean
is_among(const PgResult *rows, const char *name)
{
  for (guint row = 0; row < pg_result_rows(rows); row++)
    if (strcmp(pg_result_text(rows, row, 0), name) == 0)
      return TRUE;
  return FALSE;
}

/* The requested changes; PRICES_NOT_FOUND if one of them is missing, or there is none. */
static PgResult *
find_held(PgConnection *connection, const char *const *names, GError **error)
{
  gboolean is_there = FALSE;
  if (!check_table(connection, &is_there, error))
    return NULL;
  g_autofree char *array = names != NULL ? pg_array(names) : NULL;
  g_autoptr(PgResult) rows = is_there ? pg_connection_query(connection, error, prices_held_find_sql, 1, array) : NULL;
  if (is_there && rows == NULL)
    return NULL;
  for (; rows != NULL && names != NULL && *names != NULL; names++)
    if (!is_among(rows, *names)) {
      error_set(error, CCH_ERROR_PRICES_NOT_FOUND, "no change of %s is held back", *names);
      return NULL;
    }
  if (rows != NULL && pg_result_rows(rows) > 0)
    return g_steal_pointer(&rows);
  error_set(error, CCH_ERROR_PRICES_NOT_FOUND, "no change is held back");
  return NULL;
}

static char *
models_of(const PgResult *rows)
{
  g_autoptr(GString) object = g_string_new("{");
  for (guint row = 0; row < pg_result_rows(rows); row++) {
    if (row > 0)
      g_string_append_c(object, ',');
    json_quote(object, pg_result_text(rows, row, 0));
    g_string_append_printf(object, ":%s", pg_result_text(rows, row, 1));
  }
  g_string_append_c(object, '}');
  return g_string_free(g_steal_pointer(&object), FALSE);
}

PriceReport *
price_held_approve(PgConnection *connection, const char *const *names, const PriceApplyOptions *options, GError **error)
{
  g_autoptr(PgResult) rows = find_held(connection, names, error);
  g_autofree char *models = rows != NULL ? models_of(rows) : NULL;
  g_autoptr(PriceTable) table =
      models != NULL ? price_table_parse(models, strlen(models), PRICE_ORIGIN_SYNC, error) : NULL;
  g_autoptr(PriceReport) report = table != NULL ? price_apply(connection, table, options, error) : NULL;
  if (report == NULL || options->is_dry_run)
    return g_steal_pointer(&report);
  /* If we die here, the next sync finds the prices equal and removes these changes. */
  g_autoptr(PgResult) forgotten = pg_connection_query(connection, error, prices_held_forget_sql, 1, models);
  return forgotten != NULL ? g_steal_pointer(&report) : NULL;
}

static char **
names_of(const PgResult *rows)
{
  char **names = g_new0(char *, pg_result_rows(rows) + 1);
  for (guint row = 0; row < pg_result_rows(rows); row++)
    names[row] = g_strdup(pg_result_text(rows, row, 0));
  return names;
}

static gboolean
reject_in_transaction(PgConnection *connection, const char *const *names, const PriceApplyOptions *options,
                      GError **error)
{
  g_autofree char *array = pg_array(names);
  g_autoptr(PgResult) rejected =
      pg_connection_query(connection, error, prices_held_reject_sql, 2, array, options->operator_name);
  json_t *list = json_array();
  for (guint i = 0; names[i] != NULL; i++)
    json_array_append_new(list, json_string(names[i]));
  g_autoptr(json_t) details = json_pack("{s:o}", "rejected", list);
  g_autofree char *details_json = json_to_text(details);
  AuditEntry entry = {.category = "model_price",
                      .type = "model_price.reject",
                      .operator_name = options->operator_name,
                      .operator_ip = options->operator_ip,
                      .target_type = "model_price",
                      .details_json = details_json,
                      .success = TRUE};
  return rejected != NULL && audit_write(connection, &entry, error);
}

gboolean
price_held_reject(PgConnection *connection, const char *const *names, const PriceApplyOptions *options,
                  char ***ret_names, GError **error)
{
  g_autoptr(PgResult) rows = find_held(connection, names, error);
  g_auto(GStrv) found = rows != NULL ? names_of(rows) : NULL;
  if (found == NULL || !pg_connection_exec(connection, "BEGIN", error))
    return FALSE;
  if (!reject_in_transaction(connection, (const char *const *)found, options, error) ||
      !pg_connection_exec(connection, "COMMIT", error)) {
    pg_connection_rollback(connection);
    return FALSE;
  }
  *ret_names = g_steal_pointer(&found);
  return TRUE;
}
