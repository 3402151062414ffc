/* …/operations: what runs in this instance, for whoever watches. */
#include "backup/http/routes.h"
#include "base/error.h"

#include <string.h>

static gssize
read_events(gpointer state, guint8 *buffer, gsize size, GError **error)
{
  (void)error;
  return (gssize)sse_queue_read(state, buffer, size);
}

HttpResponse *
backup_http_event_stream(SseQueue *queue)
{
  HttpResponse *response =
      http_response_stream(200, "text/event-stream", read_events, queue, (GDestroyNotify)sse_queue_unref);
  http_response_set_header(response, "Cache-Control", "no-cache, no-store");
  http_response_set_header(response, "X-Accel-Buffering", "no"); /* nginx would hold the events back */
  return response;
}

static HttpResponse *
list_operations(HttpRequest *request, gpointer context, GError **error)
{
  (void)request;
  (void)error;
  const BackupHttp *http = context;
  return http_response_json(200, json_pack("{s:o}", "operations", running_describe(http->running)));
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
  return backup_http_event_stream(queue);
}

const HttpRoute backup_http_operation_routes[] = {
    {
        .method = "GET",
        .path = "/api/admin/database/operations",
        .flags = HTTP_ROUTE_ADMIN,
        .handler = list_operations,
    },
    {
        .method = "GET",
        .path = "/api/admin/database/operations/{id}/events",
        .flags = HTTP_ROUTE_ADMIN,
        .handler = watch_operation,
    },
};
const guint backup_http_n_operation_routes = G_N_ELEMENTS(backup_http_operation_routes);
