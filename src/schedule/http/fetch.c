#include "schedule/run/fetch.h"

#include "backup/manifest/manifest.h"
#include "base/error.h"
#include "schedule/http/context.h"
#include "schedule/http/endpoints.h"

#include <sodium.h>
#include <string.h>

/* A backup on its way from its destination to a kept upload, on a thread of its own. */
typedef struct {
  const ScheduleHttp *http;
  Language language;
  CatalogBackup *backup;
  CatalogDestination *destination;
  UploadHold *upload;
  char *upload_id;
  char *identity; /* NULL: none */
  GCancellable *cancellable;
  SseQueue *queue;
  GThread *thread;
} Fetch;

static void
fetch_free(gpointer data)
{
  Fetch *fetch = data;
  if (fetch->cancellable != NULL)
    g_cancellable_cancel(fetch->cancellable);
  g_clear_pointer(&fetch->thread, g_thread_join);
  if (fetch->upload != NULL)
    upload_discard(fetch->upload);
  catalog_backup_free(fetch->backup);
  catalog_destination_free(fetch->destination);
  if (fetch->identity != NULL)
    sodium_memzero(fetch->identity, strlen(fetch->identity));
  g_free(fetch->identity);
  g_free(fetch->upload_id);
  g_clear_object(&fetch->cancellable);
  g_clear_pointer(&fetch->queue, sse_queue_unref);
  g_free(fetch);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fetch, fetch_free)

static void
show_progress(guint64 done_bytes, guint64 total_bytes, gpointer data)
{
  const Fetch *fetch = data;
  g_autoptr(json_t) event = json_pack("{s:s, s:I, s:I}", "type", "progress", "bytes", (json_int_t)done_bytes,
                                      "bytesTotal", (json_int_t)total_bytes);
  sse_queue_push_progress(fetch->queue, json_to_text(event));
}

static gboolean
write_to_upload(gpointer upload, const guint8 *bytes, gsize size, GError **error)
{
  return upload_append(upload, bytes, size, error);
}

static gboolean
fetch_into_upload(Fetch *fetch, GError **error)
{
  const CatalogBackup *backup = fetch->backup;
  g_autoptr(Storage) storage = catalog_open_destination(fetch->destination, fetch->http->config->data_dir, error);
  g_autofree char *path = g_strconcat(backup->job_name, "/", backup->name, NULL);
  const FetchOptions options = {.write = write_to_upload,
                                .target = fetch->upload,
                                .identity = fetch->identity,
                                .progress = show_progress,
                                .data = fetch};
  return storage != NULL &&
         fetch_file(storage, path, backup->bytes, backup->sha256, &options, fetch->cancellable, error);
}

static gpointer
fetch_thread(gpointer data)
{
  Fetch *fetch = data;
  g_autoptr(GError) problem = NULL;
  g_autoptr(json_t) event = NULL;
  if (fetch_into_upload(fetch, &problem)) {
    upload_hold_free(g_steal_pointer(&fetch->upload));
    event = json_pack("{s:s, s:s}", "type", "complete", "uploadId", fetch->upload_id);
  } else {
    upload_discard(g_steal_pointer(&fetch->upload));
    event = json_pack("{s:s, s:s, s:s, s:o}", "type", "error", "errorCode", error_info(problem)->code, "message",
                      error_text(problem, fetch->language), "details", http_json_text(problem->message));
  }
  sse_queue_push_message(fetch->queue, json_to_text(event));
  sse_queue_close(fetch->queue);
  return NULL;
}

/* The bytes that will arrive: the archive's, as its manifest has them, if it is decrypted on the way. */
static gboolean
find_length(PgConnection *connection, const CatalogBackup *backup, guint64 *ret_bytes, GError **error)
{
  *ret_bytes = backup->bytes;
  if (!backup->is_encrypted)
    return TRUE;
  g_autofree char *json = NULL;
  if (!catalog_read_manifest(connection, backup->id, &json, error))
    return FALSE;
  g_autoptr(Manifest) manifest = json != NULL ? manifest_from_json(json, strlen(json), error) : NULL;
  if (manifest != NULL)
    *ret_bytes = manifest->archive_bytes;
  else if (json == NULL)
    error_set(error, CCH_ERROR_MANIFEST, "no manifest lies beside %s", backup->name);
  return manifest != NULL;
}

static gboolean
prepare(Fetch *fetch, HttpRequest *request, const char *identity, GError **error)
{
  gint64 id = 0;
  guint64 length = 0;
  if (!schedule_http_id(request, &id, error))
    return FALSE;
  g_autoptr(PgConnection) connection = schedule_http_connect(request, fetch->http, error);
  fetch->backup = connection != NULL ? catalog_find_backup(connection, id, error) : NULL;
  if (fetch->backup == NULL)
    return FALSE;
  if (fetch->backup->is_encrypted && identity == NULL) {
    error_set(error, CCH_ERROR_AGE_NO_KEY, "%s", fetch->backup->name);
    return FALSE;
  }
  fetch->identity = fetch->backup->is_encrypted ? g_strdup(identity) : NULL;
  fetch->destination = catalog_find_destination(connection, fetch->backup->destination_id, error);
  if (fetch->destination == NULL || !find_length(connection, fetch->backup, &length, error))
    return FALSE;
  g_autofree char *name = g_strdup(fetch->backup->name);
  if (g_str_has_suffix(name, ".age"))
    name[strlen(name) - strlen(".age")] = '\0';
  fetch->upload = uploads_create_own(fetch->http->uploads, name, length, error);
  if (fetch->upload == NULL)
    return FALSE;
  UploadInfo *info = upload_info(fetch->upload);
  fetch->upload_id = g_strdup(info->id);
  upload_info_free(info);
  return TRUE;
}

static HttpResponse *
fetch_backup(HttpRequest *request, gpointer context, GError **error)
{
  gsize size = 0;
  const char *text = http_request_json_text(request, &size, error);
  json_t *body = text != NULL && size > 0 ? http_request_json(request, error) : NULL;
  if (text == NULL || (size > 0 && body == NULL))
    return NULL;
  const json_t *identity = json_object_get(body, "identity");
  if (json_object_size(body) > (identity != NULL) || (identity != NULL && !json_is_string(identity))) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "the body has one member, identity, the secret key");
    return NULL;
  }
  g_autoptr(Fetch) fetch = g_new0(Fetch, 1);
  fetch->http = context;
  fetch->language = http_request_language(request);
  fetch->cancellable = g_object_ref(http_request_cancellable(request));
  fetch->queue = sse_queue_new();
  if (!prepare(fetch, request, json_string_value(identity), error))
    return NULL;
  fetch->thread = g_thread_new("backup-fetch", fetch_thread, fetch);
  SseQueue *queue = sse_queue_ref(fetch->queue);
  return http_response_events(queue, g_steal_pointer(&fetch), fetch_free);
}

const HttpRoute schedule_http_fetch_routes[] = {
    {.method = "POST", .path = "/api/admin/backups/{id}/fetch", .flags = SCHEDULE_CHANGES, .handler = fetch_backup},
    HTTP_ROUTES_END,
};
