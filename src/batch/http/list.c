/* Lists of users, keys and providers, their exports, and the state of circuit breakers. */
#include "base/error.h"
#include "batch/http/endpoints.h"
#include "batch/list/sheet.h"
#include "batch_sql.h"
#include "hub/circuits.h"

#include <string.h>

static PgConnection *
connect_for(HttpRequest *request, const BatchHttp *http, GError **error)
{
  return pg_pool_take(http->pool, "cch-data list", http_request_cancellable(request), error);
}

static BatchFilter *
read_filter(const HttpRequest *request, BatchEntity entity, GError **error)
{
  g_autoptr(BatchFilter) filter = batch_filter_new(entity);
  const char *name;
  for (guint i = 0; (name = batch_filter_name(entity, i)) != NULL; i++) {
    const char *text = http_request_query(request, name);
    if (text != NULL && !batch_filter_set(filter, name, text, error))
      return NULL;
  }
  return g_steal_pointer(&filter);
}

static gboolean
read_page(const HttpRequest *request, BatchPage *page, GError **error)
{
  const char *cursor = http_request_query(request, "cursor");
  *page = (BatchPage){.sort = http_request_query(request, "sortBy"),
                      .order = http_request_query(request, "sortOrder"),
                      .cursor = cursor != NULL && *cursor != '\0' ? cursor : NULL};
  return http_request_query_number(request, "limit", BATCH_LIST_DEFAULT_LIMIT, 1, BATCH_LIST_MAX_LIMIT, &page->limit,
                                   error);
}

static HttpResponse *
answer_list(HttpRequest *request, const BatchHttp *http, BatchFilter *filter, GError **error)
{
  BatchPage page;
  gboolean ids_only = FALSE;
  if (!read_page(request, &page, error) || !http_request_query_boolean(request, "ids-only", FALSE, &ids_only, error))
    return NULL;
  g_autoptr(PgConnection) connection = connect_for(request, http, error);
  if (connection == NULL)
    return NULL;
  const char *redis_url = http->config->redis_url;
  char *json = ids_only ? batch_list_ids_json(connection, filter, redis_url, &page, error)
                        : batch_list_page(connection, filter, redis_url, &page, error);
  return json != NULL ? http_response_json_text(200, json) : NULL;
}

static HttpResponse *
list_rows(HttpRequest *request, gpointer http, BatchEntity entity, GError **error)
{
  g_autoptr(BatchFilter) filter = read_filter(request, entity, error);
  return filter != NULL ? answer_list(request, http, filter, error) : NULL;
}

static HttpResponse *
list_users(HttpRequest *request, gpointer context, GError **error)
{
  return list_rows(request, context, BATCH_USERS, error);
}

static HttpResponse *
list_keys(HttpRequest *request, gpointer context, GError **error)
{
  return list_rows(request, context, BATCH_KEYS, error);
}

static HttpResponse *
list_providers(HttpRequest *request, gpointer context, GError **error)
{
  return list_rows(request, context, BATCH_PROVIDERS, error);
}

static gboolean
check_user(HttpRequest *request, const BatchHttp *http, const char *id, GError **error)
{
  g_autofree char *found = NULL;
  g_autoptr(PgConnection) connection = NULL;
  if (g_ascii_string_to_unsigned(id, 10, 1, G_MAXINT32, NULL, NULL)) {
    connection = connect_for(request, http, error);
    if (connection == NULL ||
        !pg_connection_value(connection, &found, error,
                             "SELECT id FROM public.users WHERE id = $1::int4 AND deleted_at IS NULL", 1, id))
      return FALSE;
  }
  if (found == NULL)
    error_set(error, CCH_ERROR_NOT_FOUND, "user %.16s", id);
  return found != NULL;
}

static HttpResponse *
list_user_keys(HttpRequest *request, gpointer context, GError **error)
{
  const char *id = http_request_parameter(request, "id");
  g_autoptr(BatchFilter) filter = read_filter(request, BATCH_KEYS, error);
  if (filter == NULL || !check_user(request, context, id, error) || !batch_filter_set(filter, "userId", id, error))
    return NULL;
  return answer_list(request, context, filter, error);
}

/* {available, providers}. An unreachable Redis is an answer, not an error. */
static HttpResponse *
get_health(HttpRequest *request, gpointer context, GError **error)
{
  const BatchHttp *http = context;
  g_autoptr(PgConnection) connection = connect_for(request, http, error);
  if (connection == NULL)
    return NULL;
  g_autoptr(GError) problem = NULL;
  json_t *states = hub_circuits_read(connection, http->config->redis_url, &problem);
  if (states != NULL)
    return http_response_json(200, json_pack("{s:b, s:o}", "available", 1, "providers", states));
  if (error_code(problem) == CCH_ERROR_REDIS_UNAVAILABLE || error_code(problem) == CCH_ERROR_REDIS_REFUSED)
    return http_response_json(200, json_pack("{s:b, s:s, s:s, s:{}}", "available", 0, "error",
                                             error_text(problem, http_request_language(request)), "details",
                                             problem->message, "providers"));
  g_propagate_error(error, g_steal_pointer(&problem));
  return NULL;
}

/* {items: [{value, count}]}: the possible values of a filter. */
static HttpResponse *
answer_values(HttpRequest *request, const BatchHttp *http, const char *sql, GError **error)
{
  g_autofree char *values = NULL;
  g_autoptr(PgConnection) connection = connect_for(request, http, error);
  if (connection == NULL || !pg_connection_value(connection, &values, error, sql, 0))
    return NULL;
  return http_response_json_text(200, g_strdup_printf("{\"items\":%s}", values));
}

static HttpResponse *
get_user_tags(HttpRequest *request, gpointer context, GError **error)
{
  return answer_values(request, context, batch_values_user_tags_sql, error);
}

static HttpResponse *
get_key_groups(HttpRequest *request, gpointer context, GError **error)
{
  return answer_values(request, context, batch_values_key_groups_sql, error);
}

static HttpResponse *
get_provider_groups(HttpRequest *request, gpointer context, GError **error)
{
  return answer_values(request, context, batch_values_provider_groups_sql, error);
}

static HttpResponse *
get_provider_types(HttpRequest *request, gpointer context, GError **error)
{
  return answer_values(request, context, batch_values_provider_types_sql, error);
}

static gboolean
read_format(const HttpRequest *request, BatchSheetFormat *ret_format, GError **error)
{
  const char *format = http_request_query(request, "format");
  *ret_format = g_strcmp0(format, "json") == 0 ? BATCH_SHEET_JSON : BATCH_SHEET_CSV;
  if (format == NULL || *ret_format == BATCH_SHEET_JSON || strcmp(format, "csv") == 0)
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "format must be csv or json, not \"%.64s\"", format);
  return FALSE;
}

static gssize
read_sheet(gpointer sheet, guint8 *buffer, gsize size, GError **error)
{
  return batch_sheet_read(sheet, buffer, size, error);
}

static void
free_sheet(gpointer sheet)
{
  batch_sheet_free(sheet);
}

static void
set_file_name(HttpResponse *response, BatchEntity entity, BatchSheetFormat format)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H-%M-%S");
  g_autofree char *value = g_strdup_printf("attachment; filename=\"%s_%s.%s\"", batch_entity_name(entity), time,
                                           format == BATCH_SHEET_CSV ? "csv" : "json");
  http_response_set_header(response, "Content-Disposition", value);
}

static HttpResponse *export(HttpRequest *request, const BatchHttp *http, BatchEntity entity, GError **error)
{
  BatchPage page;
  BatchSheetFormat format;
  gboolean with_mark = TRUE;
  g_autoptr(BatchFilter) filter = read_filter(request, entity, error);
  if (filter == NULL || !read_page(request, &page, error) || !read_format(request, &format, error) ||
      !http_request_query_boolean(request, "bom", TRUE, &with_mark, error))
    return NULL;
  PgConnection *connection = connect_for(request, http, error);
  BatchSheet *sheet = connection != NULL ? batch_sheet_open(connection, filter, http->config->redis_url, &page, format,
                                                            with_mark, error)
                                         : NULL;
  if (sheet == NULL)
    return NULL;
  const char *type = format == BATCH_SHEET_CSV ? "text/csv; charset=utf-8" : "application/json; charset=utf-8";
  HttpResponse *response = http_response_stream(200, type, read_sheet, sheet, free_sheet);
  set_file_name(response, entity, format);
  return response;
}

static HttpResponse *
export_users(HttpRequest *request, gpointer context, GError **error)
{
  return export(request, context, BATCH_USERS, error);
}

static HttpResponse *
export_keys(HttpRequest *request, gpointer context, GError **error)
{
  return export(request, context, BATCH_KEYS, error);
}

static HttpResponse *
export_providers(HttpRequest *request, gpointer context, GError **error)
{
  return export(request, context, BATCH_PROVIDERS, error);
}

#define USER_FILTERS     "q", "ids", "tags", "keyGroups", "status", "expiresAfter", "expiresBefore", "role"
#define KEY_FILTERS      "q", "ids", "tags", "groups", "status", "expiresAfter", "expiresBefore", "canLoginWebUi"
#define PROVIDER_FILTERS "q", "ids", "providerType", "groups", "enabled", "circuitState"
#define PAGE             "cursor", "limit", "sortBy", "sortOrder", "ids-only"
#define FILE             "format", "bom", "sortBy", "sortOrder"

static const char *const users_query[] = {USER_FILTERS, PAGE, NULL};
static const char *const keys_query[] = {KEY_FILTERS, "userId", PAGE, NULL};
static const char *const user_keys_query[] = {KEY_FILTERS, PAGE, NULL};
static const char *const providers_query[] = {PROVIDER_FILTERS, PAGE, NULL};
static const char *const users_file_query[] = {USER_FILTERS, FILE, NULL};
static const char *const keys_file_query[] = {KEY_FILTERS, "userId", FILE, NULL};
static const char *const providers_file_query[] = {PROVIDER_FILTERS, FILE, NULL};

#define READS (HTTP_ROUTE_ADMIN | HTTP_ROUTE_PROBLEM)
#define FILES (READS | HTTP_ROUTE_COSTLY)
#define V1    "/api/v1/"

const HttpRoute batch_http_list_routes[] = {
    {.method = "GET", .path = V1 "users", .flags = READS, .handler = list_users, .query = users_query},
    {.method = "GET",
     .path = V1 "users/{id}/keys",
     .flags = READS,
     .handler = list_user_keys,
     .query = user_keys_query},
    {.method = "GET", .path = V1 "keys", .flags = READS, .handler = list_keys, .query = keys_query},
    {.method = "GET", .path = V1 "providers", .flags = READS, .handler = list_providers, .query = providers_query},
    {.method = "GET", .path = V1 "providers/health", .flags = READS, .handler = get_health},
    {.method = "GET", .path = V1 "users/tags", .flags = READS, .handler = get_user_tags},
    {.method = "GET", .path = V1 "keys/groups", .flags = READS, .handler = get_key_groups},
    {.method = "GET", .path = V1 "providers/groups", .flags = READS, .handler = get_provider_groups},
    {.method = "GET", .path = V1 "providers/types", .flags = READS, .handler = get_provider_types},
    {.method = "GET", .path = V1 "users:export", .flags = FILES, .handler = export_users, .query = users_file_query},
    {.method = "GET", .path = V1 "keys:export", .flags = FILES, .handler = export_keys, .query = keys_file_query},
    {.method = "GET",
     .path = V1 "providers:export",
     .flags = FILES,
     .handler = export_providers,
     .query = providers_file_query},
    HTTP_ROUTES_END,
};
