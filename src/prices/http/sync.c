/* Prices from the cloud: check, sync, status. */
#include "base/error.h"
#include "base/json.h"
#include "prices/apply/held.h"
#include "prices/http/endpoints.h"

#include <string.h>

/* The parameters of a check or a sync. */
typedef struct {
  char **overwrite, **leave_out;
  char *check_id;
  gboolean is_dry_run, is_forced, is_beside_hub;
} SyncRequest;

static void
sync_request_clear(SyncRequest *wanted)
{
  g_strfreev(wanted->overwrite);
  g_strfreev(wanted->leave_out);
  g_free(wanted->check_id);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SyncRequest, sync_request_clear)

static gboolean
read_boolean(const JsonTree *member, gboolean *ret_value, GError **error)
{
  if (member->type != JSON_TOKEN_TRUE && member->type != JSON_TOKEN_FALSE) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s must be true or false", member->key);
    return FALSE;
  }
  *ret_value = member->type == JSON_TOKEN_TRUE;
  return TRUE;
}

static gboolean
read_member(const JsonTree *member, SyncRequest *wanted, GStrvBuilder *overwrite, GStrvBuilder *leave_out,
            GError **error)
{
  if (strcmp(member->key, "overwriteManual") == 0)
    return price_http_names(member, member->key, overwrite, error);
  if (strcmp(member->key, "leaveOut") == 0)
    return price_http_names(member, member->key, leave_out, error);
  if (strcmp(member->key, "dryRun") == 0)
    return read_boolean(member, &wanted->is_dry_run, error);
  if (strcmp(member->key, "force") == 0)
    return read_boolean(member, &wanted->is_forced, error);
  if (strcmp(member->key, "besideHub") == 0)
    return read_boolean(member, &wanted->is_beside_hub, error);
  if (strcmp(member->key, "checkId") == 0 && member->type == JSON_TOKEN_STRING) {
    wanted->check_id = g_strdup(member->text);
    return TRUE;
  }
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "unknown field, or not of its type: %.64s", member->key);
  return FALSE;
}

static gboolean
read_request(HttpRequest *request, SyncRequest *wanted, GError **error)
{
  g_autoptr(JsonTree) body = price_http_body(request, error);
  g_autoptr(GStrvBuilder) overwrite = g_strv_builder_new();
  g_autoptr(GStrvBuilder) leave_out = g_strv_builder_new();
  if (body == NULL)
    return FALSE;
  for (guint i = 0; i < json_tree_size(body); i++)
    if (!read_member(json_tree_child(body, i), wanted, overwrite, leave_out, error))
      return FALSE;
  wanted->overwrite = g_strv_builder_end(overwrite);
  wanted->leave_out = g_strv_builder_end(leave_out);
  return TRUE;
}

static PriceSyncOptions
options_of(const HttpRequest *request, const SyncRequest *wanted)
{
  return (PriceSyncOptions){.overwrite = (const char *const *)wanted->overwrite,
                            .leave_out = (const char *const *)wanted->leave_out,
                            .is_dry_run = wanted->is_dry_run,
                            .is_forced = wanted->is_forced,
                            .is_beside_hub = wanted->is_beside_hub,
                            .check_id = wanted->check_id,
                            .operator_name = http_request_who(request),
                            .operator_ip = http_request_client_ip(request)};
}

static void
tell_upstream_status(HttpRequest *request, guint status)
{
  if (status > 0)
    http_request_set_error_member(request, "upstreamStatus", json_integer((json_int_t)status));
}

static HttpResponse *
post_check(HttpRequest *request, gpointer context, GError **error)
{
  const PriceHttp *http = context;
  g_auto(SyncRequest) wanted = {0};
  g_autofree char *check_id = NULL;
  guint status = 0;
  if (!read_request(request, &wanted, error))
    return NULL;
  PriceSyncOptions options = options_of(request, &wanted);
  g_autoptr(PriceReport) report =
      price_sync_check(http->sync, &options, &check_id, &status, http_request_cancellable(request), error);
  if (report == NULL) {
    tell_upstream_status(request, status);
    return NULL;
  }
  g_autoptr(GString) out = g_string_new("{");
  g_string_append_printf(out, "\"checkId\":\"%s\",", check_id);
  price_report_write(report, http_request_language(request), out);
  g_string_append_c(out, '}');
  return http_response_json_text(200, g_string_free(g_steal_pointer(&out), FALSE));
}

static HttpResponse *
post_sync(HttpRequest *request, gpointer context, GError **error)
{
  const PriceHttp *http = context;
  g_auto(SyncRequest) wanted = {0};
  guint status = 0;
  if (!read_request(request, &wanted, error))
    return NULL;
  PriceSyncOptions options = options_of(request, &wanted);
  g_autoptr(PriceReport) report =
      price_sync_run(http->sync, &options, &status, http_request_cancellable(request), error);
  if (report == NULL) {
    tell_upstream_status(request, status);
    return NULL;
  }
  return http_response_json_text(200, price_report_to_json(report, http_request_language(request)));
}

static HttpResponse *
get_count(HttpRequest *request, gpointer context, GError **error)
{
  const PriceHttp *http = context;
  g_autofree char *version = NULL;
  guint count = 0, status = 0;
  GError *failure = NULL;
  if (!price_sync_count(http->sync, &count, &version, &status, http_request_cancellable(request), &failure)) {
    tell_upstream_status(request, status);
    return price_http_not_ok(request, failure, error);
  }
  json_t *data = json_pack("{s:i}", "count", (int)count);
  if (version != NULL)
    json_object_set_new(data, "version", json_string(version));
  return http_response_json(200, json_pack("{s:b, s:o}", "ok", TRUE, "data", data));
}

static HttpResponse *
get_status(HttpRequest *request, gpointer context, GError **error)
{
  (void)request;
  const PriceHttp *http = context;
  char *status = price_sync_status(http->sync, error);
  return status != NULL ? http_response_json_text(200, status) : NULL;
}

/* {"modelNames": […]} or {"all": true}. `ret_names` stays NULL for all. */
static gboolean
read_choice(HttpRequest *request, char ***ret_names, GError **error)
{
  g_autoptr(JsonTree) body = price_http_body(request, error);
  const JsonTree *names = json_tree_get(body, "modelNames"), *all = json_tree_get(body, "all");
  if (body == NULL)
    return FALSE;
  if (json_tree_size(body) != 1 || (json_tree_size(names) == 0 && (all == NULL || all->type != JSON_TOKEN_TRUE))) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "the body must be {\"modelNames\": [\"...\"]} or {\"all\": true}");
    return FALSE;
  }
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  if (names == NULL)
    return TRUE;
  if (!price_http_names(names, "modelNames", builder, error))
    return FALSE;
  *ret_names = g_strv_builder_end(builder);
  return TRUE;
}

static PriceApplyOptions
approval_of(const HttpRequest *request, const PriceHttp *http)
{
  return (PriceApplyOptions){.audit_type = "model_price.approve",
                             .operator_name = http_request_who(request),
                             .operator_ip = http_request_client_ip(request),
                             .lock_wait_s = (guint)http->config->lock_wait_s};
}

static HttpResponse *
get_held(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(PgConnection) connection = price_http_connect(request, context, error);
  g_autofree char *items = connection != NULL ? price_held_list(connection, error) : NULL;
  return items != NULL ? http_response_json_text(200, g_strdup_printf("{\"items\":%s}", items)) : NULL;
}

static HttpResponse *
post_approve(HttpRequest *request, gpointer context, GError **error)
{
  g_auto(GStrv) names = NULL;
  if (!read_choice(request, &names, error))
    return NULL;
  PriceApplyOptions options = approval_of(request, context);
  g_autoptr(PgConnection) connection = price_http_connect(request, context, error);
  g_autoptr(PriceReport) report =
      connection != NULL ? price_held_approve(connection, (const char *const *)names, &options, error) : NULL;
  return report != NULL ? http_response_json_text(200, price_report_to_json(report, http_request_language(request)))
                        : NULL;
}

static HttpResponse *
post_reject(HttpRequest *request, gpointer context, GError **error)
{
  g_auto(GStrv) names = NULL;
  g_auto(GStrv) rejected = NULL;
  if (!read_choice(request, &names, error))
    return NULL;
  PriceApplyOptions options = approval_of(request, context);
  g_autoptr(PgConnection) connection = price_http_connect(request, context, error);
  if (connection == NULL || !price_held_reject(connection, (const char *const *)names, &options, &rejected, error))
    return NULL;
  json_t *list = json_array();
  for (char **name = rejected; *name != NULL; name++)
    json_array_append_new(list, json_string(*name));
  return http_response_json(200, json_pack("{s:o}", "rejected", list));
}

#define READS   (HTTP_ROUTE_ADMIN | HTTP_ROUTE_PROBLEM)
#define CHANGES (READS | HTTP_ROUTE_CHANGES)
#define MODELS  "/api/v1/model-prices"

const HttpRoute price_http_sync_routes[] = {
    {.method = "GET",
     .path = "/api/prices/cloud-model-count",
     .flags = READS | HTTP_ROUTE_COSTLY,
     .handler = get_count},
    {.method = "GET", .path = MODELS ":syncStatus", .flags = READS, .handler = get_status},
    {.method = "GET", .path = MODELS ":held", .flags = READS, .handler = get_held},
    {.method = "POST",
     .path = MODELS ":approveHeld",
     .flags = CHANGES,
     .handler = post_approve,
     .max_body_bytes = PRICE_HTTP_BODY_MAX_BYTES},
    {.method = "POST",
     .path = MODELS ":rejectHeld",
     .flags = CHANGES,
     .handler = post_reject,
     .max_body_bytes = PRICE_HTTP_BODY_MAX_BYTES},
    {.method = "POST", .path = MODELS ":syncLitellmCheck", .flags = CHANGES, .handler = post_check},
    {.method = "POST",
     .path = MODELS ":syncLitellm",
     .flags = CHANGES,
     .handler = post_sync,
     .max_body_bytes = PRICE_HTTP_BODY_MAX_BYTES},
    HTTP_ROUTES_END,
};
