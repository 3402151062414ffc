/* Compares the routes with docs/openapi.json in both directions. The black-box tests check the shapes of answers
 * (test/api/support/openapi.mjs). */
#include "base/json.h"
#include "service/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

static json_t *document;
static GPtrArray *all_routes; /* of HttpRoute */

static int
load_document(void **state)
{
  (void)state;
  all_routes = g_ptr_array_new();
  for (guint domain = 0; domain < API_N_DOMAINS; domain++)
    for (const HttpRoute *const *table = api_routes[domain]; *table != NULL; table++)
      for (const HttpRoute *route = *table; route->method != NULL; route++)
        g_ptr_array_add(all_routes, (gpointer)route);
  document = json_loads(api_openapi_json, JSON_REJECT_DUPLICATES, NULL);
  return document != NULL ? 0 : -1;
}

static int
free_document(void **state)
{
  (void)state;
  json_decref(document);
  g_ptr_array_unref(all_routes);
  return 0;
}

/* The target of a reference like "#/components/parameters/limit"; NULL when it does not exist. */
static const json_t *
look_up(const char *reference)
{
  g_auto(GStrv) names = g_strsplit(reference, "/", -1);
  const json_t *found = strcmp(names[0], "#") == 0 ? document : NULL;
  for (char **name = names + 1; *name != NULL; name++)
    found = json_object_get(found, *name);
  return found;
}

static const json_t *
resolve(const json_t *value)
{
  const char *reference = json_string_value(json_object_get(value, "$ref"));
  return reference != NULL ? look_up(reference) : value;
}

static const json_t *
find_operation(const HttpRoute *route)
{
  g_autofree char *method = g_ascii_strdown(route->method, -1);
  return json_object_get(json_object_get(json_object_get(document, "paths"), route->path), method);
}

static const HttpRoute *
find_route(const char *method, const char *path)
{
  for (guint i = 0; i < all_routes->len; i++) {
    const HttpRoute *route = all_routes->pdata[i];
    if (g_ascii_strcasecmp(route->method, method) == 0 && strcmp(route->path, path) == 0)
      return route;
  }
  return NULL;
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *
join_sorted(GPtrArray *names)
{
  g_ptr_array_sort(names, compare_names);
  g_ptr_array_add(names, NULL);
  return g_strjoinv(" ", (char **)names->pdata);
}

/* The sorted names of an operation's parameters in the query or the path. */
static char *
described_parameters(const json_t *operation, const char *place)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  gsize i;
  const json_t *value;
  json_array_foreach(json_object_get(operation, "parameters"), i, value) {
    const json_t *parameter = resolve(value);
    if (g_strcmp0(json_string_value(json_object_get(parameter, "in")), place) == 0)
      g_ptr_array_add(names, (gpointer)json_string_value(json_object_get(parameter, "name")));
  }
  return join_sorted(names);
}

static char *
query_of(const HttpRoute *route)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  for (const char *const *name = route->query; name != NULL && *name != NULL; name++)
    g_ptr_array_add(names, (gpointer)*name);
  return join_sorted(names);
}

/* The only parameter name in a path like "/api/v1/users/{id}/keys", or "". */
static char *
path_parameter_of(const HttpRoute *route)
{
  const char *begin = strchr(route->path, '{');
  return begin != NULL ? g_strndup(begin + 1, strcspn(begin + 1, "}")) : g_strdup("");
}

static void
every_route_is_described_with_its_parameters(void **state)
{
  (void)state;
  for (guint i = 0; i < all_routes->len; i++) {
    const HttpRoute *route = all_routes->pdata[i];
    const json_t *operation = find_operation(route);
    if (operation == NULL)
      fail_msg("docs/openapi.json does not have %s %s", route->method, route->path);
    g_autofree char *query = query_of(route), *described_query = described_parameters(operation, "query");
    g_autofree char *in_path = path_parameter_of(route), *described_path = described_parameters(operation, "path");
    if (strcmp(query, described_query) != 0 || strcmp(in_path, described_path) != 0)
      fail_msg("%s %s takes [%s] and {%s}; docs/openapi.json says [%s] and {%s}", route->method, route->path, query,
               in_path, described_query, described_path);
  }
}

static void
every_description_is_of_a_route(void **state)
{
  (void)state;
  const char *path, *method;
  json_t *item, *operation;
  json_object_foreach(json_object_get(document, "paths"), path, item)
    json_object_foreach(item, method, operation) {
      if (find_route(method, path) == NULL)
        fail_msg("nothing serves %s %s of docs/openapi.json", method, path);
    }
}

static void
who_gets_in_and_how_errors_look_is_described(void **state)
{
  (void)state;
  for (guint i = 0; i < all_routes->len; i++) {
    const HttpRoute *route = all_routes->pdata[i];
    const json_t *operation = find_operation(route);
    gboolean is_public = json_object_get(operation, "security") != NULL;
    const json_t *failure = json_object_get(json_object_get(operation, "responses"), "default");
    const char *shape = json_string_value(json_object_get(failure, "$ref"));
    const char *wanted =
        route->flags & HTTP_ROUTE_PROBLEM ? "#/components/responses/Problem" : "#/components/responses/Error";
    if (is_public != ((route->flags & HTTP_ROUTE_ADMIN) == 0) || g_strcmp0(shape, wanted) != 0)
      fail_msg("%s %s is described as %s, with %s", route->method, route->path, is_public ? "public" : "guarded",
               shape);
  }
}

static void
check_references(const json_t *value)
{
  const char *name, *reference = json_string_value(json_object_get(value, "$ref"));
  gsize i;
  json_t *child;
  if (reference != NULL && look_up(reference) == NULL)
    fail_msg("%s is not there", reference);
  json_object_foreach((json_t *)value, name, child)
    check_references(child);
  json_array_foreach(value, i, child)
    check_references(child);
}

static void
every_reference_leads_somewhere(void **state)
{
  (void)state;
  check_references(document);
}

static void
the_document_has_the_version_of_the_program(void **state)
{
  (void)state;
  assert_string_equal(json_string_value(json_object_get(look_up("#/info"), "version")), CCH_VERSION);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_route_is_described_with_its_parameters), cmocka_unit_test(every_description_is_of_a_route),
      cmocka_unit_test(who_gets_in_and_how_errors_look_is_described), cmocka_unit_test(every_reference_leads_somewhere),
      cmocka_unit_test(the_document_has_the_version_of_the_program),
  };
  return cmocka_run_group_tests(tests, load_document, free_document);
}
