/* GET /api/v1/operations, and /api/v1/operations/{id}. */
#include "batch/list/operations.h"
#include "batch/http/endpoints.h"

static PgConnection *
connect_for(HttpRequest *request, const BatchHttp *http, GError **error)
{
  return pg_pool_take(http->pool, "cch-data list", http_request_cancellable(request), error);
}

static HttpResponse *
list_operations(HttpRequest *request, gpointer context, GError **error)
{
  OperationsQuery query = {.kind = http_request_query_given(request, "kind"),
                           .operator_name = http_request_query_given(request, "operator"),
                           .undoable = http_request_query_given(request, "undoable"),
                           .from = http_request_query_given(request, "from"),
                           .to = http_request_query_given(request, "to"),
                           .cursor = http_request_query_given(request, "cursor")};
  if (!http_request_query_number(request, "limit", OPERATIONS_DEFAULT_LIMIT, 1, OPERATIONS_MAX_LIMIT, &query.limit,
                                 error))
    return NULL;
  g_autoptr(PgConnection) connection = connect_for(request, context, error);
  char *json = connection != NULL ? operations_list(connection, &query, error) : NULL;
  return json != NULL ? http_response_json_text(200, json) : NULL;
}

static HttpResponse *
get_operation(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(PgConnection) connection = connect_for(request, context, error);
  char *json = connection != NULL ? operations_read(connection, http_request_parameter(request, "id"), error) : NULL;
  return json != NULL ? http_response_json_text(200, json) : NULL;
}

static const char *const query[] = {"kind", "operator", "undoable", "from", "to", "cursor", "limit", NULL};

#define READS (HTTP_ROUTE_ADMIN | HTTP_ROUTE_PROBLEM)

const HttpRoute batch_http_operation_routes[] = {
    {.method = "GET", .path = "/api/v1/operations", .flags = READS, .handler = list_operations, .query = query},
    {.method = "GET", .path = "/api/v1/operations/{id}", .flags = READS, .handler = get_operation},
    HTTP_ROUTES_END,
};
