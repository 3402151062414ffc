#include "upload/uploads.h"

#include "archive/foreign.h"
#include "archive/toc_parse.h"
#include "archive/unwrap.h"
#include "base/error.h"
#include "base/free_space.h"
#include "base/log.h"
#include "base/wait.h"
#include "base/write_all.h"
#include "upload/temp_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MAGIC_BYTES 16
#define STALLED_US  (5 * G_USEC_PER_SEC) /* a writer that waits so long for its client loses its hold to the next */
#define MAX_REST_S  60                   /* between two looks for what has expired */

typedef struct {
  gatomicrefcount references;
  GMutex mutex; /* guards what follows, and writing; taken inside the store's */
  UploadFile *file;
  const UploadHold *holder; /* NULL: nobody */
  gint64 holder_active_us;
} Upload;

struct Uploads {
  UploadsOptions options;
  char *directory;
  GMutex mutex; /* guards the table */
  GHashTable *table;
  PeriodicThread *thread;
};

struct UploadHold {
  Uploads *uploads;
  Upload *upload;
  gboolean is_use;
  GChecksum *checksum; /* NULL: nothing to verify */
  TusChecksum expected;
  guint64 unverified_bytes; /* behind the file's offset */
};

gboolean
upload_name_is_archive(const char *file_name)
{
  static const char *const suffixes[] = {".dump", ".dump.gz", ".dump.zst", ".dump.zip"};
  for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++)
    if (g_str_has_suffix(file_name, suffixes[i]))
      return TRUE;
  return FALSE;
}

static void
upload_unref(gpointer data)
{
  Upload *upload = data;
  if (!g_atomic_ref_count_dec(&upload->references))
    return;
  upload_file_free(upload->file);
  g_mutex_clear(&upload->mutex);
  g_free(upload);
}

static Upload *
add_to_table(Uploads *uploads, UploadFile *file)
{
  Upload *upload = g_new0(Upload, 1);
  g_atomic_ref_count_init(&upload->references);
  g_mutex_init(&upload->mutex);
  upload->file = file;
  g_hash_table_insert(uploads->table, file->id, upload);
  return upload;
}

void
upload_info_free(UploadInfo *info)
{
  if (info == NULL)
    return;
  g_free(info->id);
  g_free(info->file_name);
  g_free(info->metadata);
  g_free(info->problem);
  g_free(info);
}

static gint64
now_s(void)
{
  return g_get_real_time() / G_USEC_PER_SEC;
}

/* With the upload's mutex. */
static gint64
expires_s(const Uploads *uploads, const Upload *upload)
{
  gint64 active_s = upload->holder != NULL ? now_s() : upload_file_last_active_s(upload->file);
  return active_s + uploads->options.life_s;
}

static UploadInfo *
describe(const Uploads *uploads, Upload *upload)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&upload->mutex);
  const UploadFile *file = upload->file;
  UploadInfo *info = g_new0(UploadInfo, 1);
  info->id = g_strdup(file->id);
  info->file_name = g_strdup(file->file_name);
  info->metadata = g_strdup(file->metadata);
  info->problem = g_strdup(file->problem);
  info->length = file->length;
  info->offset = file->offset;
  info->created_s = file->created_s;
  info->expires_s = expires_s(uploads, upload);
  info->is_held = upload->holder != NULL;
  return info;
}

/* FALSE while somebody holds it. */
static gboolean
remove_if_free(Uploads *uploads, Upload *upload)
{
  g_mutex_lock(&upload->mutex);
  gboolean is_free = upload->holder == NULL;
  if (is_free)
    upload_file_unlink(upload->file);
  g_mutex_unlock(&upload->mutex);
  if (is_free)
    g_hash_table_remove(uploads->table, upload->file->id);
  return is_free;
}

static gboolean
is_expired(const Uploads *uploads, Upload *upload)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&upload->mutex);
  return upload->holder == NULL && expires_s(uploads, upload) <= now_s();
}

static void
remove_expired(Uploads *uploads)
{
  g_autoptr(GList) all = g_hash_table_get_values(uploads->table);
  for (GList *item = all; item != NULL; item = item->next) {
    if (is_expired(uploads, item->data))
      remove_if_free(uploads, item->data);
  }
}

static Upload *
find_upload(Uploads *uploads, const char *id, GError **error)
{
  remove_expired(uploads);
  Upload *upload = g_hash_table_lookup(uploads->table, id);
  if (upload == NULL)
    error_set(error, CCH_ERROR_UPLOAD_NOT_FOUND, "no upload has this id");
  return upload;
}

static void
sweep(gpointer data, GCancellable *stopping)
{
  Uploads *uploads = data;
  (void)stopping;
  g_mutex_lock(&uploads->mutex);
  remove_expired(uploads);
  g_mutex_unlock(&uploads->mutex);
  upload_files_sweep(uploads->directory, uploads->options.life_s);
}

Uploads *
uploads_open(const UploadsOptions *options)
{
  Uploads *uploads = g_new0(Uploads, 1);
  uploads->options = *options;
  uploads->options.max_total_bytes = MAX(options->max_total_bytes, options->max_bytes);
  uploads->directory = g_strdup(options->directory);
  uploads->options.directory = uploads->directory;
  g_mutex_init(&uploads->mutex);
  uploads->table = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, upload_unref); /* the file owns its id */
  g_autoptr(GPtrArray) files = upload_files_adopt(uploads->directory, uploads->options.life_s);
  while (files->len > 0)
    add_to_table(uploads, g_ptr_array_steal_index(files, files->len - 1));
  guint rest_s = (guint)CLAMP(uploads->options.life_s / 4, 1, MAX_REST_S);
  uploads->thread = periodic_thread_start("uploads", rest_s, sweep, uploads);
  return uploads;
}

void
uploads_close(Uploads *uploads)
{
  if (uploads == NULL)
    return;
  periodic_thread_stop(uploads->thread);
  g_hash_table_unref(uploads->table);
  g_mutex_clear(&uploads->mutex);
  g_free(uploads->directory);
  g_free(uploads);
}

UploadInfo *
uploads_find(Uploads *uploads, const char *id, GError **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&uploads->mutex);
  Upload *upload = find_upload(uploads, id, error);
  return upload != NULL ? describe(uploads, upload) : NULL;
}

static gint
compare_age(gconstpointer a, gconstpointer b)
{
  const UploadInfo *first = *(const UploadInfo *const *)a, *second = *(const UploadInfo *const *)b;
  if (first->created_s != second->created_s)
    return first->created_s < second->created_s ? -1 : 1;
  return strcmp(first->id, second->id);
}

GPtrArray *
uploads_list(Uploads *uploads)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&uploads->mutex);
  remove_expired(uploads);
  GPtrArray *infos = g_ptr_array_new_with_free_func((GDestroyNotify)upload_info_free);
  g_autoptr(GList) all = g_hash_table_get_values(uploads->table);
  for (GList *item = all; item != NULL; item = item->next)
    g_ptr_array_add(infos, describe(uploads, item->data));
  g_ptr_array_sort(infos, compare_age);
  return infos;
}

static gboolean
refuse_busy(GError **error)
{
  error_set(error, CCH_ERROR_UPLOAD_BUSY, "it is being written or imported");
  return FALSE;
}

gboolean
uploads_remove(Uploads *uploads, const char *id, GError **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&uploads->mutex);
  Upload *upload = find_upload(uploads, id, error);
  if (upload == NULL)
    return FALSE;
  return remove_if_free(uploads, upload) || refuse_busy(error);
}

/* With the store's mutex. What all uploads but one may grow to, and what they still have to receive. An upload of
 * unknown length counts as the largest. */
static void
add_up(Uploads *uploads, const Upload *except, guint64 *ret_reserved_bytes, guint64 *ret_missing_bytes)
{
  guint64 reserved = 0, missing = 0;
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, uploads->table);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    Upload *upload = value;
    if (upload == except)
      continue;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&upload->mutex);
    const UploadFile *file = upload->file;
    reserved += file->length >= 0 ? (guint64)file->length : uploads->options.max_bytes;
    missing += file->length >= 0 ? (guint64)file->length - file->offset : 0;
  }
  *ret_reserved_bytes = reserved;
  *ret_missing_bytes = missing;
}

/* Whether an upload of this length (-1: unknown) has room, of which `have_bytes` are there. */
static gboolean
check_room(Uploads *uploads, const Upload *except, gint64 length, guint64 have_bytes, GError **error)
{
  const UploadsOptions *options = &uploads->options;
  if (length > 0 && (guint64)length > options->max_bytes) {
    error_set(error, CCH_ERROR_IMPORT_FILE_TOO_LARGE, "%" G_GINT64_FORMAT " bytes; the limit is %" G_GUINT64_FORMAT,
              length, options->max_bytes);
    return FALSE;
  }
  guint64 reserved, missing, wanted = length >= 0 ? (guint64)length : options->max_bytes;
  add_up(uploads, except, &reserved, &missing);
  if (reserved + wanted > options->max_total_bytes) {
    error_set(error, CCH_ERROR_UPLOAD_NO_ROOM,
              "uploads of %" G_GUINT64_FORMAT " bytes are kept; the limit is %" G_GUINT64_FORMAT, reserved,
              options->max_total_bytes);
    return FALSE;
  }
  guint64 needed = length > 0 ? (guint64)length - have_bytes : 0;
  return free_space_check(uploads->directory, missing + needed, error);
}

/* With the upload's mutex. */
static UploadHold *
take_hold(Uploads *uploads, Upload *upload, gboolean is_use)
{
  UploadHold *hold = g_new0(UploadHold, 1);
  hold->uploads = uploads;
  hold->upload = upload;
  hold->is_use = is_use;
  g_atomic_ref_count_inc(&upload->references);
  upload->holder = hold;
  upload->holder_active_us = g_get_monotonic_time();
  return hold;
}

UploadHold *
uploads_create(Uploads *uploads, const char *file_name, const char *metadata, gint64 length, GError **error)
{
  if (!upload_name_is_archive(file_name)) {
    error_set(error, CCH_ERROR_IMPORT_FILE_NAME, "%s", file_name);
    return NULL;
  }
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&uploads->mutex);
  remove_expired(uploads);
  if (g_hash_table_size(uploads->table) >= UPLOADS_MAX_COUNT) {
    error_set(error, CCH_ERROR_UPLOAD_NO_ROOM, "%d uploads are kept already", UPLOADS_MAX_COUNT);
    return NULL;
  }
  if (!check_room(uploads, NULL, length, 0, error))
    return NULL;
  UploadFile *file = upload_file_create(uploads->directory, file_name, metadata, length, error);
  return file != NULL ? take_hold(uploads, add_to_table(uploads, file), FALSE) : NULL;
}

/* Throws away what was not verified, with the upload's mutex. If that fails, later bytes are written over it. */
static gboolean
drop_doubts(UploadFile *file, GError **error)
{
  if (!file->has_doubts)
    return TRUE;
  if (ftruncate(file->fd, (off_t)file->offset) != 0) {
    error_set_errno(error, errno, "truncate the upload");
    return FALSE;
  }
  file->has_doubts = FALSE;
  return upload_file_save(file, error);
}

/* With the upload's mutex. */
static gboolean
may_take(const Upload *upload)
{
  const UploadHold *holder = upload->holder;
  return holder == NULL || (!holder->is_use && g_get_monotonic_time() - upload->holder_active_us > STALLED_US);
}

static UploadHold *
hold_upload(Uploads *uploads, const char *id, gboolean is_use, GError **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&uploads->mutex);
  Upload *upload = find_upload(uploads, id, error);
  if (upload == NULL)
    return NULL;
  g_autoptr(GMutexLocker) inner = g_mutex_locker_new(&upload->mutex);
  const UploadFile *file = upload->file;
  if (!may_take(upload)) {
    refuse_busy(error);
    return NULL;
  }
  if (is_use && (file->length < 0 || file->offset < (guint64)file->length)) {
    error_set(error, CCH_ERROR_UPLOAD_INCOMPLETE, "%" G_GUINT64_FORMAT " of %" G_GINT64_FORMAT " bytes are here",
              file->offset, file->length);
    return NULL;
  }
  return drop_doubts(upload->file, error) ? take_hold(uploads, upload, is_use) : NULL;
}

UploadHold *
uploads_hold(Uploads *uploads, const char *id, GError **error)
{
  return hold_upload(uploads, id, FALSE, error);
}

UploadHold *
uploads_use(Uploads *uploads, const char *id, GError **error)
{
  return hold_upload(uploads, id, TRUE, error);
}

/* Takes the upload out of the store and off the disk, unless another holds it by now. */
static void
take_away(UploadHold *hold)
{
  Uploads *uploads = hold->uploads;
  Upload *upload = hold->upload;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&uploads->mutex);
  g_mutex_lock(&upload->mutex);
  gboolean is_ours = upload->holder == hold;
  if (is_ours)
    upload_file_unlink(upload->file);
  g_mutex_unlock(&upload->mutex);
  if (is_ours)
    g_hash_table_remove(uploads->table, upload->file->id);
}

void
upload_hold_free(UploadHold *hold)
{
  if (hold == NULL)
    return;
  Upload *upload = hold->upload;
  g_mutex_lock(&upload->mutex);
  if (upload->holder == hold) {
    upload->holder = NULL;
    drop_doubts(upload->file, NULL);
    upload_file_touch(upload->file);
  }
  g_mutex_unlock(&upload->mutex);
  if (hold->checksum != NULL)
    g_checksum_free(hold->checksum);
  upload_unref(upload);
  g_free(hold);
}

void
upload_discard(UploadHold *hold)
{
  take_away(hold);
  upload_hold_free(hold);
}

UploadInfo *
upload_info(const UploadHold *hold)
{
  return describe(hold->uploads, hold->upload);
}

void
upload_set_problem(UploadHold *hold, const char *error_code)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&hold->upload->mutex);
  g_autoptr(GError) problem = NULL;
  UploadFile *file = hold->upload->file;
  g_free(file->problem);
  file->problem = g_strdup(error_code);
  if (!upload_file_save(file, &problem))
    log_event(LOG_WARNING, "upload not marked", "id", file->id, "reason", problem->message, NULL);
}

int
upload_fd(const UploadHold *hold)
{
  return hold->upload->file->fd;
}

/* With the upload's mutex, as the next three. */
static gboolean
check_holder(UploadHold *hold, GError **error)
{
  if (hold->upload->holder == hold)
    return TRUE;
  error_set(error, CCH_ERROR_UPLOAD_BUSY, "another request has taken over");
  return FALSE;
}

gboolean
upload_set_length(UploadHold *hold, guint64 length, GError **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&hold->uploads->mutex);
  g_autoptr(GMutexLocker) inner = g_mutex_locker_new(&hold->upload->mutex);
  UploadFile *file = hold->upload->file;
  if (!check_holder(hold, error))
    return FALSE;
  if (file->length >= 0 ? (guint64)file->length != length : length < file->offset) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "Upload-Length contradicts what is known of the upload");
    return FALSE;
  }
  if (file->length >= 0)
    return TRUE;
  if (!check_room(hold->uploads, hold->upload, (gint64)length, file->offset, error))
    return FALSE;
  file->length = (gint64)length;
  if (upload_file_save(file, error))
    return TRUE;
  file->length = -1;
  return FALSE;
}

gboolean
upload_expect(UploadHold *hold, const TusChecksum *checksum, GError **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&hold->upload->mutex);
  UploadFile *file = hold->upload->file;
  if (!check_holder(hold, error))
    return FALSE;
  file->has_doubts = TRUE;
  if (!upload_file_save(file, error)) {
    file->has_doubts = FALSE;
    return FALSE;
  }
  hold->checksum = g_checksum_new(checksum->type);
  hold->expected = *checksum;
  return TRUE;
}

gboolean
upload_verify(UploadHold *hold, GError **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&hold->upload->mutex);
  UploadFile *file = hold->upload->file;
  if (!check_holder(hold, error))
    return FALSE;
  guint8 digest[sizeof hold->expected.digest];
  gsize size = sizeof digest;
  g_checksum_get_digest(hold->checksum, digest, &size);
  if (size != hold->expected.size || memcmp(digest, hold->expected.digest, size) != 0) {
    error_set(error, CCH_ERROR_UPLOAD_CHECKSUM, "of the %" G_GUINT64_FORMAT " bytes", hold->unverified_bytes);
    return FALSE;
  }
  file->offset += hold->unverified_bytes;
  hold->unverified_bytes = 0;
  file->has_doubts = FALSE;
  return upload_file_save(file, error);
}

static gboolean
check_append(const UploadHold *hold, guint64 end, GError **error)
{
  const UploadFile *file = hold->upload->file;
  if (file->length >= 0 && end > (guint64)file->length) {
    error_set(error, CCH_ERROR_REQUEST_TOO_LARGE, "more than the %" G_GINT64_FORMAT " bytes of Upload-Length",
              file->length);
    return FALSE;
  }
  if (end > hold->uploads->options.max_bytes) {
    error_set(error, CCH_ERROR_IMPORT_FILE_TOO_LARGE, "the file has more than %" G_GUINT64_FORMAT " bytes",
              hold->uploads->options.max_bytes);
    return FALSE;
  }
  return TRUE;
}

static gboolean
write_at_end(UploadHold *hold, const guint8 *data, gsize size, GError **error)
{
  UploadFile *file = hold->upload->file;
  if (!write_all_at(file->fd, data, size, file->offset + hold->unverified_bytes, "the upload", error))
    return FALSE;
  if (hold->checksum != NULL) {
    g_checksum_update(hold->checksum, data, (gssize)size);
    hold->unverified_bytes += size;
  } else {
    file->offset += size;
  }
  return TRUE;
}

static gboolean
begins_like_an_archive(int fd, GError **error)
{
  guint8 magic[MAGIC_BYTES];
  ssize_t n = pread(fd, magic, sizeof magic, 0);
  if (n >= 0 && (archive_magic_plausible(magic, (gsize)n) || unwrap_is_plausible(magic, (gsize)n)))
    return TRUE;
  foreign_set_error_of_file(fd, error);
  return FALSE;
}

gboolean
upload_append(UploadHold *hold, const guint8 *data, gsize size, GError **error)
{
  Upload *upload = hold->upload;
  g_mutex_lock(&upload->mutex);
  guint64 end = upload->file->offset + hold->unverified_bytes;
  gboolean is_beginning = end < MAGIC_BYTES, is_good = TRUE;
  gboolean is_written =
      check_holder(hold, error) && check_append(hold, end + size, error) && write_at_end(hold, data, size, error);
  upload->holder_active_us = g_get_monotonic_time();
  if (is_written && is_beginning)
    is_good = begins_like_an_archive(upload->file->fd, error);
  g_mutex_unlock(&upload->mutex);
  if (!is_good)
    take_away(hold);
  return is_written && is_good;
}
