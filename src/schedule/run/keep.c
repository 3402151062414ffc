#include "schedule/run/steps.h"

#include "base/error.h"

#include <string.h>

#define ABANDONED_S (24 * 3600) /* an upload of this age has no uploader any more */

static void
show_upload(guint64 done_bytes, guint64 total_bytes, gpointer work)
{
  run_work_progress(work, "upload", done_bytes, total_bytes);
}

/* The archive gets its name first: an archive without a manifest is usable, a manifest without an archive is not. */
static gboolean
put_backup(RunWork *work, const CatalogJob *job, Storage *storage, const MadeBackup *made, GError **error)
{
  g_autofree char *name = g_strconcat(job->name, "/", made->name, NULL);
  g_autofree char *manifest_name = g_strconcat(name, MANIFEST_SUFFIX, NULL);
  g_autoptr(GBytes) manifest = g_bytes_new_static(made->manifest_json, strlen(made->manifest_json));
  storage_clean(storage, job->name, ABANDONED_S, NULL, work->cancellable, NULL); /* the next run tries again */
  return storage_put(storage, made->path, name, show_upload, work, work->cancellable, error) &&
         storage_put_bytes(storage, manifest, manifest_name, work->cancellable, error);
}

static gboolean
note_backup(RunWork *work, const CatalogJob *job, gint64 destination_id, const MadeBackup *made, CatalogNote note,
            GError **error)
{
  g_autoptr(PgConnection) connection = run_work_connect(work, error);
  return connection != NULL &&
         catalog_note_backup(connection, destination_id, job->name, made->name, made->bytes, made->sha256,
                             made->manifest_json, made->manifest->snapshot_time, note, error);
}

gboolean
keep_backup(RunWork *work, const CatalogJob *job, gint64 destination_id, const MadeBackup *made, GError **error)
{
  g_autoptr(PgConnection) connection = run_work_connect(work, error);
  g_autoptr(CatalogDestination) destination =
      connection != NULL ? catalog_find_destination(connection, destination_id, error) : NULL;
  g_clear_pointer(&connection, pg_connection_free);
  g_autoptr(GError) problem = NULL;
  if (destination == NULL || !note_backup(work, job, destination_id, made, NOTE_MADE, error))
    return FALSE;
  g_autoptr(Storage) storage = catalog_open_destination(destination, work->config->data_dir, &problem);
  gint64 start_us = g_get_monotonic_time();
  gboolean is_stored = storage != NULL && put_backup(work, job, storage, made, &problem);
  connection = run_work_connect(work, NULL);
  if (connection != NULL && (problem == NULL || error_code(problem) != CCH_ERROR_CANCELLED))
    catalog_note_access(connection, destination_id, problem);
  if (!is_stored) {
    g_prefix_error(&problem, "%s: ", destination->name);
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
  }
  run_work_log(work, "stored",
               json_pack("{s:s, s:f}", "destination", destination->name, "seconds",
                         (double)(g_get_monotonic_time() - start_us) / G_USEC_PER_SEC));
  return note_backup(work, job, destination_id, made, NOTE_STORED, error);
}
