#include "upload/upload_store.h"

#include "base/error.h"
#include "base/os/directory.h"

#include <string.h>

void
upload_store_unref(gpointer data)
{
  Upload *upload = data;
  if (!g_atomic_ref_count_dec(&upload->references))
    return;
  upload_file_free(upload->file);
  g_clear_error(&upload->end);
  g_cond_clear(&upload->changed);
  g_mutex_clear(&upload->mutex);
  g_free(upload);
}

Upload *
upload_store_add(Uploads *uploads, UploadFile *file)
{
  Upload *upload = g_new0(Upload, 1);
  g_atomic_ref_count_init(&upload->references);
  g_mutex_init(&upload->mutex);
  g_cond_init(&upload->changed);
  upload->file = file;
  upload->reached = file->offset;
  g_hash_table_insert(uploads->table, file->id, upload);
  return upload;
}

static gint64
now_s(void)
{
  return g_get_real_time() / G_USEC_PER_SEC;
}

static gboolean
is_held(const Upload *upload)
{
  return upload->holder != NULL || upload->follower != NULL;
}

/* Called with the upload's mutex held. */
static gint64
expires_s(const Uploads *uploads, const Upload *upload)
{
  gint64 active_s = is_held(upload) ? now_s() : upload_file_last_active_s(upload->file);
  return active_s + uploads->options.life_s;
}

UploadInfo *
upload_store_describe(const Uploads *uploads, Upload *upload)
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
  info->is_held = is_held(upload);
  return info;
}

/* Called with the upload's mutex held. */
static gboolean
may_remove(const Upload *upload, const UploadHold *holder)
{
  const UploadFile *file = upload->file;
  gboolean is_complete = file->length >= 0 && file->offset == (guint64)file->length;
  if (holder != NULL)
    return upload->holder == holder || upload->follower == holder;
  return upload->holder == NULL && (upload->follower == NULL || !is_complete);
}

gboolean
upload_store_remove(Uploads *uploads, Upload *upload, const UploadHold *holder, GError *reason)
{
  g_autoptr(GError) owned = reason;
  g_mutex_lock(&upload->mutex);
  gboolean is_removed = may_remove(upload, holder);
  if (is_removed) {
    upload_file_unlink(upload->file);
    if (reason == NULL)
      error_set(&owned, CCH_ERROR_UPLOAD_DELETED, "%" G_GUINT64_FORMAT " bytes had arrived", upload->file->offset);
    if (upload->end == NULL)
      upload->end = g_steal_pointer(&owned);
    g_cond_broadcast(&upload->changed);
  }
  g_mutex_unlock(&upload->mutex);
  if (is_removed)
    g_hash_table_remove(uploads->table, upload->file->id);
  return is_removed;
}

static gboolean
is_expired(const Uploads *uploads, Upload *upload)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&upload->mutex);
  return !is_held(upload) && upload_file_is_expired(upload->file, uploads->options.life_s);
}

void
upload_store_remove_expired(Uploads *uploads)
{
  g_autoptr(GList) all = g_hash_table_get_values(uploads->table);
  for (GList *item = all; item != NULL; item = item->next) {
    if (is_expired(uploads, item->data))
      upload_store_remove(uploads, item->data, NULL, NULL);
  }
}

Upload *
upload_store_find(Uploads *uploads, const char *id, GError **error)
{
  upload_store_remove_expired(uploads);
  Upload *upload = g_hash_table_lookup(uploads->table, id);
  if (upload == NULL)
    error_set(error, CCH_ERROR_UPLOAD_NOT_FOUND, "no upload has this id");
  return upload;
}

/* Called with the store's mutex held. The sizes that all uploads but one may reach, and the bytes they have yet to
 * receive. An upload of unknown length counts as the largest possible one. */
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

/* Whether there is room for an upload of this length (-1: unknown), of which `have_bytes` have arrived. */
gboolean
upload_store_check_room(Uploads *uploads, const Upload *except, gint64 length, guint64 have_bytes, GError **error)
{
  const UploadsOptions *options = &uploads->options;
  if (length > 0 && (guint64)length > options->max_bytes) {
    error_set_file_too_large(error, options->max_bytes, "%" G_GINT64_FORMAT " bytes; the limit is %" G_GUINT64_FORMAT,
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
  return directory_check_free_space(uploads->directory, missing + needed, error);
}

void
upload_store_refuse_busy(GError **error)
{
  error_set(error, CCH_ERROR_UPLOAD_BUSY, "it is being written or imported");
}
