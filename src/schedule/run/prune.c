#include "schedule/run/steps.h"

#include "base/error.h"
#include "schedule/run/fetch.h"

static gboolean
note_locked(RunWork *work, const CatalogBackup *backup, const GError *problem, GError **error)
{
  g_autoptr(PgConnection) connection = run_work_connect(work, error);
  run_work_log(work, "locked", json_pack("{s:s, s:s}", "destination", backup->destination_name, "name", backup->name));
  return connection != NULL && catalog_note_problem(connection, backup->id, backup->state, problem->message, error);
}

/* Reads the record again first: since the retention was computed, somebody may have pinned or deleted the backup. */
static gboolean
delete_backup(RunWork *work, Storage *storage, gint64 id, guint *deleted, GError **error)
{
  g_autoptr(GError) problem = NULL;
  g_autoptr(PgConnection) connection = run_work_connect(work, &problem);
  g_autoptr(CatalogBackup) backup = connection != NULL ? catalog_find_backup(connection, id, &problem) : NULL;
  g_clear_pointer(&connection, pg_connection_free);
  if (backup == NULL && error_code(problem) != CCH_ERROR_NOT_FOUND) {
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
  }
  if (backup == NULL || backup->is_pinned)
    return TRUE;
  if (!fetch_delete(storage, backup->job_name, backup->name, work->cancellable, &problem)) {
    /* The destination may protect a file for a time. That is recorded, and the other files are deleted. */
    if (error_code(problem) == CCH_ERROR_STORAGE_LOCKED)
      return note_locked(work, backup, problem, error);
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
  }
  ++*deleted;
  run_work_log(work, "deleted", json_pack("{s:s, s:s}", "destination", backup->destination_name, "name", backup->name));
  connection = run_work_connect(work, error);
  return connection != NULL && catalog_forget_backup(connection, id, error);
}

gboolean
prune_destination(RunWork *work, const CatalogJob *job, gint64 destination_id, const char *new_name, guint *ret_deleted,
                  GError **error)
{
  guint deleted = 0;
  g_autoptr(PgConnection) connection = run_work_connect(work, error);
  g_autoptr(CatalogDestination) destination =
      connection != NULL ? catalog_find_destination(connection, destination_id, error) : NULL;
  g_autoptr(Storage) storage =
      destination != NULL ? catalog_open_destination(destination, work->config->data_dir, error) : NULL;
  if (storage == NULL || !scan_destination(work, destination, storage, job->name, new_name, NULL, error))
    return FALSE;
  g_autoptr(GPtrArray) backups = catalog_backups(connection, job->name, destination_id, error);
  g_clear_pointer(&connection, pg_connection_free); /* deletions take their time */
  if (backups == NULL)
    return FALSE;
  g_autofree RetentionVerdict *verdicts = catalog_judge(backups, job->settings, 0);
  for (guint i = 0; i < backups->len; i++) {
    const CatalogBackup *backup = backups->pdata[i];
    run_work_progress(work, "prune", i, backups->len);
    if (!verdicts[i].is_kept && !delete_backup(work, storage, backup->id, &deleted, error))
      return FALSE;
  }
  *ret_deleted = deleted;
  return TRUE;
}
