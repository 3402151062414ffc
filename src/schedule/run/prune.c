#include "schedule/run/steps.h"

#include "base/error.h"

/* The archive goes first: what a crash leaves is a manifest, which nobody takes for a backup. */
static gboolean
delete_backup(RunWork *work, Storage *storage, const CatalogBackup *backup, GError **error)
{
  g_autofree char *name = g_strconcat(backup->job_name, "/", backup->name, NULL);
  g_autofree char *manifest_name = g_strconcat(name, MANIFEST_SUFFIX, NULL);
  return storage_delete(storage, name, work->cancellable, error) &&
         storage_delete(storage, manifest_name, work->cancellable, error);
}

/* A file that its destination keeps for a time is told, and the others go on. */
static gboolean
forget_or_explain(PgConnection *connection, RunWork *work, Storage *storage, const CatalogBackup *backup,
                  guint *deleted, GError **error)
{
  g_autoptr(GError) problem = NULL;
  if (delete_backup(work, storage, backup, &problem)) {
    ++*deleted;
    run_work_log(work, "deleted",
                 json_pack("{s:s, s:s}", "destination", backup->destination_name, "name", backup->name));
    return catalog_forget_backup(connection, backup->id, error);
  }
  if (error_code(problem) == CCH_ERROR_STORAGE_LOCKED) {
    run_work_log(work, "locked",
                 json_pack("{s:s, s:s}", "destination", backup->destination_name, "name", backup->name));
    return catalog_note_problem(connection, backup->id, backup->state, problem->message, error);
  }
  g_propagate_error(error, g_steal_pointer(&problem));
  return FALSE;
}

gboolean
prune_destination(RunWork *work, const CatalogJob *job, gint64 destination_id, guint *ret_deleted, GError **error)
{
  guint deleted = 0;
  g_autoptr(PgConnection) connection = run_work_connect(work, error);
  g_autoptr(CatalogDestination) destination =
      connection != NULL ? catalog_find_destination(connection, destination_id, error) : NULL;
  g_autoptr(Storage) storage =
      destination != NULL ? catalog_open_destination(destination, work->config->data_dir, error) : NULL;
  if (storage == NULL || !scan_destination(work, destination, storage, job->name, NULL, error))
    return FALSE;
  g_autoptr(GPtrArray) backups = catalog_backups(connection, job->name, destination_id, error);
  if (backups == NULL)
    return FALSE;
  g_autofree RetentionVerdict *verdicts = catalog_judge(backups, job->settings, 0);
  for (guint i = 0; i < backups->len; i++) {
    run_work_progress(work, "prune", i, backups->len);
    if (!verdicts[i].is_kept && !forget_or_explain(connection, work, storage, backups->pdata[i], &deleted, error))
      return FALSE;
  }
  *ret_deleted = deleted;
  return TRUE;
}
