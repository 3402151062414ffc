/* POST …/import: takes the lock, receives the archive, and runs the import on its own thread. An answer without an
 * event stream, or the last event, is sent only when the lock is released and the file removed. */
#include "backup/http/archive.h"
#include "backup/http/endpoints.h"
#include "backup/http/work.h"
#include "backup/report/progress.h"
#include "backup/side/janitor.h"

typedef struct {
  HttpWork *work;
  HttpArchive *archive;
  ArchiveReader *reader;
  BackupImportOptions options;
} Import;

static void
import_release(gpointer data)
{
  Import *import = data;
  if (import->work != NULL)
    http_work_follow(import->work, NULL);
  g_clear_pointer(&import->reader, archive_reader_free);
  g_clear_pointer(&import->archive, http_archive_free);
}

static void
import_free(gpointer data)
{
  Import *import = data;
  g_clear_pointer(&import->work, http_work_free); /* waits for the thread */
  import_release(import);
  g_free(import);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Import, import_free)

/* Removes the file first: nobody else may begin while it exists. */
static void
import_give_up(Import *import)
{
  import_release(import);
  http_work_release_lock(import->work);
}

static gpointer
import_begin(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(Import) import = g_new0(Import, 1);
  import->work = http_work_new(request, context, "import");
  import->archive = http_archive_new(request, context, ARCHIVE_TEMPORARY, error);
  if (import->archive == NULL || !http_work_take_lock(import->work, error))
    return NULL;
  return g_steal_pointer(&import);
}

static gboolean
import_write(gpointer upload, const guint8 *data, gsize size, GError **error)
{
  Import *import = upload;
  if (http_work_check(import->work, error) && http_archive_write(import->archive, data, size, error))
    return TRUE;
  import_give_up(import);
  return FALSE;
}

/* The strings belong to the request and the archive, which outlive the import. */
static void
import_set_options(Import *import)
{
  const HttpRequest *request = http_work_request(import->work);
  const BackupHttp *http = http_work_http(import->work);
  const HttpChoices *choices = http_archive_choices(import->archive);
  import->options = (BackupImportOptions){
      .dsn = pg_pool_dsn(http->pool),
      .redis_url = http->config->redis_url,
      .holder = http_request_who(request),
      .client_ip = http_request_client_ip(request),
      .clean_first = choices->clean_first,
      .skip_logs = choices->skip_logs,
      .allow_incomplete = choices->allow_incomplete,
      .is_strict = choices->is_strict,
      .without_extensions = http_choices_without_extensions(choices),
      .on_conflict = choices->on_conflict,
      .tables = http_choices_tables(choices),
      .method = choices->method,
      .keep_s = (guint)http->config->undo_keep_s,
      .migrate = http->config->auto_migrate,
      .leaves_statistics = TRUE,
      .lock_wait_s = (guint)http->config->lock_wait_s,
      .language = http_request_language(request),
  };
}

/* Opens the archive of an upload that is still arriving. A failure is the last event. */
static gboolean
open_arriving(Import *import)
{
  const double mib = 1024.0 * 1024.0;
  g_autoptr(BackupProgress) progress = backup_progress_new(http_work_report, import->work, import->options.language);
  g_autoptr(UploadInfo) info = upload_info(http_archive_arriving(import->archive));
  backup_progress_say(progress, TEXT_IMPORT_WHILE_UPLOADING, (double)info->length / mib, (double)info->offset / mib);
  g_autoptr(GError) problem = NULL;
  import->reader = http_archive_open(import->archive, &problem);
  if (import->reader == NULL)
    backup_progress_fail(progress, problem, FALSE);
  return import->reader != NULL;
}

static void
run_import(gpointer data)
{
  Import *import = data;
  if (import->reader == NULL && !open_arriving(import))
    return;
  /* Drops what earlier imports left behind, if possible. */
  database_janitor_sweep(import->options.dsn, http_work_cancellable(import->work), NULL);
  g_autoptr(GError) problem = NULL;
  if (backup_import_run(import->reader, &import->options, http_work_lock(import->work), http_work_report, import->work,
                        http_work_cancellable(import->work), &problem)) {
    http_archive_set_done(import->archive);
    statistics_keeper_wake(http_work_http(import->work)->statistics);
  } else {
    http_archive_set_failed(import->archive, problem);
  }
}

static HttpResponse *
import_end(gpointer upload, GError **error)
{
  Import *import = upload;
  gboolean is_taken = http_work_check(import->work, error) && http_archive_take(import->archive, error);
  UploadHold *arriving = is_taken ? http_archive_arriving(import->archive) : NULL;
  if (is_taken && arriving == NULL)
    import->reader = http_archive_open(import->archive, error);
  if (import->reader == NULL && arriving == NULL) {
    import_give_up(import);
    return NULL;
  }
  if (arriving != NULL) {
    http_work_follow(import->work, arriving);
    http_archive_watch_waits(import->archive, http_work_report_wait, import->work);
  }
  import_set_options(import);
  return http_work_start(import->work, run_import, import_release, import, NULL);
}

static const HttpUpload import_functions = {import_begin, import_write, import_end, import_free};

const HttpRoute backup_http_import_routes[] = {
    {
        .method = "POST",
        .path = "/api/admin/database/import",
        .flags = HTTP_ROUTE_ADMIN | HTTP_ROUTE_CHANGES,
        .upload = &import_functions,
    },
    HTTP_ROUTES_END,
};
