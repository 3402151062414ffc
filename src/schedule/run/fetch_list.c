#include "base/error.h"
#include "schedule/catalog/job.h"
#include "schedule/run/fetch.h"

#include <stdio.h>
#include <string.h>

void
found_backup_free(FoundBackup *backup)
{
  if (backup == NULL)
    return;
  g_free(backup->job);
  g_free(backup->name);
  g_free(backup);
}

gboolean
fetch_is_backup_name(const char *name)
{
  return g_str_has_suffix(name, ".dump") || g_str_has_suffix(name, ".dump.age");
}

gint64
fetch_time_of_name(const char *name)
{
  int year, month, day, hour, minute, second;
  if (sscanf(name, "backup_%4d-%2d-%2dT%2d-%2d-%2d", &year, &month, &day, &hour, &minute, &second) != 6)
    return 0;
  g_autoptr(GDateTime) time = g_date_time_new_utc(year, month, day, hour, minute, second);
  return time != NULL ? g_date_time_to_unix(time) : 0;
}

/* "daily/backup_….dump": the folder is the job's name. NULL for another depth or name. */
static FoundBackup *
found_from_file(const StorageFile *file, GHashTable *names)
{
  const char *slash = strchr(file->name, '/');
  if (slash == NULL || strchr(slash + 1, '/') != NULL || !fetch_is_backup_name(file->name))
    return NULL;
  g_autofree char *job = g_strndup(file->name, (gsize)(slash - file->name));
  g_autofree char *manifest = g_strconcat(file->name, MANIFEST_SUFFIX, NULL);
  if (!job_name_check(job, NULL))
    return NULL;
  FoundBackup *backup = g_new0(FoundBackup, 1);
  backup->job = g_steal_pointer(&job);
  backup->name = g_strdup(slash + 1);
  backup->bytes = file->bytes;
  backup->made_s = fetch_time_of_name(backup->name);
  if (backup->made_s == 0)
    backup->made_s = file->modified_s;
  backup->is_encrypted = g_str_has_suffix(file->name, ".age");
  backup->has_manifest = g_hash_table_contains(names, manifest);
  return backup;
}

static int
newest_first(gconstpointer a, gconstpointer b)
{
  const FoundBackup *first = *(const FoundBackup *const *)a, *second = *(const FoundBackup *const *)b;
  if (first->made_s != second->made_s)
    return first->made_s < second->made_s ? 1 : -1;
  return strcmp(second->name, first->name);
}

GPtrArray *
fetch_list(Storage *storage, const char *job, GCancellable *cancellable, GError **error)
{
  g_autoptr(GPtrArray) files = storage_list(storage, job, cancellable, error);
  if (files == NULL)
    return NULL;
  g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; i < files->len; i++)
    g_hash_table_add(names, ((StorageFile *)files->pdata[i])->name);
  GPtrArray *backups = g_ptr_array_new_with_free_func((GDestroyNotify)found_backup_free);
  for (guint i = 0; i < files->len; i++) {
    FoundBackup *backup = found_from_file(files->pdata[i], names);
    if (backup != NULL)
      g_ptr_array_add(backups, backup);
  }
  g_ptr_array_sort(backups, newest_first);
  return backups;
}

gboolean
fetch_manifest(Storage *storage, const FoundBackup *backup, Manifest **ret_manifest, GCancellable *cancellable,
               GError **error)
{
  *ret_manifest = NULL;
  if (!backup->has_manifest)
    return TRUE;
  g_autofree char *name = g_strconcat(backup->job, "/", backup->name, MANIFEST_SUFFIX, NULL);
  g_autoptr(GBytes) bytes = storage_get_bytes(storage, name, MANIFEST_MAX_BYTES, cancellable, error);
  if (bytes == NULL)
    return FALSE;
  gsize size = 0;
  const char *text = g_bytes_get_data(bytes, &size);
  *ret_manifest = manifest_from_json(text, size, error);
  if (*ret_manifest == NULL)
    g_prefix_error(error, "%s: ", name);
  return *ret_manifest != NULL;
}

gboolean
fetch_delete(Storage *storage, const char *job, const char *name, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_strconcat(job, "/", name, NULL);
  g_autofree char *manifest = g_strconcat(path, MANIFEST_SUFFIX, NULL);
  return storage_delete(storage, path, cancellable, error) && storage_delete(storage, manifest, cancellable, error);
}

const char *
fetch_file_sha256(const Manifest *manifest)
{
  if (manifest == NULL)
    return NULL;
  return manifest->file_sha256 != NULL ? manifest->file_sha256 : manifest->archive_sha256;
}
