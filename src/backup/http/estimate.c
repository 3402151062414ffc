/* GET …/export:estimate: estimates an export's size and time before it starts. Reads the catalog and takes no lock. */
#include "backup/export/estimate.h"
#include "backup/export/export.h"
#include "backup/http/endpoints.h"
#include "backup/http/export_query.h"
#include "base/error.h"

#include <math.h>

static json_t *
describe_estimate(const Estimate *estimate, ArchiveLevel level)
{
  return json_pack("{s:s, s:I, s:f, s:s, s:i}", "compression", archive_level_name(level), "archiveBytes",
                   (json_int_t)estimate->archive_bytes, "seconds", round(estimate->seconds * 10) / 10, "basis",
                   estimate->n_exports > 0 ? "exports" : "usual", "exports", (int)estimate->n_exports);
}

/* Estimates the requested compression, or each one that is available. */
static json_t *
estimate_all(const BackupHttp *http, PgConnection *connection, HttpRequest *request, const HttpExportQuery *query,
             GError **error)
{
  /* An estimate is useful even without a suitable pg_dump. */
  g_auto(PgClient) client = {0};
  const PgClientOptions options = {http->config->pg_bin_dir, http->config->pg_dump_command};
  pg_client_choose(&options, pg_connection_server_version(connection), &client, NULL);
  EstimateSource source;
  gboolean is_one = http_request_query(request, "compression") != NULL;
  g_autofree char *excluded = estimate_excluded(query->exclude_logs, (const char *const *)query->exclude_table_data);
  if (!estimate_source(connection, excluded, &source, error))
    return NULL;
  g_autoptr(json_t) tables = estimate_tables(connection, excluded, error);
  if (tables == NULL)
    return NULL;
  if (is_one && !backup_export_level_fits(query->level, client.version)) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "compression %s needs pg_dump of PostgreSQL 16 or newer",
              archive_level_name(query->level));
    return NULL;
  }
  g_autoptr(json_t) estimates = json_array();
  for (guint level = 0; level < ARCHIVE_LEVEL_COUNT; level++) {
    Estimate estimate;
    if ((is_one && level != query->level) || !backup_export_level_fits(level, client.version))
      continue;
    if (!estimate_export(connection, &source, excluded, level, &estimate, error))
      return NULL;
    json_array_append_new(estimates, describe_estimate(&estimate, level));
  }
  const char *mode = query->ledger_only ? "ledgerOnly" : query->exclude_logs ? "excludeLogs" : "full";
  return json_pack("{s:s, s:b, s:I, s:I, s:O, s:O}", "mode", mode, "excludeLogs", query->exclude_logs, "tableBytes",
                   (json_int_t)source.relation_bytes, "rows", (json_int_t)source.rows, "tables", tables, "estimates",
                   estimates);
}

static HttpResponse *
get_estimate(HttpRequest *request, gpointer context, GError **error)
{
  const BackupHttp *http = context;
  g_auto(HttpExportQuery) query = {0};
  if (!http_export_query_read(request, &query, error))
    return NULL;
  g_autoptr(PgConnection) connection =
      pg_pool_take(http->pool, "cch-data estimate", http_request_cancellable(request), error);
  json_t *answer = connection != NULL ? estimate_all(http, connection, request, &query, error) : NULL;
  return answer != NULL ? http_response_json(200, answer) : NULL;
}

const HttpRoute backup_http_estimate_routes[] = {
    {
        .method = "GET",
        .path = "/api/admin/database/export:estimate",
        .flags = HTTP_ROUTE_ADMIN,
        .handler = get_estimate,
        .query = http_estimate_query,
    },
    HTTP_ROUTES_END,
};
