#include "prices/sync/sync_state.h"

#include "base/error.h"
#include "base/json.h"
#include "pg/migrate/migrate.h"
#include "prices_sql.h"

void
sync_state_clear(SyncState *state)
{
  g_free(state->url);
  g_free(state->etag);
  g_free(state->last_modified);
  g_free(state->version);
  g_free(state->state);
  *state = (SyncState){0};
}

gboolean
sync_state_read(PgConnection *connection, SyncState *ret_state, GError **error)
{
  PriceCatalog catalog;
  SyncState state = {.success_age_s = -1, .try_age_s = -1};
  if (!price_catalog_read(connection, &catalog, error))
    return FALSE;
  g_autoptr(PgResult) rows =
      catalog.has_state_tables ? pg_connection_query(connection, error, prices_sync_read_sql, 0) : NULL;
  if (catalog.has_state_tables && rows == NULL)
    return FALSE;
  if (rows != NULL && pg_result_rows(rows) > 0)
    state = (SyncState){.url = g_strdup(pg_result_text(rows, 0, 0)),
                        .etag = g_strdup(pg_result_text(rows, 0, 1)),
                        .last_modified = g_strdup(pg_result_text(rows, 0, 2)),
                        .version = g_strdup(pg_result_text(rows, 0, 3)),
                        .state = g_strdup(pg_result_text(rows, 0, 4)),
                        .success_age_s = pg_result_int64(rows, 0, 5),
                        .try_age_s = pg_result_int64(rows, 0, 6),
                        .model_count = (guint)pg_result_int64(rows, 0, 7)};
  *ret_state = state;
  return TRUE;
}

static char *
counts_json(const PriceReport *report)
{
  g_autoptr(json_t) counts =
      json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "added", (json_int_t)report->added->len, "updated",
                (json_int_t)report->updated->len, "unchanged", (json_int_t)report->unchanged->len, "failed",
                (json_int_t)report->failed->len, "skippedConflicts", (json_int_t)report->skipped->len, "removed",
                (json_int_t)report->removed->len, "held", (json_int_t)report->held->len, "warnings",
                (json_int_t)report->warnings->len, "total", (json_int_t)report->total);
  return json_to_text(counts);
}

static gboolean
find_table(PgConnection *connection, gboolean *ret_is_there, GError **error)
{
  PriceCatalog catalog;
  if (!price_catalog_read(connection, &catalog, error))
    return FALSE;
  *ret_is_there = catalog.has_state_tables;
  return TRUE;
}

gboolean
sync_state_make(PgConnection *connection, GError **error)
{
  gboolean is_there = FALSE;
  return find_table(connection, &is_there, error) && (is_there || pg_migrate_own(connection, error));
}

gboolean
sync_state_count_held(PgConnection *connection, guint *ret_count, GError **error)
{
  gboolean is_there = FALSE;
  g_autofree char *count = NULL;
  if (!find_table(connection, &is_there, error) ||
      (is_there &&
       !pg_connection_value(connection, &count, error,
                            "SELECT pg_catalog.count(*) FROM cch_data.price_held WHERE rejected_at IS NULL", 0)))
    return FALSE;
  *ret_count = count != NULL ? (guint)g_ascii_strtoull(count, NULL, 10) : 0;
  return TRUE;
}

gboolean
sync_state_hub_keeps(PgConnection *connection, gboolean *ret_keeps, GError **error)
{
  g_autofree char *catalog = NULL;
  g_autofree char *keeps = NULL;
  if (!pg_connection_value(connection, &catalog, error, "SELECT pg_catalog.to_regclass('public.cloud_pricing_catalog')",
                           0) ||
      (catalog != NULL && !pg_connection_value(connection, &keeps, error, prices_sync_hub_keeps_sql, 0)))
    return FALSE;
  *ret_keeps = g_strcmp0(keeps, "t") == 0;
  return TRUE;
}

static char *
names_of(const PriceTable *table)
{
  g_autofree const char **names = g_new0(const char *, table->models->len + table->failed->len + 1);
  guint n = 0;
  for (guint i = 0; i < table->models->len; i++)
    names[n++] = g_array_index(table->models, PriceModel, i).name;
  for (guint i = 0; i < table->failed->len; i++)
    names[n++] = g_array_index(table->failed, PriceIssue, i).model;
  return pg_array(names);
}

gboolean
sync_state_note_success(PgConnection *connection, const Download *download, const PriceReport *report, GError **error)
{
  gboolean is_there = FALSE;
  if (!find_table(connection, &is_there, error))
    return FALSE;
  if (!is_there)
    return TRUE;
  const PriceTable *table = download->table;
  g_autofree char *status = g_strdup_printf("%u", download->status);
  g_autofree char *count = table != NULL ? g_strdup_printf("%u", table->models->len) : NULL;
  g_autofree char *names = table != NULL ? names_of(table) : NULL;
  g_autofree char *counts = counts_json(report);
  /* Models that were left out are offered again, even if the cloud's table stays the same. */
  gboolean is_whole = report->left_out->len == 0;
  g_autoptr(PgResult) saved =
      pg_connection_query(connection, error, prices_sync_succeeded_sql, 9, download->url,
                          is_whole ? download->etag : NULL, is_whole ? download->last_modified : NULL, status,
                          report->state, table != NULL ? table->version : NULL, count, names, counts);
  return saved != NULL;
}

gboolean
sync_state_note_failure(PgConnection *connection, const GError *failure, guint upstream_status, GError **error)
{
  gboolean is_there = FALSE;
  if (!find_table(connection, &is_there, error))
    return FALSE;
  if (!is_there)
    return TRUE;
  g_autofree char *status = upstream_status > 0 ? g_strdup_printf("%u", upstream_status) : NULL;
  g_autofree char *message = g_utf8_make_valid(failure->message, -1);
  g_autoptr(PgResult) saved =
      pg_connection_query(connection, error, prices_sync_failed_sql, 3, error_info(failure)->code, message, status);
  return saved != NULL;
}

PriceReport *
sync_state_unchanged(PgConnection *connection, gboolean is_dry_run, GError **error)
{
  g_autoptr(PgResult) rows = pg_connection_query(connection, error, prices_sync_names_sql, 0);
  if (rows == NULL)
    return NULL;
  g_autoptr(PriceReport) report =
      price_report_new_known(pg_result_text(rows, 0, 0), pg_result_text(rows, 0, 1), is_dry_run, error);
  if (report == NULL)
    return NULL;
  report->source = "litellm";
  report->total = (guint)pg_result_int64(rows, 0, 2);
  report->state = price_state_read(connection, error);
  return report->state != NULL ? g_steal_pointer(&report) : NULL;
}
