#include "upload/uploads.h"

#include "base/error.h"
#include "upload/upload_store.h"

#include <string.h>

#define MAX_REST_S 60 /* between two sweeps of expired uploads */

gboolean
upload_name_is_archive(const char *file_name)
{
  static const char *const suffixes[] = {".dump", ".dump.gz", ".dump.zst", ".dump.zip"};
  for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++)
    if (g_str_has_suffix(file_name, suffixes[i]))
      return TRUE;
  return FALSE;
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

static void
sweep_uploads(gpointer data, GCancellable *stopping)
{
  Uploads *uploads = data;
  (void)stopping;
  g_mutex_lock(&uploads->mutex);
  upload_store_remove_expired(uploads);
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
  uploads->table = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, upload_store_unref); /* the file owns its id */
  g_autoptr(GPtrArray) files = upload_files_adopt(uploads->directory, uploads->options.life_s);
  while (files->len > 0)
    upload_store_add(uploads, g_ptr_array_steal_index(files, files->len - 1));
  guint rest_s = (guint)CLAMP(uploads->options.life_s / 4, 1, MAX_REST_S);
  uploads->thread = periodic_thread_start("uploads", rest_s, sweep_uploads, uploads);
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
  Upload *upload = upload_store_find(uploads, id, error);
  return upload != NULL ? upload_store_describe(uploads, upload) : NULL;
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
  upload_store_remove_expired(uploads);
  GPtrArray *infos = g_ptr_array_new_with_free_func((GDestroyNotify)upload_info_free);
  g_autoptr(GList) all = g_hash_table_get_values(uploads->table);
  for (GList *item = all; item != NULL; item = item->next)
    g_ptr_array_add(infos, upload_store_describe(uploads, item->data));
  g_ptr_array_sort(infos, compare_age);
  return infos;
}

gboolean
uploads_remove(Uploads *uploads, const char *id, GError **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&uploads->mutex);
  Upload *upload = upload_store_find(uploads, id, error);
  if (upload == NULL)
    return FALSE;
  if (upload_store_remove(uploads, upload, NULL, NULL))
    return TRUE;
  upload_store_refuse_busy(error);
  return FALSE;
}
