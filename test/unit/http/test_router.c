#include "base/error.h"
#include "http/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

static const HttpRoute routes[] = {
    {.method = "GET", .path = "/api/keys"},
    {.method = "POST", .path = "/api/keys"},
    {.method = "POST", .path = "/api/keys:batchUpdate"},
    {.method = "GET", .path = "/api/keys/{id}"},
    {.method = "POST", .path = "/api/prices/{model}/pricing:pinManual"},
    HTTP_ROUTES_END,
};
static const HttpRoute *const tables[] = {routes, NULL};

static HttpRouter *
make_router(void)
{
  HttpRouter *router = http_router_new();
  http_router_add(router, tables, (gpointer)routes);
  return router;
}

static void
assert_route(const char *method, const char *path, guint index, const char *parameter, const char *value)
{
  g_autoptr(HttpRouter) router = make_router();
  g_auto(HttpMatch) match = {0};
  g_autofree char *allow = NULL;
  g_autoptr(GError) error = NULL;
  assert_true(http_router_match(router, method, path, &match, &allow, &error));
  assert_ptr_equal(match.route, &routes[index]);
  assert_ptr_equal(match.context, routes);
  if (parameter != NULL)
    assert_string_equal(g_hash_table_lookup(match.parameters, parameter), value);
}

static void
assert_no_route(const char *method, const char *path, ErrorCode code, const char *wanted_allow)
{
  g_autoptr(HttpRouter) router = make_router();
  g_auto(HttpMatch) match = {0};
  g_autofree char *allow = NULL;
  g_autoptr(GError) error = NULL;
  assert_false(http_router_match(router, method, path, &match, &allow, &error));
  assert_int_equal(error_code(error), code);
  if (wanted_allow != NULL)
    assert_string_equal(allow, wanted_allow);
  else
    assert_null(allow);
}

static void
a_route_is_found_by_method_and_path(void **state)
{
  (void)state;
  assert_route("GET", "/api/keys", 0, NULL, NULL);
  assert_route("HEAD", "/api/keys", 0, NULL, NULL);
  assert_route("POST", "/api/keys", 1, NULL, NULL);
  assert_route("POST", "/api/keys:batchUpdate", 2, NULL, NULL);
  assert_route("POST", "/api/keys%3AbatchUpdate", 2, NULL, NULL);
}

static void
a_parameter_is_one_decoded_segment(void **state)
{
  (void)state;
  assert_route("GET", "/api/keys/42", 3, "id", "42");
  assert_route("POST", "/api/prices/openai%2Fgpt%205/pricing:pinManual", 4, "model", "openai/gpt 5");
  assert_no_route("POST", "/api/prices/openai/gpt/pricing:pinManual", CCH_ERROR_NOT_FOUND, NULL);
  assert_no_route("GET", "/api/keys/", CCH_ERROR_NOT_FOUND, NULL);
}

static void
another_method_is_refused_with_those_that_are_allowed(void **state)
{
  (void)state;
  assert_no_route("DELETE", "/api/keys", CCH_ERROR_METHOD_NOT_ALLOWED, "GET, HEAD, POST");
  assert_no_route("HEAD", "/api/keys:batchUpdate", CCH_ERROR_METHOD_NOT_ALLOWED, "POST");
  assert_no_route("get", "/api/keys", CCH_ERROR_METHOD_NOT_ALLOWED, "GET, HEAD, POST");
}

static void
a_path_that_cannot_be_decoded_is_refused(void **state)
{
  (void)state;
  assert_no_route("GET", "/api/keys/%zz", CCH_ERROR_REQUEST_INVALID, NULL);
  assert_no_route("GET", "/api/keys/%00", CCH_ERROR_REQUEST_INVALID, NULL);
  assert_no_route("GET", "/api/keys/%ff", CCH_ERROR_REQUEST_INVALID, NULL);
  assert_no_route("GET", "/api/nothing", CCH_ERROR_NOT_FOUND, NULL);
  assert_no_route("GET", "", CCH_ERROR_NOT_FOUND, NULL);
}

static const char *const known[] = {"name", "mode", NULL};

static void
a_query_is_split_and_decoded(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autoptr(GHashTable) query = http_query_parse("name=a%20b+c%26&&mode", known, &error);
  assert_non_null(query);
  assert_string_equal(g_hash_table_lookup(query, "name"), "a b c&");
  assert_string_equal(g_hash_table_lookup(query, "mode"), "");
  g_autoptr(GHashTable) none = http_query_parse(NULL, NULL, &error);
  assert_int_equal(g_hash_table_size(none), 0);
}

static void
assert_bad_query(const char *text, const char *const *names, const char *wanted)
{
  g_autoptr(GError) error = NULL;
  assert_null(http_query_parse(text, names, &error));
  assert_int_equal(error_code(error), CCH_ERROR_REQUEST_PARAMETER);
  assert_non_null(g_strstr_len(error->message, -1, wanted));
}

static void
what_a_query_should_not_hold_is_named(void **state)
{
  (void)state;
  assert_bad_query("excludeLog=true", known, "excludeLog");
  assert_bad_query("name=x", NULL, "name");
  assert_bad_query("name=1&name=1", known, "twice: name");
  assert_bad_query("name=%f", known, "percent-encoded");
  assert_bad_query("name=%ff", known, "percent-encoded");
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_route_is_found_by_method_and_path),
      cmocka_unit_test(a_parameter_is_one_decoded_segment),
      cmocka_unit_test(another_method_is_refused_with_those_that_are_allowed),
      cmocka_unit_test(a_path_that_cannot_be_decoded_is_refused),
      cmocka_unit_test(a_query_is_split_and_decoded),
      cmocka_unit_test(what_a_query_should_not_hold_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
