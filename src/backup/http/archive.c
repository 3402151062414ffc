#include "backup/http/archive.h"

#include "archive/detect/foreign.h"
#include "archive/detect/unwrap.h"
#include "archive/toc/toc_parse.h"
#include "archive/toc/wire.h"
#include "base/error.h"
#include "base/os/directory.h"
#include "http/multipart.h"
#include "upload/http/routes.h"
#include "upload/temp_file.h"

#include <string.h>
#include <unistd.h>

#define MULTIPART_ALLOWANCE_BYTES (64 * 1024) /* for boundaries, part headers and the other fields */
#define MAX_JSON_BYTES            (64 * 1024)
#define MAGIC_BYTES               16

struct HttpArchive {
  HttpRequest *request; /* outlives the archive */
  const BackupHttp *http;
  ArchiveKeeping keeping;
  HttpMultipart *multipart; /* NULL: the body is JSON */
  GByteArray *json;
  gboolean is_file; /* the current part is the file */
  char *field;      /* otherwise its name */
  GString *text;    /* and its value */
  gboolean has_file;
  TempFile *file;
  TempFile *unpacked; /* NULL: the file is the archive itself */
  UploadHold *upload; /* instead of a temporary file */
  guint8 magic[MAGIC_BYTES];
  guint64 file_bytes;
  HttpChoices choices;
  gboolean is_taken, is_arriving, is_open, is_done;
  void (*watch)(gboolean is_waiting, gpointer data); /* of the waits for an upload; NULL: nobody */
  gpointer watch_data;
  gint is_waiting; /* atomic: any thread may read the archive */
};

/* A file of this request that cannot be read is not kept. A named upload stays until it is imported. */
static gboolean
upload_goes(const HttpArchive *archive)
{
  if (archive->has_file && !archive->is_open)
    return TRUE;
  return (archive->has_file || archive->is_done) && !archive->choices.keep_upload;
}

void
http_archive_free(HttpArchive *archive)
{
  if (archive == NULL)
    return;
  if (archive->upload != NULL && upload_goes(archive))
    upload_discard(archive->upload);
  else
    upload_hold_free(archive->upload);
  temp_file_free(archive->unpacked);
  temp_file_free(archive->file);
  http_multipart_free(archive->multipart);
  g_clear_pointer(&archive->json, g_byte_array_unref);
  g_string_free(archive->text, TRUE);
  g_free(archive->field);
  http_choices_clear(&archive->choices);
  g_free(archive);
}

static gboolean
finish_field(HttpArchive *archive, GError **error)
{
  g_autofree char *name = g_steal_pointer(&archive->field);
  if (name == NULL)
    return TRUE;
  if (strlen(archive->text->str) == archive->text->len)
    return http_choices_set(&archive->choices, name, archive->text->str, error);
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s has a NUL in it", name);
  return FALSE;
}

static gboolean
begin_file(HttpArchive *archive, const char *file_name, GError **error)
{
  if (archive->has_file) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "field given twice: file");
    return FALSE;
  }
  if (file_name == NULL || *file_name == '\0') {
    error_set(error, CCH_ERROR_IMPORT_FILE_MISSING, "the field \"file\" holds no file");
    return FALSE;
  }
  if (!upload_name_is_archive(file_name)) {
    error_set(error, CCH_ERROR_IMPORT_FILE_NAME, "%.255s", file_name);
    return FALSE;
  }
  archive->has_file = archive->is_file = TRUE;
  if (archive->keeping == ARCHIVE_TEMPORARY)
    archive->file = temp_file_create(archive->http->config->temp_dir, "import", error);
  else
    archive->upload = uploads_create(archive->http->uploads, file_name, NULL, -1, error);
  return archive->file != NULL || archive->upload != NULL;
}

static gboolean
begin_part(gpointer user_data, const char *name, const char *file_name, GError **error)
{
  HttpArchive *archive = user_data;
  if (!finish_field(archive, error))
    return FALSE;
  archive->is_file = FALSE;
  if (strcmp(name, "file") == 0)
    return begin_file(archive, file_name, error);
  if (!http_choices_expect(&archive->choices, name, error))
    return FALSE;
  archive->field = g_strdup(name);
  g_string_truncate(archive->text, 0);
  return TRUE;
}

static gboolean
refuse_size(HttpArchive *archive, GError **error)
{
  const Config *config = archive->http->config;
  gint64 length = http_request_content_length(archive->request);
  upload_http_explain_size(archive->request, config, (guint64)MAX(length, 0));
  error_set_file_too_large(error, config->max_upload_bytes, "the file has more than %" G_GUINT64_FORMAT " bytes",
                           config->max_upload_bytes);
  return FALSE;
}

static gboolean
check_magic(HttpArchive *archive, const guint8 *data, gsize size, GError **error)
{
  if (archive->file_bytes >= MAGIC_BYTES)
    return TRUE;
  gsize known = (gsize)archive->file_bytes, n = MIN(size, MAGIC_BYTES - known);
  memcpy(archive->magic + known, data, n);
  if (archive_magic_plausible(archive->magic, known + n) || unwrap_is_plausible(archive->magic, known + n))
    return TRUE;
  foreign_set_error(known == 0 ? data : archive->magic, known == 0 ? MIN(size, FOREIGN_HEAD_BYTES) : known + n,
                    G_MAXUINT64, error);
  return FALSE;
}

static gboolean
take_file(HttpArchive *archive, const guint8 *data, gsize size, GError **error)
{
  if (!check_magic(archive, data, size, error))
    return FALSE;
  archive->file_bytes += size;
  if (archive->file_bytes > archive->http->config->max_upload_bytes)
    return refuse_size(archive, error);
  if (archive->upload != NULL)
    return upload_append(archive->upload, data, size, error);
  return temp_file_write(archive->file, data, size, error);
}

static gboolean
take_data(gpointer user_data, const guint8 *data, gsize size, GError **error)
{
  HttpArchive *archive = user_data;
  if (archive->is_file)
    return take_file(archive, data, size, error);
  if (archive->text->len + size > HTTP_CHOICE_MAX_BYTES) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s has more than %d bytes", archive->field, HTTP_CHOICE_MAX_BYTES);
    return FALSE;
  }
  g_string_append_len(archive->text, (const char *)data, (gssize)size);
  return TRUE;
}

static const MultipartSink sink = {begin_part, take_data};

/* Checks the announced length; the bytes themselves are counted later. */
static gboolean
check_announced_size(HttpArchive *archive, GError **error)
{
  const Config *config = archive->http->config;
  gint64 length = http_request_content_length(archive->request);
  if (length > 0 && (guint64)length > config->max_upload_bytes + MULTIPART_ALLOWANCE_BYTES)
    return refuse_size(archive, error);
  return directory_check_free_space(config->temp_dir, length > 0 ? (guint64)length : 0, error);
}

static gboolean
refuse_json_size(GError **error)
{
  error_set(error, CCH_ERROR_REQUEST_TOO_LARGE, "the limit is %d bytes", MAX_JSON_BYTES);
  return FALSE;
}

HttpArchive *
http_archive_new(HttpRequest *request, const BackupHttp *http, ArchiveKeeping keeping, GError **error)
{
  g_autoptr(HttpArchive) archive = g_new0(HttpArchive, 1);
  archive->request = request;
  archive->http = http;
  archive->keeping = keeping;
  archive->choices.keep_upload = keeping == ARCHIVE_KEPT;
  archive->text = g_string_new(NULL);
  if (http_request_is_json(request)) {
    if (http_request_content_length(request) > MAX_JSON_BYTES) {
      refuse_json_size(error);
      return NULL;
    }
    archive->json = g_byte_array_new();
    return g_steal_pointer(&archive);
  }
  archive->multipart = http_multipart_new(request, &sink, archive, error);
  if (archive->multipart == NULL || !check_announced_size(archive, error))
    return NULL;
  return g_steal_pointer(&archive);
}

gboolean
http_archive_write(HttpArchive *archive, const guint8 *data, gsize size, GError **error)
{
  if (archive->json == NULL)
    return http_multipart_write(archive->multipart, data, size, error);
  if (archive->json->len + size > MAX_JSON_BYTES)
    return refuse_json_size(error);
  g_byte_array_append(archive->json, data, (guint)size);
  return TRUE;
}

/* Takes the upload that the request names. */
static gboolean
use_upload(HttpArchive *archive, GError **error)
{
  const char *id = archive->choices.upload_id;
  if (id == NULL) {
    error_set(error, CCH_ERROR_IMPORT_FILE_MISSING, "send it as the field \"file\", or its uploadId");
    return FALSE;
  }
  if (!archive->choices.while_uploading) {
    archive->upload = uploads_use(archive->http->uploads, id, error);
    return archive->upload != NULL;
  }
  archive->upload = uploads_follow(archive->http->uploads, id, error);
  if (archive->upload == NULL)
    return FALSE;
  g_autoptr(UploadInfo) info = upload_info(archive->upload);
  archive->is_arriving = !upload_info_is_complete(info);
  return !archive->is_arriving || http_choices_check(&archive->choices, error); /* before the long wait */
}

static gboolean
check_while_uploading(const HttpArchive *archive, GError **error)
{
  if (!archive->choices.while_uploading || (archive->keeping == ARCHIVE_TEMPORARY && !archive->has_file))
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "whileUploading is for an import of an uploadId");
  return FALSE;
}

gboolean
http_archive_take(HttpArchive *archive, GError **error)
{
  /* 1. The end of the body: the last field, or all of the JSON. */
  gboolean is_read = archive->json != NULL
                         ? http_choices_from_json(&archive->choices, archive->json->data, archive->json->len, error)
                         : http_multipart_end(archive->multipart, error) && finish_field(archive, error);
  if (!is_read || !check_while_uploading(archive, error))
    return FALSE;

  /* 2. The file that came with the request and is now complete, or the named upload. */
  if (archive->has_file && archive->choices.upload_id != NULL) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "give either file or uploadId");
    return FALSE;
  }
  if (!archive->has_file && !use_upload(archive, error))
    return FALSE;
  if (archive->has_file && archive->upload != NULL && !upload_set_length(archive->upload, archive->file_bytes, error))
    return FALSE;
  archive->is_taken = TRUE;
  return TRUE;
}

UploadHold *
http_archive_arriving(const HttpArchive *archive)
{
  return archive->is_arriving ? archive->upload : NULL;
}

void
http_archive_watch_waits(HttpArchive *archive, void (*func)(gboolean is_waiting, gpointer data), gpointer data)
{
  archive->watch = func;
  archive->watch_data = data;
}

static gboolean
wait_for_upload(gpointer user_data, guint64 position, guint64 *ret_arrived, GError **error)
{
  HttpArchive *archive = user_data;
  if (!upload_wait(archive->upload, position, ret_arrived, error))
    return FALSE;
  gboolean is_waiting = *ret_arrived <= position;
  if (g_atomic_int_exchange(&archive->is_waiting, is_waiting) || is_waiting)
    archive->watch(is_waiting, archive->watch_data);
  return TRUE;
}

static ArchiveArrival
arrival_of(HttpArchive *archive, guint64 size)
{
  return (ArchiveArrival){.size = size, .wait = wait_for_upload, .user_data = archive};
}

static gboolean
await_bytes(HttpArchive *archive, guint64 n_bytes, GError **error)
{
  const ArchiveArrival arrival = arrival_of(archive, n_bytes);
  guint64 arrived = 0;
  return n_bytes == 0 ||
         archive_arrival_await(&arrival, n_bytes - 1, http_request_cancellable(archive->request), &arrived, error);
}

/* Waits until the upload shows what it is; one that must be unpacked has to be complete. */
static gboolean
await_beginning(HttpArchive *archive, guint64 size, GError **error)
{
  guint8 magic[MAGIC_BYTES];
  gsize n = (gsize)MIN(size, MAGIC_BYTES);
  if (!await_bytes(archive, n, error))
    return FALSE;
  if (pread(upload_fd(archive->upload), magic, n, 0) != (gssize)n || !unwrap_is_plausible(magic, n))
    return TRUE;
  archive->is_arriving = FALSE;
  return await_bytes(archive, size, error);
}

static ArchiveReader *
open_reader(HttpArchive *archive, int fd, guint64 size, GError **error)
{
  if (!archive->is_arriving)
    return archive_reader_open(fd, error);
  const ArchiveArrival arrival = arrival_of(archive, size);
  return archive_reader_open_arriving(fd, &arrival, http_request_cancellable(archive->request), error);
}

ArchiveReader *
http_archive_open(HttpArchive *archive, GError **error)
{
  const Config *config = archive->http->config;
  if (!archive->is_taken && !http_archive_take(archive, error))
    return NULL;
  g_autoptr(UploadInfo) info = archive->upload != NULL ? upload_info(archive->upload) : NULL;
  guint64 size = info != NULL ? (guint64)info->length : archive->file_bytes;
  if (archive->is_arriving && !await_beginning(archive, size, error))
    return NULL;

  /* 3. The archive itself, unpacked from gzip, zstd or ZIP. */
  int fd = archive->upload != NULL ? upload_fd(archive->upload) : temp_file_fd(archive->file);
  if (!temp_file_unpack(fd, config->temp_dir, config->max_upload_bytes, http_request_cancellable(archive->request),
                        &archive->unpacked, error))
    return NULL;
  if (archive->unpacked != NULL)
    fd = temp_file_fd(archive->unpacked);

  /* 4. Its header and table of contents. */
  g_autoptr(GError) problem = NULL;
  g_autoptr(ArchiveReader) reader = open_reader(archive, fd, size, &problem);
  archive->is_open = reader != NULL;
  if (reader == NULL) {
    http_archive_set_failed(archive, problem);
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
  }

  /* 5. The choices, also against the archive's contents. */
  if (!http_choices_check(&archive->choices, error))
    return NULL;
  const char *const *tables = http_choices_tables(&archive->choices);
  if (tables != NULL && !backup_tables_find(reader, tables, NULL, error))
    return NULL;
  return g_steal_pointer(&reader);
}

const HttpChoices *
http_archive_choices(const HttpArchive *archive)
{
  return &archive->choices;
}

char *
http_archive_upload_id(const HttpArchive *archive)
{
  if (archive->upload == NULL || upload_goes(archive))
    return NULL;
  g_autoptr(UploadInfo) info = upload_info(archive->upload);
  return g_strdup(info->id);
}

void
http_archive_set_done(HttpArchive *archive)
{
  archive->is_done = TRUE;
}

void
http_archive_set_failed(HttpArchive *archive, const GError *problem)
{
  ErrorCode code = error_code(problem);
  if (archive->upload != NULL && (code == CCH_ERROR_ARCHIVE_FORMAT || code == CCH_ERROR_ARCHIVE_CORRUPT))
    upload_set_problem(archive->upload, error_info(problem)->code);
}
