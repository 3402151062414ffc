#include "schedule/run/steps.h"

#include "base/date_time.h"
#include "base/error.h"
#include "schedule/run/fetch.h"

#include <string.h>

static char *
time_text(gint64 time_s)
{
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_s);
  return time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : NULL;
}

/* A manifest that cannot be read, or has just gone, is as none. */
static gboolean
is_bad_manifest(const GError *problem)
{
  ErrorCode code = error_code(problem);
  return code == CCH_ERROR_MANIFEST || code == CCH_ERROR_STORAGE_DAMAGED || code == CCH_ERROR_STORAGE_MISSING;
}

static gboolean
add_unknown(RunWork *work, PgConnection *connection, const CatalogDestination *destination, Storage *storage,
            const FoundBackup *found, GError **error)
{
  g_autoptr(Manifest) manifest = NULL;
  g_autoptr(GError) problem = NULL;
  if (!fetch_manifest(storage, found, &manifest, work->cancellable, &problem) && !is_bad_manifest(problem)) {
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
  }
  g_autofree char *json = manifest != NULL ? manifest_to_json(manifest) : NULL;
  g_autofree char *made_at =
      manifest != NULL && manifest->snapshot_time != NULL ? date_time_read(manifest->snapshot_time) : NULL;
  if (made_at == NULL)
    made_at = time_text(found->made_s);
  return catalog_note_backup(connection, destination->id, found->job, found->name, found->bytes,
                             fetch_file_sha256(manifest), json, made_at, NOTE_FOUND, error);
}

static char *
path_of(const char *job, const char *name)
{
  return g_strconcat(job, "/", name, NULL);
}

/* A place without any of the good backups that were there is another place: an unmounted disk, another bucket. */
static gboolean
check_place(const CatalogDestination *destination, GHashTable *by_path, const GPtrArray *known, const char *new_name,
            GError **error)
{
  guint n_good = 0;
  for (guint i = 0; i < known->len; i++) {
    const CatalogBackup *backup = known->pdata[i];
    g_autofree char *path = path_of(backup->job_name, backup->name);
    if (!catalog_backup_is_good(backup) || g_strcmp0(backup->name, new_name) == 0)
      continue;
    if (g_hash_table_contains(by_path, path))
      return TRUE;
    n_good++;
  }
  if (n_good == 0)
    return TRUE;
  error_set(error, CCH_ERROR_STORAGE_AWAY,
            "%s: none of the %u %sbackups on record lies there; is this the right place, and is it mounted?",
            destination->name, n_good, new_name != NULL ? "earlier " : "");
  return FALSE;
}

/* Marks the backup that was just put at the wrong place, so that the next run does not take it for a sign of the right
 * one. */
static gboolean
note_misplaced(PgConnection *connection, const GPtrArray *known, const char *new_name, GError **error)
{
  for (guint i = 0; i < known->len; i++) {
    const CatalogBackup *backup = known->pdata[i];
    if (g_strcmp0(backup->name, new_name) == 0 &&
        !catalog_note_problem(connection, backup->id, "missing", "it was put where no earlier backup lies", error))
      return FALSE;
  }
  return TRUE;
}

/* A backup whose upload has not ended ("made") is not missing. */
static gboolean
compare_known(PgConnection *connection, const CatalogBackup *backup, const FoundBackup *file, GError **error)
{
  gboolean is_good = catalog_backup_is_good(backup);
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
                             backup->sha256, NULL, backup->made_at, NOTE_STORED, error);
}

static gboolean
compare_all(RunWork *work, PgConnection *connection, const CatalogDestination *destination, Storage *storage,
            const GPtrArray *found, const GPtrArray *known, const char *new_name, GError **error)
{
  g_autoptr(GHashTable) by_path = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GHashTable) known_paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < found->len; i++) {
    FoundBackup *file = found->pdata[i];
    g_hash_table_insert(by_path, path_of(file->job, file->name), file);
  }
  if (!check_place(destination, by_path, known, new_name, error)) {
    note_misplaced(connection, known, new_name, NULL);
    return FALSE;
  }
  for (guint i = 0; i < known->len; i++) {
    const CatalogBackup *backup = known->pdata[i];
    char *path = path_of(backup->job_name, backup->name);
    g_hash_table_add(known_paths, path);
    if (!compare_known(connection, backup, g_hash_table_lookup(by_path, path), error))
      return FALSE;
  }
  for (guint i = 0; i < found->len; i++) {
    const FoundBackup *file = found->pdata[i];
    g_autofree char *path = path_of(file->job, file->name);
    run_work_progress(work, "scan", i, found->len);
    if (!g_hash_table_contains(known_paths, path) && !add_unknown(work, connection, destination, storage, file, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
scan_destination(RunWork *work, const CatalogDestination *destination, Storage *storage, const char *job_name,
                 const char *new_name, guint *ret_found, GError **error)
{
  run_work_progress(work, "scan", 0, 0);
  g_autoptr(GPtrArray) found = fetch_list(storage, job_name, work->cancellable, error);
  g_autoptr(PgConnection) connection = found != NULL ? run_work_connect(work, error) : NULL;
  g_autoptr(GPtrArray) known =
      connection != NULL ? catalog_backups(connection, job_name, destination->id, error) : NULL;
  if (known == NULL || !compare_all(work, connection, destination, storage, found, known, new_name, error))
    return FALSE;
  if (ret_found != NULL)
    *ret_found = found->len;
  return TRUE;
}
