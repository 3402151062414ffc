#include "audit/http/routes.h"

#include "audit/history.h"

static PgConnection *
connect_for(HttpRequest *request, const AuditHttp *http, GError **error)
{
  return pg_pool_take(http->pool, "cch-data audit", http_request_cancellable(request), error);
}

static HttpResponse *
list_entries(HttpRequest *request, gpointer context, GError **error)
{
  AuditQuery query = {.q = http_request_query_given(request, "q"),
                      .category = http_request_query_given(request, "category"),
                      .type = http_request_query_given(request, "type"),
                      .operator_name = http_request_query_given(request, "operator"),
                      .success = http_request_query_given(request, "success"),
                      .from = http_request_query_given(request, "from"),
                      .to = http_request_query_given(request, "to"),
                      .cursor = http_request_query_given(request, "cursor")};
  if (!http_request_query_number(request, "limit", AUDIT_DEFAULT_LIMIT, 1, AUDIT_MAX_LIMIT, &query.limit, error))
    return NULL;
  g_autoptr(PgConnection) connection = connect_for(request, context, error);
  char *json = connection != NULL ? audit_list(connection, &query, error) : NULL;
  return json != NULL ? http_response_json_text(200, json) : NULL;
}

static HttpResponse *
get_entry(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(PgConnection) connection = connect_for(request, context, error);
  char *json = connection != NULL ? audit_read(connection, http_request_parameter(request, "id"), error) : NULL;
  return json != NULL ? http_response_json_text(200, json) : NULL;
}

static const char *const query[] = {"q",    "category", "type",   "operator", "success",
                                    "from", "to",       "cursor", "limit",    NULL};

#define READS (HTTP_ROUTE_ADMIN | HTTP_ROUTE_PROBLEM)

static const HttpRoute routes[] = {
    {.method = "GET", .path = "/api/v1/audit-log", .flags = READS, .handler = list_entries, .query = query},
    {.method = "GET", .path = "/api/v1/audit-log/{id}", .flags = READS, .handler = get_entry},
    HTTP_ROUTES_END,
};

const HttpRoute *const audit_http_routes[] = {routes, NULL};
