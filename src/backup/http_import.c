/* An import over HTTP: the upload into a temporary file, then the import on a thread of its own, which reports to the
 * event stream. */
#include "archive/reader.h"
#include "backup/event_json.h"
#include "backup/http.h"
#include "backup/temp_file.h"
#include "base/error.h"
#include "base/text.h"
#include "http/multipart.h"
#include "http/sse.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MULTIPART_ALLOWANCE_BYTES (64 * 1024) /* for boundaries, part headers and the other fields */
#define MAX_FIELD_BYTES           8
#define MAGIC_BYTES               16

typedef enum { FIELD_FILE, FIELD_CLEAN_FIRST, FIELD_SKIP_LOGS, N_FIELDS } Field;

static const char *const field_names[N_FIELDS] = {"file", "cleanFirst", "skipLogs"};

typedef struct {
  HttpRequest *request; /* outlives this */
  const BackupHttp *http;
  GCancellable *cancellable; /* the request's, and the lock's */
  BackupLock *lock;
  TempFile *file;
  HttpMultipart *multipart;
  Field field; /* of the part being read */
  gboolean is_seen[N_FIELDS];
  char text[N_FIELDS][MAX_FIELD_BYTES + 1];
  gsize text_size;
  guint8 magic[MAGIC_BYTES];
  guint64 file_bytes;
  ArchiveReader *reader;
  BackupImportOptions options;
  SseQueue *queue;
  GThread *thread;
  char *last_event; /* JSON; sent when all is cleared away */
} Import;

/* In this order: nobody else may begin while the file is there. */
static void
release(Import *import)
{
  g_clear_pointer(&import->reader, archive_reader_free);
  g_clear_pointer(&import->file, temp_file_free);
  g_clear_pointer(&import->lock, backup_lock_release);
}

static void
import_free(gpointer data)
{
  Import *import = data;
  if (import->thread != NULL) {
    g_cancellable_cancel(import->cancellable);
    g_thread_join(import->thread);
  }
  release(import);
  http_multipart_free(import->multipart);
  g_clear_pointer(&import->queue, sse_queue_unref);
  g_object_unref(import->cancellable);
  g_free(import->last_event);
  g_free(import);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Import, import_free)

/* By what the request says of its length; the bytes themselves are counted later. */
static gboolean
check_announced_size(Import *import, GError **error)
{
  const Config *config = import->http->config;
  gint64 length = http_request_content_length(import->request);
  if (length > 0 && (guint64)length > config->max_upload_bytes + MULTIPART_ALLOWANCE_BYTES) {
    backup_http_explain_size(import->request, config, (guint64)length);
    error_set(error, CCH_ERROR_IMPORT_FILE_TOO_LARGE, "the body has %" G_GINT64_FORMAT " bytes", length);
    return FALSE;
  }
  return TRUE;
}

static gboolean
take_lock(Import *import, GError **error)
{
  BackupLockOptions options = {
      .dsn = import->http->dsn,
      .redis_url = import->http->config->redis_url,
      .ttl_ms = (guint)import->http->config->lock_ttl_ms,
  };
  g_auto(BackupLockHolder) holder = {0};
  g_autoptr(GError) problem = NULL;
  import->lock = backup_lock_acquire(&options, "import", http_request_who(import->request), import->cancellable,
                                     &holder, &problem);
  if (import->lock != NULL)
    return TRUE;
  if (error_code(problem) == CCH_ERROR_LOCK_HELD)
    backup_http_explain_lock(import->request, &holder);
  g_propagate_error(error, g_steal_pointer(&problem));
  return FALSE;
}

static gboolean
open_file(Import *import, GError **error)
{
  const char *directory = import->http->config->temp_dir;
  gint64 length = http_request_content_length(import->request);
  if (!temp_file_check_space(directory, length > 0 ? (guint64)length : 0, error))
    return FALSE;
  import->file = temp_file_create(directory, "import", error);
  return import->file != NULL;
}

/* "true" and "false" only: a typing error must not turn a merge into an overwrite, or the reverse. */
static gboolean
check_field(Import *import, Field field, gboolean *ret_value, GError **error)
{
  const char *text = import->text[field];
  *ret_value = strcmp(text, "true") == 0;
  if (!import->is_seen[field] || *ret_value || strcmp(text, "false") == 0)
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s must be true or false, not \"%s\"", field_names[field], text);
  return FALSE;
}

static gboolean
begin_part(gpointer user_data, const char *name, const char *file_name, GError **error)
{
  Import *import = user_data;
  for (import->field = FIELD_FILE; import->field < N_FIELDS; import->field++)
    if (strcmp(name, field_names[import->field]) == 0)
      break;
  if (import->field == N_FIELDS) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "unknown field: %.64s", name);
    return FALSE;
  }
  if (import->is_seen[import->field]) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "field given twice: %s", name);
    return FALSE;
  }
  import->is_seen[import->field] = TRUE;
  import->text_size = 0;
  if (import->field != FIELD_FILE)
    return TRUE;
  if (file_name == NULL || *file_name == '\0') {
    error_set(error, CCH_ERROR_IMPORT_FILE_MISSING, "the field \"file\" holds no file");
    return FALSE;
  }
  if (!g_str_has_suffix(file_name, ".dump")) {
    error_set(error, CCH_ERROR_IMPORT_FILE_NAME, "%.255s", file_name);
    return FALSE;
  }
  return TRUE;
}

static gboolean
take_text(Import *import, const guint8 *data, gsize size, GError **error)
{
  if (import->text_size + size > MAX_FIELD_BYTES) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s must be true or false", field_names[import->field]);
    return FALSE;
  }
  char *text = import->text[import->field];
  memcpy(text + import->text_size, data, size);
  import->text_size += size;
  text[import->text_size] = '\0';
  return TRUE;
}

static gboolean
write_file(int fd, const guint8 *data, gsize size, GError **error)
{
  while (size > 0) {
    ssize_t n = write(fd, data, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      error_set_errno(error, errno, "write the upload");
      return FALSE;
    }
    data += n;
    size -= (gsize)n;
  }
  return TRUE;
}

static gboolean
take_file(Import *import, const guint8 *data, gsize size, GError **error)
{
  if (import->file_bytes < MAGIC_BYTES) {
    gsize known = (gsize)import->file_bytes, n = MIN(size, MAGIC_BYTES - known);
    memcpy(import->magic + known, data, n);
    if (!archive_magic_plausible(import->magic, known + n)) {
      error_set(error, CCH_ERROR_ARCHIVE_FORMAT, "the file does not begin like one");
      return FALSE;
    }
  }
  import->file_bytes += size;
  if (import->file_bytes > import->http->config->max_upload_bytes) {
    gint64 length = http_request_content_length(import->request);
    backup_http_explain_size(import->request, import->http->config, (guint64)MAX(length, 0));
    error_set(error, CCH_ERROR_IMPORT_FILE_TOO_LARGE, "the file has more than %" G_GUINT64_FORMAT " bytes",
              import->http->config->max_upload_bytes);
    return FALSE;
  }
  return write_file(temp_file_fd(import->file), data, size, error);
}

static gboolean
take_data(gpointer user_data, const guint8 *data, gsize size, GError **error)
{
  Import *import = user_data;
  return import->field == FIELD_FILE ? take_file(import, data, size, error) : take_text(import, data, size, error);
}

static const MultipartSink sink = {begin_part, take_data};

static gpointer
import_begin(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(Import) import = g_new0(Import, 1);
  import->request = request;
  import->http = context;
  import->cancellable = g_object_ref(http_request_cancellable(request));
  import->multipart = http_multipart_new(request, &sink, import, error);
  if (import->multipart == NULL || !check_announced_size(import, error) || !take_lock(import, error) ||
      !open_file(import, error))
    return NULL;
  return g_steal_pointer(&import);
}

static gboolean
check_cancelled(Import *import, GError **error)
{
  if (!g_cancellable_is_cancelled(import->cancellable))
    return TRUE;
  if (backup_lock_is_lost(import->lock))
    error_set(error, CCH_ERROR_LOCK_LOST, "during the upload");
  else
    error_set(error, CCH_ERROR_CANCELLED, "during the upload");
  return FALSE;
}

static gboolean
import_write(gpointer upload, const guint8 *data, gsize size, GError **error)
{
  Import *import = upload;
  if (check_cancelled(import, error) && http_multipart_write(import->multipart, data, size, error))
    return TRUE;
  release(import);
  return FALSE;
}

static void
on_event(const BackupEvent *event, gpointer user_data)
{
  Import *import = user_data;
  char *json = backup_event_to_json(event);
  if (event->type != BACKUP_EVENT_PROGRESS) {
    g_free(import->last_event);
    import->last_event = json;
  } else if (event->message != NULL) {
    sse_queue_push_message(import->queue, json);
  } else {
    sse_queue_push_progress(import->queue, json);
  }
}

static gpointer
import_thread(gpointer data)
{
  Import *import = data;
  g_autoptr(GError) error = NULL;
  backup_import_run(import->reader, &import->options, import->lock, on_event, import, import->cancellable, &error);
  g_assert(import->last_event != NULL);
  release(import);
  sse_queue_push_message(import->queue, g_steal_pointer(&import->last_event));
  sse_queue_close(import->queue);
  return NULL;
}

static gssize
read_events(gpointer state, guint8 *buffer, gsize size, GError **error)
{
  (void)error;
  return (gssize)sse_queue_read(state, buffer, size);
}

static HttpResponse *
start_import(Import *import)
{
  const Config *config = import->http->config;
  import->options.dsn = import->http->dsn;
  import->options.redis_url = config->redis_url;
  import->options.holder = http_request_who(import->request);
  import->options.client_ip = http_request_client_ip(import->request);
  import->options.migrate = config->auto_migrate;
  import->options.keep_s = (guint)config->undo_keep_s;
  import->options.lock_wait_s = (guint)config->lock_wait_s;
  import->options.language = http_request_language(import->request);
  import->queue = sse_queue_new();
  import->thread = g_thread_new("import", import_thread, import);
  HttpResponse *response = http_response_stream(200, "text/event-stream", read_events, sse_queue_ref(import->queue),
                                                (GDestroyNotify)sse_queue_unref);
  http_response_set_header(response, "Cache-Control", "no-cache, no-store");
  http_response_set_header(response, "X-Accel-Buffering", "no"); /* nginx would hold the events back */
  return response;
}

static gboolean
finish_upload(Import *import, GError **error)
{
  if (!check_cancelled(import, error) || !http_multipart_end(import->multipart, error) ||
      !check_field(import, FIELD_CLEAN_FIRST, &import->options.clean_first, error) ||
      !check_field(import, FIELD_SKIP_LOGS, &import->options.skip_logs, error))
    return FALSE;
  if (!import->is_seen[FIELD_FILE]) {
    error_set(error, CCH_ERROR_IMPORT_FILE_MISSING, "send it as the field \"file\"");
    return FALSE;
  }
  import->reader = archive_reader_open(temp_file_fd(import->file), error);
  return import->reader != NULL;
}

static HttpResponse *
import_end(gpointer upload, GError **error)
{
  Import *import = upload;
  if (finish_upload(import, error))
    return start_import(import);
  release(import);
  return NULL;
}

const HttpUpload backup_http_import = {import_begin, import_write, import_end, import_free};
