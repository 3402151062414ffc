/* Batches: /api/v1/…:batchUpdate and so on, the same under older clients' names, and undo. */
#include "base/error.h"
#include "batch/http/endpoints.h"
#include "batch/run/circuit.h"
#include "batch/run/undo.h"

#include <string.h>

/* What a request does, by its address. */
typedef enum { OPERATION_USERS, OPERATION_KEYS, OPERATION_PROVIDERS, OPERATION_DELETE, OPERATION_CIRCUITS } Operation;

/* A hash of the request's method, path and body, to detect a key that is reused with other contents. */
static char *
fingerprint_of(HttpRequest *request, const JsonTree *body)
{
  g_autoptr(GString) all = g_string_new(http_request_path(request));
  g_string_append_c(all, ' ');
  json_tree_write_jsonb(body, all);
  return g_compute_checksum_for_string(G_CHECKSUM_SHA256, all->str, (gssize)all->len);
}

static gboolean
read_idempotency_key(HttpRequest *request, const char **ret_key, GError **error)
{
  *ret_key = http_request_header(request, "Idempotency-Key");
  if (*ret_key == NULL || (**ret_key != '\0' && strlen(*ret_key) <= 128 && g_str_is_ascii(*ret_key)))
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "Idempotency-Key has 1 to 128 ASCII characters");
  return FALSE;
}

typedef json_t *(*Run)(const BatchContext *context, HttpRequest *request, const JsonTree *body, BatchProblems *problems,
                       gpointer user_data, GError **error);

static json_t *run_undo(const BatchContext *context, HttpRequest *request, const JsonTree *body,
                        BatchProblems *problems, gpointer user_data, GError **error);

/* Runs with a context from the request. */
static json_t *
with_context(HttpRequest *request, const BatchHttp *http, Run run, BatchProblems *problems, gpointer user_data,
             GError **error)
{
  gsize size = 0;
  if (run == run_undo && http_request_json_text(request, &size, error) == NULL)
    return NULL;
  /* An undo needs no body. */
  g_autoptr(JsonTree) body =
      run == run_undo && size == 0 ? json_tree_parse("{}", 2, error) : http_request_json_tree(request, error);
  if (body == NULL)
    return NULL;
  g_autofree char *mark = fingerprint_of(request, body);
  const char *key = NULL;
  if (!read_idempotency_key(request, &key, error))
    return NULL;
  g_autoptr(PgConnection) connection =
      pg_pool_take(http->pool, "cch-data batch", http_request_cancellable(request), error);
  if (connection == NULL)
    return NULL;
  BatchContext context = {.dsn = pg_pool_dsn(http->pool),
                          .connection = connection,
                          .redis_url = http->config->redis_url,
                          .who = http_request_who(request),
                          .client_ip = http_request_client_ip(request),
                          .language = http_request_language(request),
                          .idempotency_key = key,
                          .fingerprint = mark};
  return run(&context, request, body, problems, user_data, error);
}

static json_t *
run_operation(const BatchContext *context, HttpRequest *request, const JsonTree *body, BatchProblems *problems,
              gpointer user_data, GError **error)
{
  GCancellable *cancellable = http_request_cancellable(request);
  Operation operation = GPOINTER_TO_INT(user_data);
  switch (operation) {
  case OPERATION_USERS:
    return batch_run_json(context, BATCH_USERS, BATCH_UPDATE, body, problems, cancellable, error);
  case OPERATION_KEYS:
    return batch_run_json(context, BATCH_KEYS, BATCH_UPDATE, body, problems, cancellable, error);
  case OPERATION_PROVIDERS:
    return batch_run_json(context, BATCH_PROVIDERS, BATCH_UPDATE, body, problems, cancellable, error);
  case OPERATION_DELETE:
    return batch_run_json(context, BATCH_PROVIDERS, BATCH_DELETE, body, problems, cancellable, error);
  default:
    return batch_circuits_reset(context, body, problems, cancellable, error);
  }
}

static void
show_problems(HttpRequest *request, const BatchProblems *problems)
{
  if (problems->list != NULL)
    http_request_set_error_member(request, "invalidParams", json_incref(problems->list));
  if (problems->refused != NULL)
    http_request_set_error_member(request, "refused", json_incref(problems->refused));
}

static HttpResponse *
answer_v1(HttpRequest *request, gpointer http, Operation operation, GError **error)
{
  g_auto(BatchProblems) problems = {.language = http_request_language(request)};
  json_t *answer = with_context(request, http, run_operation, &problems, GINT_TO_POINTER(operation), error);
  if (answer != NULL)
    return http_response_json(200, answer);
  show_problems(request, &problems);
  return NULL;
}

/* Wraps a reply for older clients: {ok, data} or {ok, error, errorCode}. */
static HttpResponse *
answer_action(HttpRequest *request, gpointer http, Operation operation, GError **error)
{
  (void)error;
  g_autoptr(GError) failure = NULL;
  g_auto(BatchProblems) problems = {.language = http_request_language(request)};
  json_t *answer = with_context(request, http, run_operation, &problems, GINT_TO_POINTER(operation), &failure);
  if (answer != NULL)
    return http_response_json(200, json_pack("{s:b, s:o}", "ok", 1, "data", answer));
  const ErrorInfo *info = error_info(failure);
  json_t *body = json_pack("{s:b, s:s, s:s, s:o}", "ok", 0, "error", error_text(failure, problems.language),
                           "errorCode", info->code, "details", http_json_text(failure->message));
  if (problems.list != NULL)
    json_object_set(body, "invalidParams", problems.list);
  if (problems.refused != NULL)
    json_object_set(body, "refused", problems.refused);
  return http_response_json((guint)info->http_status, body);
}

#define OPERATION_HANDLERS(name, operation)                                                                            \
  static HttpResponse *v1_##name(HttpRequest *request, gpointer context, GError **error)                               \
  {                                                                                                                    \
    return answer_v1(request, context, operation, error);                                                              \
  }                                                                                                                    \
  static HttpResponse *action_##name(HttpRequest *request, gpointer context, GError **error)                           \
  {                                                                                                                    \
    return answer_action(request, context, operation, error);                                                          \
  }
OPERATION_HANDLERS(users, OPERATION_USERS)
OPERATION_HANDLERS(keys, OPERATION_KEYS)
OPERATION_HANDLERS(providers, OPERATION_PROVIDERS)
OPERATION_HANDLERS(delete, OPERATION_DELETE)
OPERATION_HANDLERS(circuits, OPERATION_CIRCUITS)

/* {"skipConflicts": false, "dryRun": false} */
static json_t *
run_undo(const BatchContext *context, HttpRequest *request, const JsonTree *body, BatchProblems *problems,
         gpointer user_data, GError **error)
{
  for (guint i = 0; i < json_tree_size(body); i++) {
    const JsonTree *value = json_tree_child(body, i);
    gboolean is_known = strcmp(value->key, "skipConflicts") == 0 || strcmp(value->key, "dryRun") == 0;
    batch_problems_add(problems, value->key,
                       !is_known                     ? "unknown_field"
                       : json_tree_is_boolean(value) ? NULL
                                                     : "not_a_boolean",
                       NULL);
  }
  if (batch_problems_any(problems)) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "the body is {\"skipConflicts\": false, \"dryRun\": false}");
    return NULL;
  }
  return batch_undo(
      context, http_request_parameter(request, "id"), json_tree_is_true(json_tree_get(body, "skipConflicts")),
      json_tree_is_true(json_tree_get(body, "dryRun")), problems, user_data, http_request_cancellable(request), error);
}

static HttpResponse *
undo_batch(HttpRequest *request, gpointer context, GError **error)
{
  g_auto(BatchProblems) problems = {.language = http_request_language(request)};
  json_t *conflicts = NULL;
  json_t *answer = with_context(request, context, run_undo, &problems, &conflicts, error);
  if (answer != NULL)
    return http_response_json(200, answer);
  if (conflicts != NULL)
    http_request_set_error_member(request, "conflicts", conflicts);
  show_problems(request, &problems);
  return NULL;
}

#define V1     (HTTP_ROUTE_ADMIN | HTTP_ROUTE_CHANGES | HTTP_ROUTE_PROBLEM)
#define ACTION (HTTP_ROUTE_ADMIN | HTTP_ROUTE_CHANGES)

const HttpRoute batch_http_batch_routes[] = {
    {.method = "POST", .path = "/api/v1/users:batchUpdate", .flags = V1, .handler = v1_users},
    {.method = "POST", .path = "/api/v1/keys:batchUpdate", .flags = V1, .handler = v1_keys},
    {.method = "POST", .path = "/api/v1/providers:batchUpdate", .flags = V1, .handler = v1_providers},
    {.method = "POST", .path = "/api/v1/providers:batchDelete", .flags = V1, .handler = v1_delete},
    {.method = "POST", .path = "/api/v1/providers/circuits:batchReset", .flags = V1, .handler = v1_circuits},
    {.method = "POST", .path = "/api/v1/operations/{id}:undo", .flags = V1, .handler = undo_batch},
    {.method = "POST", .path = "/api/actions/users/batchUpdateUsers", .flags = ACTION, .handler = action_users},
    {.method = "POST", .path = "/api/actions/keys/batchUpdateKeys", .flags = ACTION, .handler = action_keys},
    {.method = "POST",
     .path = "/api/actions/providers/batchUpdateProviders",
     .flags = ACTION,
     .handler = action_providers},
    {.method = "POST",
     .path = "/api/actions/providers/batchDeleteProviders",
     .flags = ACTION,
     .handler = action_delete},
    {.method = "POST",
     .path = "/api/actions/providers/batchResetProviderCircuits",
     .flags = ACTION,
     .handler = action_circuits},
    HTTP_ROUTES_END,
};
