/* POST …/import:preview: shows what an import would do, as events that end with the preview, or as JSON alone. A
 * file in the request is kept as an upload, so that the import need not send it again. */
#include "backup/preview/preview.h"
#include "backup/http/archive.h"
#include "backup/http/endpoints.h"
#include "backup/http/work.h"

#include <string.h>

typedef struct {
  HttpWork *work;
  HttpArchive *archive;
  ArchiveReader *reader;
  BackupImportOptions options;
  json_t *result;  /* NULL: it failed */
  GError *problem; /* the reason */
} Preview;

static void
preview_release(gpointer data)
{
  Preview *preview = data;
  g_clear_pointer(&preview->reader, archive_reader_free);
  g_clear_pointer(&preview->archive, http_archive_free);
}

static void
preview_free(gpointer data)
{
  Preview *preview = data;
  g_clear_pointer(&preview->work, http_work_free); /* waits for the thread */
  preview_release(preview);
  json_decref(preview->result);
  g_clear_error(&preview->problem);
  g_free(preview);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Preview, preview_free)

static gpointer
preview_begin(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(Preview) preview = g_new0(Preview, 1);
  preview->work = http_work_new(request, context, "preview");
  preview->archive = http_archive_new(request, context, ARCHIVE_KEPT, error);
  return preview->archive != NULL ? g_steal_pointer(&preview) : NULL;
}

static gboolean
preview_write(gpointer upload, const guint8 *data, gsize size, GError **error)
{
  Preview *preview = upload;
  if (http_work_check(preview->work, error) && http_archive_write(preview->archive, data, size, error))
    return TRUE;
  preview_release(preview);
  return FALSE;
}

/* The strings belong to the request and the archive, which outlive the preview. */
static void
preview_set_options(Preview *preview)
{
  const HttpRequest *request = http_work_request(preview->work);
  const HttpChoices *choices = http_archive_choices(preview->archive);
  preview->options = (BackupImportOptions){
      .dsn = pg_pool_dsn(http_work_http(preview->work)->pool),
      .holder = http_request_who(request),
      .clean_first = choices->clean_first,
      .skip_logs = choices->skip_logs,
      .allow_incomplete = choices->allow_incomplete,
      .is_strict = choices->is_strict,
      .without_extensions = http_choices_without_extensions(choices),
      .on_conflict = choices->on_conflict,
      .tables = http_choices_tables(choices),
      .language = http_request_language(request),
  };
}

static void
run_preview(gpointer data)
{
  Preview *preview = data;
  g_autofree char *upload_id = http_archive_upload_id(preview->archive);
  g_autoptr(BackupPreview) made =
      backup_preview_run(preview->reader, &preview->options, http_work_lock(preview->work), http_work_report,
                         preview->work, http_work_cancellable(preview->work), &preview->problem);
  if (made == NULL) {
    http_archive_set_failed(preview->archive, preview->problem);
    return;
  }
  preview->result = backup_preview_to_json(made);
  json_object_set_new(preview->result, "uploadId", http_json_text(upload_id));
  http_work_extend_last(preview->work, "preview", json_incref(preview->result));
}

/* A client that does not ask for JSON gets events, as from an import. */
static gboolean
wants_json(const HttpRequest *request)
{
  const char *accept = http_request_header(request, "Accept");
  return accept != NULL && strstr(accept, "application/json") != NULL && strstr(accept, "text/event-stream") == NULL;
}

/* Adds the upload's id to an error, so that the file need not be sent again. */
static void
tell_upload(const Preview *preview)
{
  g_autofree char *upload_id = preview->archive != NULL ? http_archive_upload_id(preview->archive) : NULL;
  if (upload_id != NULL)
    http_request_set_error_member(http_work_request(preview->work), "uploadId", json_string(upload_id));
}

static HttpResponse *
answer_with_json(Preview *preview, GError **error)
{
  tell_upload(preview);
  http_work_run(preview->work, run_preview, preview_release, preview);
  if (preview->result != NULL)
    return http_response_json(200, g_steal_pointer(&preview->result));
  g_propagate_error(error, g_steal_pointer(&preview->problem));
  return NULL;
}

static HttpResponse *
preview_end(gpointer upload, GError **error)
{
  Preview *preview = upload;
  if (http_work_check(preview->work, error))
    preview->reader = http_archive_open(preview->archive, error);
  if (preview->reader == NULL || !http_work_take_lock(preview->work, error)) {
    tell_upload(preview);
    preview_release(preview);
    return NULL;
  }
  preview_set_options(preview);
  if (wants_json(http_work_request(preview->work)))
    return answer_with_json(preview, error);
  return http_work_start(preview->work, run_preview, preview_release, preview, NULL);
}

static const HttpUpload preview_functions = {preview_begin, preview_write, preview_end, preview_free};

const HttpRoute backup_http_preview_routes[] = {
    {
        .method = "POST",
        .path = "/api/admin/database/import:preview",
        .flags = HTTP_ROUTE_ADMIN | HTTP_ROUTE_CHANGES,
        .upload = &preview_functions,
    },
    HTTP_ROUTES_END,
};
