#include "prices/http/endpoints.h"

#include "base/error.h"
#include "prices/format/model.h"

JsonTree *
price_http_body(HttpRequest *request, GError **error)
{
  gsize size = 0;
  const char *text = http_request_json_text(request, &size, error);
  if (text == NULL)
    return NULL;
  return size == 0 ? json_tree_parse("{}", 2, NULL) : http_request_json_tree(request, error);
}

gboolean
price_http_names(const JsonTree *array, const char *member, GStrvBuilder *names, GError **error)
{
  gboolean is_good = array->type == JSON_TOKEN_ARRAY;
  for (guint i = 0; is_good && i < json_tree_size(array); i++) {
    const JsonTree *name = json_tree_child(array, i);
    is_good = name->type == JSON_TOKEN_STRING;
    g_autofree char *trimmed = is_good ? price_name_trim(name->text) : NULL;
    if (is_good)
      g_strv_builder_add(names, trimmed);
  }
  if (!is_good)
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s must be an array of names", member);
  return is_good;
}

PgConnection *
price_http_connect(HttpRequest *request, const PriceHttp *http, GError **error)
{
  return pg_pool_take(http->pool, "cch-data prices", http_request_cancellable(request), error);
}

HttpResponse *
price_http_not_ok(HttpRequest *request, GError *failure, GError **error)
{
  http_request_set_error_member(request, "ok", json_false());
  http_request_set_error_member(request, "error", json_string(error_text(failure, http_request_language(request))));
  g_propagate_error(error, failure);
  return NULL;
}
