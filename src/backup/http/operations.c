/* …/operations: the operations in this instance, and their events. */
#include "backup/http/endpoints.h"
#include "base/error.h"

#include <string.h>

static HttpResponse *
list_operations(HttpRequest *request, gpointer context, GError **error)
{
  const BackupHttp *http = context;
  gboolean with_ended;
  if (!http_request_query_boolean(request, "ended", FALSE, &with_ended, error))
    return NULL;
  return http_response_json(200, json_pack("{s:o}", "operations", running_describe(http->running, with_ended)));
}

static HttpResponse *
watch_operation(HttpRequest *request, gpointer context, GError **error)
{
  const BackupHttp *http = context;
  const char *id = http_request_parameter(request, "id");
  SseQueue *queue = running_watch(http->running, strcmp(id, "current") == 0 ? NULL : id);
  if (queue == NULL) {
    error_set(error, CCH_ERROR_NOT_FOUND, "no such operation runs in this instance");
    return NULL;
  }
  return http_response_events(queue, NULL, NULL);
}

static const char *const list_query[] = {"ended", NULL};

const HttpRoute backup_http_operation_routes[] = {
    {
        .method = "GET",
        .path = "/api/admin/database/operations",
        .flags = HTTP_ROUTE_ADMIN,
        .handler = list_operations,
        .query = list_query,
    },
    {
        .method = "GET",
        .path = "/api/admin/database/operations/{id}/events",
        .flags = HTTP_ROUTE_ADMIN,
        .handler = watch_operation,
    },
    HTTP_ROUTES_END,
};
