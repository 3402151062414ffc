#include "service/api.h"

#include "audit/http/routes.h"
#include "auth/http/routes.h"
#include "backup/http/routes.h"
#include "batch/http/routes.h"
#include "notify/http/routes.h"
#include "prices/http/routes.h"
#include "schedule/http/routes.h"
#include "service/health.h"
#include "service/metrics.h"
#include "upload/http/routes.h"

#include <string.h>

static HttpResponse *
get_document(HttpRequest *request, gpointer context, GError **error)
{
  (void)request;
  (void)context;
  (void)error;
  return http_response_static(200, "application/json; charset=utf-8", api_openapi_json, strlen(api_openapi_json));
}

static const HttpRoute document_routes[] = {
    {.method = "GET", .path = "/api/v1/openapi.json", .flags = HTTP_ROUTE_PROBLEM, .handler = get_document},
    HTTP_ROUTES_END,
};
static const HttpRoute *const document[] = {document_routes, NULL};

const HttpRoute *const *const api_routes[API_N_DOMAINS] = {
    [API_AUTH] = auth_http_routes,         [API_UPLOADS] = upload_http_routes,
    [API_BACKUP] = backup_http_routes,     [API_PRICES] = price_http_routes,
    [API_BATCH] = batch_http_routes,       [API_AUDIT] = audit_http_routes,
    [API_HEALTH] = health_http_routes,     [API_DOCUMENT] = document,
    [API_NOTIFY] = notify_http_routes,     [API_METRICS] = metrics_http_routes,
    [API_SCHEDULE] = schedule_http_routes,
};
