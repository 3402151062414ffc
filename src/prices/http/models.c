/* Single models, lists and exports: /api/prices and /api/v1/model-prices. */
#include "base/error.h"
#include "prices/format/model.h"
#include "prices/http/endpoints.h"

#include <string.h>

enum { PAGE_SIZE_MAX = 200 };

static const char *
either_of(const HttpRequest *request, const char *name, const char *other)
{
  const char *value = http_request_query(request, name);
  return value != NULL ? value : http_request_query(request, other);
}

static gboolean
is_one_of(const char *name, const char *value, const char *const *allowed, GError **error)
{
  if (value == NULL || g_strv_contains(allowed, value))
    return TRUE;
  g_autofree char *list = g_strjoinv(", ", (char **)allowed);
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s must be one of %s, not \"%.64s\"", name, list, value);
  return FALSE;
}

/* "litellm" and "cloud" mean the same. */
static gboolean
read_source(const HttpRequest *request, const char **ret_source, GError **error)
{
  static const char *const sources[] = {"litellm", "cloud", "manual", NULL};
  const char *source = http_request_query(request, "source");
  if (source != NULL && *source == '\0')
    source = NULL;
  if (!is_one_of("source", source, sources, error))
    return FALSE;
  *ret_source = source;
  return TRUE;
}

static const char *
non_empty(const char *text)
{
  return text != NULL && *text != '\0' ? text : NULL;
}

static gboolean
read_filter(const HttpRequest *request, guint page_size, PriceFilter *filter, GError **error)
{
  static const char *const orders[] = {"asc", "desc", NULL};
  *filter = (PriceFilter){.search = http_request_query(request, "search"),
                          .provider = non_empty(either_of(request, "litellmProvider", "provider")),
                          .vendor = non_empty(http_request_query(request, "vendor")),
                          .mode = non_empty(http_request_query(request, "mode")),
                          .sort = either_of(request, "sortBy", "sort"),
                          .order = either_of(request, "sortOrder", "order")};
  const char *size = http_request_query(request, "size") != NULL ? "size" : "pageSize";
  if (filter->sort != NULL && !g_strv_contains(price_sorts, filter->sort)) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "unknown sort: %.64s", filter->sort);
    return FALSE;
  }
  return http_request_query_number(request, "page", 1, 1, G_MAXINT32, &filter->page, error) &&
         http_request_query_number(request, size, page_size, 1, PAGE_SIZE_MAX, &filter->page_size, error) &&
         read_source(request, &filter->source, error) && is_one_of("sortOrder", filter->order, orders, error);
}

/* `format` takes the items, total, page, page size and pages. */
static HttpResponse *
list_models(HttpRequest *request, const PriceHttp *http, guint page_size, const char *member, gboolean is_wrapped,
            GError **error)
{
  PriceFilter filter;
  g_autofree char *items = NULL;
  guint64 total = 0;
  if (!read_filter(request, page_size, &filter, error))
    return NULL;
  g_autoptr(PgConnection) connection = price_http_connect(request, http, error);
  if (connection == NULL || !price_list(connection, &filter, &items, &total, error))
    return NULL;
  /* Text into text: jansson would round the prices. */
  g_autofree char *page = g_strdup_printf(
      "{\"%s\":%s,\"total\":%" G_GUINT64_FORMAT ",\"page\":%u,\"pageSize\":%u,\"totalPages\":%" G_GUINT64_FORMAT "}",
      member, items, total, filter.page, filter.page_size, (total + filter.page_size - 1) / filter.page_size);
  return http_response_json_text(200, is_wrapped ? g_strdup_printf("{\"ok\":true,\"data\":%s}", page)
                                                 : g_steal_pointer(&page));
}

static HttpResponse *
get_prices(HttpRequest *request, gpointer context, GError **error)
{
  GError *failure = NULL;
  HttpResponse *response = list_models(request, context, 50, "data", TRUE, &failure);
  return response != NULL ? response : price_http_not_ok(request, failure, error);
}

static HttpResponse *
get_model_prices(HttpRequest *request, gpointer context, GError **error)
{
  return list_models(request, context, 20, "items", FALSE, error);
}

static HttpResponse *
get_exists(HttpRequest *request, gpointer context, GError **error)
{
  g_autofree char *exists = NULL;
  g_autoptr(PgConnection) connection = price_http_connect(request, context, error);
  if (connection == NULL ||
      !pg_connection_value(connection, &exists, error, "SELECT EXISTS (SELECT FROM public.model_prices)", 0))
    return NULL;
  return http_response_json(200, json_pack("{s:b}", "exists", strcmp(exists, "t") == 0));
}

static HttpResponse *
get_facets(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(PgConnection) connection = price_http_connect(request, context, error);
  char *facets = connection != NULL ? price_facets(connection, error) : NULL;
  return facets != NULL ? http_response_json_text(200, facets) : NULL;
}

static HttpResponse *
get_export(HttpRequest *request, gpointer context, GError **error)
{
  static const char *const formats[] = {"json", "toml", NULL};
  const char *format = http_request_query(request, "format"), *source = NULL;
  if (!is_one_of("format", format, formats, error) || !read_source(request, &source, error))
    return NULL;
  gboolean is_toml = g_strcmp0(format, "toml") == 0;
  g_autoptr(PgConnection) connection = price_http_connect(request, context, error);
  char *text = connection != NULL
                   ? price_export(connection, is_toml ? PRICE_EXPORT_TOML : PRICE_EXPORT_JSON, source, error)
                   : NULL;
  if (text == NULL)
    return NULL;
  HttpResponse *response =
      http_response_text(200, is_toml ? "application/toml" : "application/json; charset=utf-8", text);
  http_response_set_header(response, "Content-Disposition",
                           is_toml ? "attachment; filename=\"prices.toml\"" : "attachment; filename=\"prices.json\"");
  return response;
}

static PriceEditor
editor_of(const HttpRequest *request, const PriceHttp *http)
{
  return (PriceEditor){.operator_name = http_request_who(request),
                       .operator_ip = http_request_client_ip(request),
                       .lock_wait_s = (guint)http->config->lock_wait_s,
                       .language = http_request_language(request)};
}

static HttpResponse *
get_model(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(PgConnection) connection = price_http_connect(request, context, error);
  char *row = connection != NULL ? price_get(connection, http_request_parameter(request, "name"), error) : NULL;
  return row != NULL ? http_response_json_text(200, row) : NULL;
}

/* The reference's members, and their fields. */
static const struct {
  const char *member, *field;
} members[] = {
    {"displayName", "display_name"},
    {"mode", "mode"},
    {"litellmProvider", "litellm_provider"},
    {"supportsPromptCaching", "supports_prompt_caching"},
    {"inputCostPerToken", "input_cost_per_token"},
    {"outputCostPerToken", "output_cost_per_token"},
    {"outputCostPerImage", "output_cost_per_image"},
    {"inputCostPerRequest", "input_cost_per_request"},
    {"cacheReadInputTokenCost", "cache_read_input_token_cost"},
    {"cacheCreationInputTokenCost", "cache_creation_input_token_cost"},
    {"cacheCreationInputTokenCostAbove1hr", "cache_creation_input_token_cost_above_1hr"},
};

static void
append_field(GString *out, const char *field, const JsonTree *value)
{
  if (out->len > 1)
    g_string_append_c(out, ',');
  json_quote(out, field);
  g_string_append_c(out, ':');
  json_tree_write(value, out);
}

/* extraFieldsJson, a text with JSON, and priceData, an object: fields as stored. */
static gboolean
append_object(GString *out, const JsonTree *value, const char *member, GError **error)
{
  g_autoptr(JsonTree) parsed =
      value->type == JSON_TOKEN_STRING ? json_tree_parse(value->text, strlen(value->text), NULL) : NULL;
  const JsonTree *object = value->type == JSON_TOKEN_STRING ? parsed : value;
  if (object == NULL || object->type != JSON_TOKEN_OBJECT) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s must be a JSON object", member);
    return FALSE;
  }
  for (guint i = 0; i < json_tree_size(object); i++)
    append_field(out, json_tree_child(object, i)->key, json_tree_child(object, i));
  return TRUE;
}

static gboolean
append_member(GString *out, const JsonTree *member, const char *name, GError **error)
{
  if (strcmp(member->key, "modelName") == 0) {
    g_autofree char *trimmed = member->type == JSON_TOKEN_STRING ? price_name_trim(member->text) : NULL;
    if (g_strcmp0(trimmed, name) == 0)
      return TRUE;
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "modelName is not the model of the path");
    return FALSE;
  }
  if (strcmp(member->key, "extraFieldsJson") == 0 || strcmp(member->key, "priceData") == 0)
    return append_object(out, member, member->key, error);
  for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
    if (strcmp(member->key, members[i].member) == 0) {
      append_field(out, members[i].field, member);
      return TRUE;
    }
  }
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "unknown field: %.64s", member->key);
  return FALSE;
}

/* The body's members as stored fields; a field that two members name is an error. */
static JsonTree *
read_fields(const JsonTree *body, const char *name, GError **error)
{
  g_autoptr(GString) out = g_string_new("{");
  for (guint i = 0; i < json_tree_size(body); i++)
    if (!append_member(out, json_tree_child(body, i), name, error))
      return NULL;
  g_string_append_c(out, '}');
  g_autoptr(GError) problem = NULL;
  JsonTree *fields = json_tree_parse(out->str, out->len, &problem);
  if (fields == NULL)
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s", problem->message);
  return fields;
}

static HttpResponse *
put_model(HttpRequest *request, gpointer context, GError **error)
{
  g_autofree char *name = price_name_trim(http_request_parameter(request, "name"));
  g_autoptr(JsonTree) body = price_http_body(request, error);
  g_autoptr(JsonTree) fields = body != NULL ? read_fields(body, name, error) : NULL;
  g_autoptr(PgConnection) connection = fields != NULL ? price_http_connect(request, context, error) : NULL;
  if (connection == NULL)
    return NULL;
  PriceEditor editor = editor_of(request, context);
  char *row = price_set(connection, name, fields, &editor, NULL, error);
  return row != NULL ? http_response_json_text(200, row) : NULL;
}

static HttpResponse *
delete_model(HttpRequest *request, gpointer context, GError **error)
{
  const char *names[] = {http_request_parameter(request, "name"), NULL};
  g_autoptr(PgConnection) connection = price_http_connect(request, context, error);
  PriceEditor editor = editor_of(request, context);
  return connection != NULL && price_delete(connection, names, FALSE, &editor, error) ? http_response_empty(204) : NULL;
}

static HttpResponse *
post_pin(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(JsonTree) body = price_http_body(request, error);
  const char *key = json_tree_string(json_tree_get(body, "pricingProviderKey"));
  if (body != NULL && (key == NULL || json_tree_size(body) != 1))
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "the body must be {\"pricingProviderKey\": \"...\"}");
  g_autoptr(PgConnection) connection =
      key != NULL && json_tree_size(body) == 1 ? price_http_connect(request, context, error) : NULL;
  if (connection == NULL)
    return NULL;
  PriceEditor editor = editor_of(request, context);
  char *row = price_pin(connection, http_request_parameter(request, "name"), key, &editor, error);
  return row != NULL ? http_response_json_text(200, row) : NULL;
}

static const char *const list_query[] = {"page",     "pageSize", "size", "search", "source", "litellmProvider",
                                         "provider", "vendor",   "mode", "sort",   "sortBy", "sortOrder",
                                         "order",    NULL};
static const char *const export_query[] = {"format", "source", NULL};

#define READS   (HTTP_ROUTE_ADMIN | HTTP_ROUTE_PROBLEM)
#define CHANGES (READS | HTTP_ROUTE_CHANGES)
#define MODELS  "/api/v1/model-prices"

/* The first match is used: fixed names come before {name}. */
const HttpRoute price_http_model_routes[] = {
    {.method = "GET", .path = "/api/prices", .flags = READS, .handler = get_prices, .query = list_query},
    {.method = "GET", .path = MODELS, .flags = READS, .handler = get_model_prices, .query = list_query},
    {.method = "GET", .path = MODELS ":export", .flags = READS, .handler = get_export, .query = export_query},
    {.method = "GET", .path = MODELS ":facets", .flags = READS, .handler = get_facets},
    {.method = "GET", .path = MODELS "/exists", .flags = READS, .handler = get_exists},
    {.method = "GET", .path = MODELS "/{name}", .flags = READS, .handler = get_model},
    {.method = "PUT",
     .path = MODELS "/{name}",
     .flags = CHANGES,
     .handler = put_model,
     .max_body_bytes = PRICE_HTTP_BODY_MAX_BYTES},
    {.method = "DELETE", .path = MODELS "/{name}", .flags = CHANGES, .handler = delete_model},
    {.method = "POST", .path = MODELS "/{name}:pinManual", .flags = CHANGES, .handler = post_pin},
    {.method = "POST", .path = MODELS "/{name}/pricing:pinManual", .flags = CHANGES, .handler = post_pin},
    HTTP_ROUTES_END,
};
