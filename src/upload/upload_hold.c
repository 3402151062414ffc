/* Operations on an upload by the request that holds it. */
#include "upload/upload_store.h"

#include "archive/detect/foreign.h"
#include "archive/detect/unwrap.h"
#include "archive/toc/toc_parse.h"
#include "base/error.h"
#include "base/log.h"
#include "base/os/directory.h"
#include "base/os/write_all.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MAGIC_BYTES 16
#define WAIT_US     (G_USEC_PER_SEC / 5)
#define STALLED_US  (5 * G_USEC_PER_SEC) /* after a pause of this length a writer loses its hold to the next one */

struct UploadHold {
  Uploads *uploads;
  Upload *upload;
  gboolean is_use;
  gint64 waits_since_us; /* of a follower; 0: it does not wait */
  GChecksum *checksum;   /* NULL: nothing to verify */
  TusChecksum expected;
  guint64 unverified_bytes; /* after the file's offset */
};

static UploadHold *
new_hold(Uploads *uploads, Upload *upload)
{
  UploadHold *hold = g_new0(UploadHold, 1);
  hold->uploads = uploads;
  hold->upload = upload;
  g_atomic_ref_count_inc(&upload->references);
  return hold;
}

/* Called with the upload's mutex held. */
static UploadHold *
take_hold(Uploads *uploads, Upload *upload, gboolean is_use)
{
  UploadHold *hold = new_hold(uploads, upload);
  hold->is_use = is_use;
  upload->holder = hold;
  upload->holder_active_us = g_get_monotonic_time();
  return hold;
}

static UploadHold *
create_upload(Uploads *uploads, const char *file_name, const char *metadata, gint64 length, gboolean is_own,
              GError **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&uploads->mutex);
  upload_store_remove_expired(uploads);
  if (g_hash_table_size(uploads->table) >= UPLOADS_MAX_COUNT) {
    error_set(error, CCH_ERROR_UPLOAD_NO_ROOM, "%d uploads are kept already", UPLOADS_MAX_COUNT);
    return NULL;
  }
  gboolean has_room = is_own ? directory_check_free_space(uploads->directory, (guint64)length, error)
                             : upload_store_check_room(uploads, NULL, length, 0, error);
  UploadFile *file = has_room ? upload_file_create(uploads->directory, file_name, metadata, length, error) : NULL;
  return file != NULL ? take_hold(uploads, upload_store_add(uploads, file), FALSE) : NULL;
}

UploadHold *
uploads_create(Uploads *uploads, const char *file_name, const char *metadata, gint64 length, GError **error)
{
  if (upload_name_is_archive(file_name))
    return create_upload(uploads, file_name, metadata, length, FALSE, error);
  error_set(error, CCH_ERROR_IMPORT_FILE_NAME, "%s", file_name);
  return NULL;
}

UploadHold *
uploads_create_own(Uploads *uploads, const char *file_name, guint64 length, GError **error)
{
  return create_upload(uploads, file_name, NULL, (gint64)length, TRUE, error);
}

/* Discards unverified bytes; called with the upload's mutex held. If that fails, later bytes overwrite them. */
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

/* Called with the upload's mutex held. */
static gboolean
may_take(const Upload *upload, gboolean is_use)
{
  const UploadHold *holder = upload->holder;
  if (is_use && upload->follower != NULL)
    return FALSE;
  return holder == NULL || (!holder->is_use && g_get_monotonic_time() - upload->holder_active_us > STALLED_US);
}

static UploadHold *
hold_upload(Uploads *uploads, const char *id, gboolean is_use, GError **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&uploads->mutex);
  Upload *upload = upload_store_find(uploads, id, error);
  if (upload == NULL)
    return NULL;
  g_autoptr(GMutexLocker) inner = g_mutex_locker_new(&upload->mutex);
  const UploadFile *file = upload->file;
  if (!may_take(upload, is_use)) {
    upload_store_refuse_busy(error);
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

UploadHold *
uploads_follow(Uploads *uploads, const char *id, GError **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&uploads->mutex);
  Upload *upload = upload_store_find(uploads, id, error);
  if (upload == NULL)
    return NULL;
  g_autoptr(GMutexLocker) inner = g_mutex_locker_new(&upload->mutex);
  if (upload->follower != NULL || (upload->holder != NULL && upload->holder->is_use)) {
    upload_store_refuse_busy(error);
    return NULL;
  }
  if (upload->file->length < 0) {
    error_set(error, CCH_ERROR_UPLOAD_INCOMPLETE, "its length is not known yet");
    return NULL;
  }
  UploadHold *hold = new_hold(uploads, upload);
  upload->follower = hold;
  return hold;
}

/* Called with the upload's mutex held. */
static gboolean
refuse_stalled(UploadHold *hold, GError **error)
{
  const Upload *upload = hold->upload;
  gint64 now_us = g_get_monotonic_time();
  guint stall_s = hold->uploads->options.stall_s;
  if (hold->waits_since_us == 0)
    hold->waits_since_us = now_us;
  if (now_us - MAX(hold->waits_since_us, upload->reached_us) < stall_s * G_USEC_PER_SEC)
    return TRUE;
  error_set(error, CCH_ERROR_UPLOAD_STALLED,
            "%" G_GUINT64_FORMAT " of %" G_GINT64_FORMAT " bytes are here, and nothing came for %u s",
            upload->file->offset, upload->file->length, stall_s);
  return FALSE;
}

gboolean
upload_wait(UploadHold *hold, guint64 position, guint64 *ret_arrived, GError **error)
{
  Upload *upload = hold->upload;
  gint64 until_us = g_get_monotonic_time() + WAIT_US;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&upload->mutex);
  while (upload->end == NULL && upload->file->offset <= position)
    if (!g_cond_wait_until(&upload->changed, &upload->mutex, until_us))
      break;
  if (upload->end != NULL) {
    g_propagate_error(error, g_error_copy(upload->end));
    return FALSE;
  }
  if (upload->file->offset > position)
    hold->waits_since_us = 0;
  else if (!refuse_stalled(hold, error))
    return FALSE;
  *ret_arrived = upload->file->offset;
  return TRUE;
}

/* Removes the upload from the store and the disk, unless another request holds it by now. */
static void
take_away(UploadHold *hold, GError *reason)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&hold->uploads->mutex);
  upload_store_remove(hold->uploads, hold->upload, hold, reason);
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
  } else if (upload->follower == hold) {
    upload->follower = NULL;
    upload_file_touch(upload->file);
  }
  g_mutex_unlock(&upload->mutex);
  if (hold->checksum != NULL)
    g_checksum_free(hold->checksum);
  upload_store_unref(upload);
  g_free(hold);
}

void
upload_discard(UploadHold *hold)
{
  take_away(hold, NULL);
  upload_hold_free(hold);
}

UploadInfo *
upload_info(const UploadHold *hold)
{
  return upload_store_describe(hold->uploads, hold->upload);
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

/* This and the next three are called with the upload's mutex held. */
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
  if (!upload_store_check_room(hold->uploads, hold->upload, (gint64)length, file->offset, error))
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
  g_cond_broadcast(&hold->upload->changed);
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
  /* An announced length was checked when it was announced. */
  if (file->length < 0 && end > hold->uploads->options.max_bytes) {
    error_set_file_too_large(error, hold->uploads->options.max_bytes,
                             "the file has more than %" G_GUINT64_FORMAT " bytes", hold->uploads->options.max_bytes);
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
    g_cond_broadcast(&hold->upload->changed);
  }
  if (file->offset + hold->unverified_bytes > hold->upload->reached) {
    hold->upload->reached = file->offset + hold->unverified_bytes;
    hold->upload->reached_us = g_get_monotonic_time();
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
  g_autoptr(GError) problem = NULL;
  gboolean is_written =
      check_holder(hold, error) && check_append(hold, end + size, error) && write_at_end(hold, data, size, error);
  upload->holder_active_us = g_get_monotonic_time();
  if (is_written && is_beginning)
    is_good = begins_like_an_archive(upload->file->fd, &problem);
  g_mutex_unlock(&upload->mutex);
  if (!is_good) {
    take_away(hold, g_error_copy(problem));
    g_propagate_error(error, g_steal_pointer(&problem));
  }
  return is_written && is_good;
}
