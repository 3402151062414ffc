/* …/import:undo: the database from before an overwriting import by swap. POST puts it back, GET tells what is kept,
 * DELETE drops it now. */
#include "backup/swap/undo.h"
#include "backup/http/routes.h"
#include "backup/http/work.h"
#include "base/error.h"

typedef struct {
  HttpWork *work;
  char *name; /* of the kept database; NULL: the newest */
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

/* The strings are the request's and the undo's. */
static Undo *
undo_new(HttpRequest *request, const BackupHttp *http)
{
  Undo *undo = g_new0(Undo, 1);
  undo->work = http_work_new(request, http, "undo");
  undo->name = g_strdup(http_request_query(request, "name"));
  undo->options = (BackupUndoOptions){
      .dsn = http->dsn,
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
  backup_undo_run(&undo->options, http_work_lock(undo->work), http_work_report, undo->work,
                  http_work_cancellable(undo->work), NULL);
}

static void
release_nothing(gpointer data)
{
  (void)data;
}

/* A route that takes a body as it comes, although it wants none, keeps its state until its reply was sent. */
static gpointer
undo_begin(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(Undo) undo = undo_new(request, context);
  return http_work_take_lock(undo->work, error) ? g_steal_pointer(&undo) : NULL;
}

static gboolean
undo_write(gpointer upload, const guint8 *data, gsize size, GError **error)
{
  (void)data;
  (void)size;
  Undo *undo = upload;
  http_work_release_lock(undo->work);
  error_set(error, CCH_ERROR_REQUEST_INVALID, "this takes no body");
  return FALSE;
}

static HttpResponse *
undo_end(gpointer upload, GError **error)
{
  Undo *undo = upload;
  g_autoptr(GError) problem = NULL;
  g_autoptr(GPtrArray) kept = backup_undo_list(undo->options.dsn, &problem);
  if (problem == NULL && kept->len == 0)
    error_set(&problem, CCH_ERROR_UNDO_NOTHING, "no database from before an import is kept");
  if (problem == NULL)
    return http_work_start(undo->work, run_undo, release_nothing, undo);
  http_work_release_lock(undo->work);
  g_propagate_error(error, g_steal_pointer(&problem));
  return NULL;
}

static const HttpUpload undo_functions = {undo_begin, undo_write, undo_end, undo_free};

json_t *
backup_http_describe_kept(const GPtrArray *kept)
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
  (void)request;
  const BackupHttp *http = context;
  g_autoptr(GPtrArray) kept = backup_undo_list(http->dsn, error);
  return kept != NULL ? http_response_json(200, json_pack("{s:o}", "kept", backup_http_describe_kept(kept))) : NULL;
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

static const char *const query[] = {"name", NULL};

#define UNDO_PATH "/api/admin/database/import:undo"

const HttpRoute backup_http_undo_routes[] = {
    {
        .method = "POST",
        .path = UNDO_PATH,
        .flags = HTTP_ROUTE_ADMIN | HTTP_ROUTE_CHANGES,
        .upload = &undo_functions,
        .query = query,
    },
    {.method = "GET", .path = UNDO_PATH, .flags = HTTP_ROUTE_ADMIN, .handler = list_kept},
    {
        .method = "DELETE",
        .path = UNDO_PATH,
        .flags = HTTP_ROUTE_ADMIN | HTTP_ROUTE_CHANGES,
        .handler = drop_kept,
        .query = query,
    },
};
const guint backup_http_n_undo_routes = G_N_ELEMENTS(backup_http_undo_routes);
