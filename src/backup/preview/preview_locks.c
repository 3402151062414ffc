#include "backup/preview/preview_locks.h"

#include "backup/merge/merge.h"

/* A merge inserts each row into every index; an overwrite builds the indexes at the end. */
enum { MERGED_ROWS_PER_S = 4000, OVERWRITTEN_ROWS_PER_S = 40000, OVERWRITTEN_BYTES_PER_S = 10 * 1000 * 1000 };

gboolean
preview_note_lock(PreviewRun *run, const TocEntry *entry, GError **error)
{
  BackupPreviewTable *table = run->preview->tables->pdata[run->preview->tables->len - 1];
  guint64 rows = table->expected.rows_inserted + table->expected.rows_updated;
  gboolean locks = FALSE, by_role = FALSE;
  if (run->options->clean_first || table->is_new || !table->is_compared || rows == 0)
    return TRUE;
  if (!merge_locks_table(run->restore, entry, &locks, &by_role, error))
    return FALSE;
  if (locks)
    table->lock_s = (guint)(1 + rows / MERGED_ROWS_PER_S);
  table->lock_is_by_role = by_role;
  return TRUE;
}

/* A lock lasts until the commit, so the first table stays locked while all later ones are imported. */
static void
warn_of_merge(PreviewRun *run)
{
  guint64 rows = 0;
  for (guint i = run->preview->tables->len; i > 0; i--) {
    BackupPreviewTable *table = run->preview->tables->pdata[i - 1];
    rows += table->expected.rows_inserted + table->expected.rows_updated;
    if (table->lock_s == 0)
      continue;
    table->lock_s = (guint)(1 + rows / MERGED_ROWS_PER_S);
    preview_warn(run, table->lock_is_by_role ? TEXT_PREVIEW_TABLE_LOCKED_BY_ROLE : TEXT_PREVIEW_TABLE_LOCKED,
                 table->table, table->lock_s);
  }
}

static gboolean
warn_of_overwrite(PreviewRun *run, GError **error)
{
  BackupMethod method = run->options->method;
  g_autofree char *reason = NULL;
  g_autoptr(PgConnection) connection =
      method == BACKUP_METHOD_AUTO ? pg_connection_open(run->options->dsn, "cch-data preview", run->cancellable, error)
                                   : NULL;
  if (method == BACKUP_METHOD_AUTO &&
      (connection == NULL ||
       !backup_import_method(connection, run->options->dsn, run->options->language, &method, &reason, error)))
    return FALSE;
  if (method != BACKUP_METHOD_TRANSACTION)
    return TRUE;
  run->preview->lock_s =
      (guint)(1 + run->plan->rows / OVERWRITTEN_ROWS_PER_S + run->plan->bytes / OVERWRITTEN_BYTES_PER_S);
  if (reason != NULL)
    preview_warn(run, TEXT_PREVIEW_ALL_LOCKED_NO_SWAP, run->preview->lock_s, reason);
  else
    preview_warn(run, TEXT_PREVIEW_ALL_LOCKED, run->preview->lock_s);
  return TRUE;
}

gboolean
preview_warn_of_locks(PreviewRun *run, GError **error)
{
  if (run->options->clean_first)
    return warn_of_overwrite(run, error);
  warn_of_merge(run);
  return TRUE;
}
