#include "notify/http/routes.h"

#include "audit/audit.h"
#include "base/error.h"
#include "base/json.h"
#include "notify/channel.h"

static PgConnection *
connect_for(HttpRequest *request, const NotifyHttp *http, GError **error)
{
  return pg_pool_take(http->pool, "cch-data notify", http_request_cancellable(request), error);
}

/* `channel` as JSON, NULL if it is gone. Its name and type only: settings are where people are reached. */
static void
write_audit(HttpRequest *request, PgConnection *connection, const char *type, const char *id, const char *channel)
{
  g_autoptr(json_t) whole = channel != NULL ? json_loads(channel, 0, NULL) : NULL;
  g_autoptr(json_t) part = whole != NULL ? json_pack("{s:O, s:O}", "name", json_object_get(whole, "name"), "type",
                                                     json_object_get(whole, "type"))
                                         : NULL;
  g_autofree char *details = part != NULL ? json_to_text(part) : NULL;
  AuditEntry entry = {.category = "notification",
                      .type = type,
                      .operator_name = http_request_who(request),
                      .operator_ip = http_request_client_ip(request),
                      .target_type = "notify_channel",
                      .target_name = id,
                      .details_json = details,
                      .success = TRUE};
  audit_write(connection, &entry, NULL);
}

static HttpResponse *
list_channels(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(PgConnection) connection = connect_for(request, context, error);
  char *json = connection != NULL ? notify_channel_list(connection, error) : NULL;
  return json != NULL ? http_response_json_text(200, json) : NULL;
}

static HttpResponse *
save_channel(HttpRequest *request, const NotifyHttp *http, const char *id, guint status, GError **error)
{
  json_t *body = http_request_json(request, error);
  g_autoptr(PgConnection) connection = body != NULL ? connect_for(request, http, error) : NULL;
  g_autofree char *saved_id = NULL;
  if (connection == NULL || !notify_channel_save(connection, http->data_dir, id, body, &saved_id, error))
    return NULL;
  g_autofree char *channel = notify_channel_read(connection, saved_id, error);
  if (channel == NULL)
    return NULL;
  write_audit(request, connection, id != NULL ? "notification.channel_update" : "notification.channel_create", saved_id,
              channel);
  notify_wake(http->notify);
  return http_response_json_text(status, g_steal_pointer(&channel));
}

static HttpResponse *
create_channel(HttpRequest *request, gpointer context, GError **error)
{
  return save_channel(request, context, NULL, 201, error);
}

static HttpResponse *
change_channel(HttpRequest *request, gpointer context, GError **error)
{
  return save_channel(request, context, http_request_parameter(request, "id"), 200, error);
}

static HttpResponse *
delete_channel(HttpRequest *request, gpointer context, GError **error)
{
  const char *id = http_request_parameter(request, "id");
  g_autoptr(PgConnection) connection = connect_for(request, context, error);
  if (connection == NULL || !notify_channel_delete(connection, id, error))
    return NULL;
  write_audit(request, connection, "notification.channel_delete", id, NULL);
  return http_response_empty(204);
}

static HttpResponse *
test_channel(HttpRequest *request, gpointer context, GError **error)
{
  const NotifyHttp *http = context;
  g_auto(NotifyOutcome) outcome = {0};
  gint64 begin_us = g_get_monotonic_time();
  if (!notify_test(http->notify, http_request_parameter(request, "id"), &outcome, http_request_cancellable(request),
                   error))
    return NULL;
  return http_response_json(200, json_pack("{s:b, s:o, s:o, s:I}", "sent", outcome.is_sent, "status",
                                           outcome.status > 0 ? json_integer(outcome.status) : json_null(), "problem",
                                           http_json_text(outcome.problem), "durationMs",
                                           (json_int_t)((g_get_monotonic_time() - begin_us) / 1000)));
}

static HttpResponse *
list_messages(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(PgConnection) connection = connect_for(request, context, error);
  char *json = connection != NULL ? notify_messages(connection, error) : NULL;
  return json != NULL ? http_response_json_text(200, json) : NULL;
}

#define CHANNELS "/api/admin/notify/channels"
#define CHANGES  (HTTP_ROUTE_ADMIN | HTTP_ROUTE_CHANGES)

static const HttpRoute routes[] = {
    {.method = "GET", .path = CHANNELS, .flags = HTTP_ROUTE_ADMIN, .handler = list_channels},
    {.method = "POST", .path = CHANNELS, .flags = CHANGES, .handler = create_channel},
    {.method = "PATCH", .path = CHANNELS "/{id}", .flags = CHANGES, .handler = change_channel},
    {.method = "DELETE", .path = CHANNELS "/{id}", .flags = CHANGES, .handler = delete_channel},
    {.method = "POST", .path = CHANNELS "/{id}/test", .flags = CHANGES, .handler = test_channel},
    {.method = "GET", .path = "/api/admin/notify/messages", .flags = HTTP_ROUTE_ADMIN, .handler = list_messages},
    HTTP_ROUTES_END,
};

const HttpRoute *const notify_http_routes[] = {routes, NULL};
