#include "service/api.h"

#include "audit/http/routes.h"
#include "auth/http/routes.h"
#include "backup/http/routes.h"
#include "batch/http/routes.h"
#include "prices/http/routes.h"
#include "service/health.h"

static HttpResponse *
get_document(HttpRequest *request, gpointer context, GError **error)
{
  (void)request;
  (void)context;
  (void)error;
  return http_response_json_text(200, g_strdup(api_openapi_json));
}

static const HttpRoute document_routes[] = {
    {.method = "GET", .path = "/api/v1/openapi.json", .flags = HTTP_ROUTE_PROBLEM, .handler = get_document},
};
static const guint n_document_routes = G_N_ELEMENTS(document_routes);

const ApiTable api_tables[] = {
    {API_AUTH, auth_http_routes, &auth_http_n_routes},
    {API_BACKUP, backup_http_routes, &backup_http_n_routes},
    {API_BACKUP, backup_http_export_routes, &backup_http_n_export_routes},
    {API_BACKUP, backup_http_preview_routes, &backup_http_n_preview_routes},
    {API_BACKUP, backup_http_estimate_routes, &backup_http_n_estimate_routes},
    {API_BACKUP, backup_http_inspect_routes, &backup_http_n_inspect_routes},
    {API_BACKUP, backup_http_undo_routes, &backup_http_n_undo_routes},
    {API_BACKUP, backup_http_upload_routes, &backup_http_n_upload_routes},
    {API_BACKUP, backup_http_operation_routes, &backup_http_n_operation_routes},
    {API_PRICES, price_http_sync_routes, &price_http_n_sync_routes},
    {API_PRICES, price_http_routes, &price_http_n_routes},
    {API_BATCH, batch_http_routes, &batch_http_n_routes},
    {API_BATCH, batch_http_list_routes, &batch_http_n_list_routes},
    {API_BATCH, batch_http_operation_routes, &batch_http_n_operation_routes},
    {API_AUDIT, audit_http_routes, &audit_http_n_routes},
    {API_HEALTH, health_http_routes, &health_http_n_routes},
    {API_DOCUMENT, document_routes, &n_document_routes},
};
const guint api_n_tables = G_N_ELEMENTS(api_tables);
