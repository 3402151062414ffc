#include "schedule/http/context.h"
#include "schedule/http/endpoints.h"

#include "base/error.h"
#include "storage/age.h"

#include <sodium.h>
#include <string.h>

#define RUNS "/api/admin/backup-runs"

enum { DEFAULT_LIMIT = 50, MAX_LIMIT = 500 };

static HttpResponse *
list_runs(HttpRequest *request, gpointer context, GError **error)
{
  guint limit = 0;
  if (!http_request_query_number(request, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT, &limit, error))
    return NULL;
  g_autoptr(PgConnection) connection = schedule_http_connect(request, context, error);
  g_autofree char *runs =
      connection != NULL ? run_list(connection, http_request_query_given(request, "job"), limit, error) : NULL;
  return runs != NULL ? http_response_json_text(200, g_strdup_printf("{\"runs\":%s}", runs)) : NULL;
}

static HttpResponse *
show_run(HttpRequest *request, gpointer context, GError **error)
{
  gint64 id = 0;
  g_autoptr(PgConnection) connection =
      schedule_http_id(request, &id, error) ? schedule_http_connect(request, context, error) : NULL;
  char *run = connection != NULL ? run_show(connection, id, error) : NULL;
  return run != NULL ? http_response_json_text(200, run) : NULL;
}

static HttpResponse *
cancel_run(HttpRequest *request, gpointer context, GError **error)
{
  gint64 id = 0;
  g_autoptr(PgConnection) connection =
      schedule_http_id(request, &id, error) ? schedule_http_connect(request, context, error) : NULL;
  return connection != NULL && run_cancel(connection, id, error) ? http_response_empty(202) : NULL;
}

/* The secret is in this answer and nowhere else. */
static HttpResponse *
make_key(HttpRequest *request, gpointer context, GError **error)
{
  (void)request;
  (void)context;
  g_autofree char *secret = NULL, *public = NULL;
  if (!age_keygen(&secret, &public, error))
    return NULL;
  HttpResponse *response = http_response_json(201, json_pack("{s:s, s:s}", "secretKey", secret, "publicKey", public));
  sodium_memzero(secret, strlen(secret));
  http_response_set_header(response, "Cache-Control", "no-store");
  return response;
}

static const char *const list_query[] = {"job", "limit", NULL};

const HttpRoute schedule_http_run_routes[] = {
    {.method = "GET", .path = RUNS, .flags = HTTP_ROUTE_ADMIN, .handler = list_runs, .query = list_query},
    {.method = "GET", .path = RUNS "/{id}", .flags = HTTP_ROUTE_ADMIN, .handler = show_run},
    {.method = "POST", .path = RUNS "/{id}/cancel", .flags = SCHEDULE_CHANGES, .handler = cancel_run},
    {.method = "POST", .path = "/api/admin/backup-keys", .flags = SCHEDULE_CHANGES, .handler = make_key},
    HTTP_ROUTES_END,
};
