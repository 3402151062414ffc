#include "schedule/run/steps.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* Manifests whose names have no file beside them, and files in the making, are nobody's backup. */
static gboolean
is_backup_name(const char *name)
{
  return g_str_has_suffix(name, ".dump") || g_str_has_suffix(name, ".dump.age");
}

/* "daily/backup_….dump": the folder is the job's name. FALSE for another depth. */
static gboolean
split_name(const char *path, char **ret_job, const char **ret_name)
{
  const char *slash = strchr(path, '/');
  if (slash == NULL || strchr(slash + 1, '/') != NULL)
    return FALSE;
  *ret_job = g_strndup(path, (gsize)(slash - path));
  *ret_name = slash + 1;
  return job_name_check(*ret_job, NULL);
}

static char *
time_text(gint64 time_s)
{
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_s);
  return time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : NULL;
}

/* "backup_2026-01-29T10-30-00…" says when it was made. */
static char *
time_of_name(const char *name)
{
  int year, month, day, hour, minute, second;
  if (sscanf(name, "backup_%4d-%2d-%2dT%2d-%2d-%2d", &year, &month, &day, &hour, &minute, &second) != 6)
    return NULL;
  g_autoptr(GDateTime) time = g_date_time_new_utc(year, month, day, hour, minute, second);
  return time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : NULL;
}

static gboolean
add_unknown(RunWork *work, PgConnection *connection, const CatalogDestination *destination, Storage *storage,
            const StorageFile *file, gboolean has_manifest, GError **error)
{
  g_autofree char *job = NULL;
  const char *name = NULL;
  if (!split_name(file->name, &job, &name))
    return TRUE;
  g_autofree char *manifest_name = g_strconcat(file->name, MANIFEST_SUFFIX, NULL);
  g_autoptr(GBytes) bytes =
      has_manifest ? storage_get_bytes(storage, manifest_name, MANIFEST_MAX_BYTES, work->cancellable, error) : NULL;
  if (has_manifest && bytes == NULL)
    return FALSE;
  gsize size = 0;
  const char *text = bytes != NULL ? g_bytes_get_data(bytes, &size) : NULL;
  g_autoptr(Manifest) manifest = text != NULL ? manifest_from_json(text, size, NULL) : NULL;
  g_autofree char *json = manifest != NULL ? manifest_to_json(manifest) : NULL;
  g_autofree char *made_at =
      manifest != NULL && manifest->snapshot_time != NULL ? g_strdup(manifest->snapshot_time) : time_of_name(name);
  if (made_at == NULL)
    made_at = time_text(file->modified_s);
  const char *sha256 = manifest == NULL                ? NULL
                       : manifest->file_sha256 != NULL ? manifest->file_sha256
                                                       : manifest->archive_sha256;
  return catalog_note_backup(connection, destination->id, job, name, file->bytes, sha256, json, made_at, TRUE, error);
}

/* A backup whose upload has not ended ("made") is not missing. */
static gboolean
compare_known(PgConnection *connection, const CatalogBackup *backup, const StorageFile *file, GError **error)
{
  gboolean is_good = strcmp(backup->state, "stored") == 0 || strcmp(backup->state, "proven") == 0;
  if (file == NULL)
    return !is_good || catalog_note_problem(connection, backup->id, "missing", "there is no such file", error);
  if (file->bytes != backup->bytes) {
    g_autofree char *problem = g_strdup_printf("the file has %" G_GUINT64_FORMAT " bytes instead of %" G_GUINT64_FORMAT,
                                               file->bytes, backup->bytes);
    return catalog_note_problem(connection, backup->id, "damaged", problem, error);
  }
  if (is_good || strcmp(backup->state, "damaged") == 0)
    return TRUE;
  return catalog_note_backup(connection, backup->destination_id, backup->job_name, backup->name, backup->bytes,
                             backup->sha256, NULL, backup->made_at, TRUE, error);
}

static gboolean
compare_all(RunWork *work, PgConnection *connection, const CatalogDestination *destination, Storage *storage,
            const GPtrArray *files, const GPtrArray *known, guint *ret_found, GError **error)
{
  g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GHashTable) known_names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < files->len; i++) {
    StorageFile *file = files->pdata[i];
    g_hash_table_insert(by_name, file->name, file);
  }
  for (guint i = 0; i < known->len; i++) {
    const CatalogBackup *backup = known->pdata[i];
    g_autofree char *path = g_strconcat(backup->job_name, "/", backup->name, NULL);
    if (!compare_known(connection, backup, g_hash_table_lookup(by_name, path), error))
      return FALSE;
    g_hash_table_add(known_names, g_steal_pointer(&path));
  }
  for (guint i = 0; i < files->len; i++) {
    const StorageFile *file = files->pdata[i];
    g_autofree char *manifest_name = g_strconcat(file->name, MANIFEST_SUFFIX, NULL);
    if (!is_backup_name(file->name))
      continue;
    ++*ret_found;
    run_work_progress(work, "scan", i, files->len);
    if (!g_hash_table_contains(known_names, file->name) &&
        !add_unknown(work, connection, destination, storage, file, g_hash_table_contains(by_name, manifest_name),
                     error))
      return FALSE;
  }
  return TRUE;
}

gboolean
scan_destination(RunWork *work, const CatalogDestination *destination, Storage *storage, const char *job_name,
                 guint *ret_found, GError **error)
{
  guint found = 0;
  run_work_progress(work, "scan", 0, 0);
  g_autoptr(GPtrArray) files = storage_list(storage, job_name, work->cancellable, error);
  g_autoptr(PgConnection) connection = files != NULL ? run_work_connect(work, error) : NULL;
  g_autoptr(GPtrArray) known =
      connection != NULL ? catalog_backups(connection, job_name, destination->id, error) : NULL;
  if (known == NULL || !compare_all(work, connection, destination, storage, files, known, &found, error))
    return FALSE;
  if (ret_found != NULL)
    *ret_found = found;
  return TRUE;
}
