#include "backup/http/undo.h"

#include "backup/http/endpoints.h"
#include "backup/http/work.h"
#include "backup/undo/undo.h"
#include "base/error.h"

typedef struct {
  HttpWork *work;
  char *name; /* name of the kept database; NULL: the newest */
  BackupUndoOptions options;
} Undo;

static void
undo_free(gpointer data)
{
  Undo *undo = data;
  http_work_free(undo->work);
  g_free(undo->name);
  g_free(undo);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Undo, undo_free)

/* The strings belong to the request and the undo. */
static Undo *
undo_new(HttpRequest *request, const BackupHttp *http)
{
  Undo *undo = g_new0(Undo, 1);
  undo->work = http_work_new(request, http, "undo");
  undo->name = g_strdup(http_request_query(request, "name"));
  undo->options = (BackupUndoOptions){
      .dsn = pg_pool_dsn(http->pool),
      .redis_url = http->config->redis_url,
      .name = undo->name,
      .holder = http_request_who(request),
      .client_ip = http_request_client_ip(request),
      .keep_s = (guint)http->config->undo_keep_s,
      .lock_wait_s = (guint)http->config->lock_wait_s,
      .language = http_request_language(request),
  };
  return undo;
}

static void
run_undo(gpointer data)
{
  Undo *undo = data;
  if (backup_undo_run(&undo->options, http_work_lock(undo->work), http_work_report, undo->work,
                      http_work_cancellable(undo->work), NULL))
    statistics_keeper_wake(http_work_http(undo->work)->statistics); /* it may still owe those of its import */
}

static gboolean
check_no_body(HttpRequest *request, GError **error)
{
  gsize size = 0;
  if (http_request_json_text(request, &size, NULL) != NULL && size == 0)
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_INVALID, "this takes no body");
  return FALSE;
}

static GPtrArray *
read_kept(HttpRequest *request, const BackupHttp *http, GError **error)
{
  g_autoptr(PgConnection) live = pg_pool_take(http->pool, "cch-data undo", http_request_cancellable(request), error);
  return live != NULL ? backup_undo_list(live, error) : NULL;
}

static HttpResponse *
put_back(HttpRequest *request, gpointer context, GError **error)
{
  if (!check_no_body(request, error))
    return NULL;
  g_autoptr(Undo) undo = undo_new(request, context);
  if (!http_work_take_lock(undo->work, error))
    return NULL;
  g_autoptr(GPtrArray) kept = read_kept(request, context, error);
  if (kept == NULL)
    return NULL;
  if (kept->len == 0) {
    error_set(error, CCH_ERROR_UNDO_NOTHING, "no database from before an import is kept");
    return NULL;
  }
  HttpWork *work = undo->work;
  return http_work_start(work, run_undo, NULL, g_steal_pointer(&undo), undo_free);
}

json_t *
backup_http_kept_json(const GPtrArray *kept)
{
  json_t *all = json_array();
  for (guint i = 0; i < kept->len; i++) {
    const KeptDatabase *database = g_ptr_array_index(kept, i);
    json_array_append_new(all, json_pack("{s:o, s:o, s:o, s:o, s:o, s:I}", "name", http_json_text(database->name),
                                         "madeAt", http_json_text(database->made_at), "madeBy",
                                         http_json_text(database->made_by), "reason", http_json_text(database->reason),
                                         "expiresAt", http_json_text(database->expires_at), "sizeBytes",
                                         (json_int_t)database->size_bytes));
  }
  return all;
}

static HttpResponse *
list_kept(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(GPtrArray) kept = read_kept(request, context, error);
  return kept != NULL ? http_response_json(200, json_pack("{s:o}", "kept", backup_http_kept_json(kept))) : NULL;
}

static HttpResponse *
drop_kept(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(Undo) undo = undo_new(request, context);
  if (!http_work_take_lock(undo->work, error) ||
      !backup_undo_discard(&undo->options, http_work_lock(undo->work), http_work_cancellable(undo->work), error))
    return NULL;
  return http_response_empty(204);
}

static const char *const undo_query[] = {"name", NULL};

#define UNDO_PATH "/api/admin/database/import:undo"

const HttpRoute backup_http_undo_routes[] = {
    {
        .method = "POST",
        .path = UNDO_PATH,
        .flags = HTTP_ROUTE_ADMIN | HTTP_ROUTE_CHANGES,
        .handler = put_back,
        .query = undo_query,
    },
    {.method = "GET", .path = UNDO_PATH, .flags = HTTP_ROUTE_ADMIN, .handler = list_kept},
    {
        .method = "DELETE",
        .path = UNDO_PATH,
        .flags = HTTP_ROUTE_ADMIN | HTTP_ROUTE_CHANGES,
        .handler = drop_kept,
        .query = undo_query,
    },
    HTTP_ROUTES_END,
};
