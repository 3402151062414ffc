#include "backup/import/import.h"

#include "backup/import/import_run.h"
#include "backup/import/import_swap.h"
#include "backup/import/import_transaction.h"
#include "backup/statistics/statistics.h"
#include "backup/swap/swap_choice.h"
#include "base/error.h"
#include "base/text.h"
#include "hub/notify.h"

gboolean
backup_import_method(PgConnection *connection, const char *dsn, PgPool *pool, Language language,
                     BackupMethod *ret_method, char **ret_reason, GError **error)
{
  if (!swap_choice_reason(connection, dsn, pool, NULL, language, ret_reason, error))
    return FALSE;
  *ret_method = *ret_reason == NULL ? BACKUP_METHOD_SWAP : BACKUP_METHOD_TRANSACTION;
  return TRUE;
}

static gboolean
check_choices(const ImportRun *run, GError **error)
{
  const BackupImportOptions *options = run->options;
  return backup_choices_check(options->clean_first, options->on_conflict, options->tables, error) &&
         (options->tables == NULL || backup_tables_find(run->reader, options->tables, NULL, error));
}

/* Uses the requested method; AUTO tries swap, then one transaction. */
static gboolean
import_by_method(ImportRun *run, GError **error)
{
  BackupMethod method = run->options->method;
  if (!run->options->clean_first || method == BACKUP_METHOD_TRANSACTION)
    return import_in_transaction(run, error);
  g_autoptr(GError) failure = NULL;
  if (import_by_swap(run, &failure))
    return TRUE;
  if (error_code(failure) != CCH_ERROR_IMPORT_SWAP_IMPOSSIBLE || method == BACKUP_METHOD_SWAP) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  backup_progress_say(run->progress, TEXT_SWAP_NOT_USED, failure->message);
  return import_in_transaction(run, error);
}

/* Replaces the error if a lost lock caused the cancellation. */
static void
name_true_cause(ImportRun *run, GError **error)
{
  if (error_code(*error) == CCH_ERROR_CANCELLED && backup_lock_is_lost(run->lock)) {
    g_clear_error(error);
    error_set(error, CCH_ERROR_LOCK_LOST, "another instance may have taken it");
  }
}

/* The import is complete without them, so that a failure is a warning, and so is a cancellation. */
static void
complete_statistics(ImportRun *run)
{
  const BackupImportOptions *options = run->options;
  if (options->leaves_statistics) {
    backup_progress_say(run->progress, TEXT_STATISTICS_LATER);
    return;
  }
  backup_progress_say(run->progress, TEXT_STATISTICS_NOW);
  StatisticsOutcome outcome = STATISTICS_NOT_OWED;
  g_autoptr(GError) failure = NULL;
  if (!statistics_complete(options->dsn, &outcome, run->cancellable, &failure))
    backup_progress_warn(run->progress, TEXT_STATISTICS_LEFT,
                         error_code(failure) == CCH_ERROR_CANCELLED
                             ? text_get(TEXT_STATISTICS_CANCELLED, options->language)
                             : failure->message);
  else if (outcome == STATISTICS_IN_WORK)
    backup_progress_say(run->progress, TEXT_STATISTICS_LATER);
  else if (outcome == STATISTICS_LEFT)
    backup_progress_warn(run->progress, TEXT_STATISTICS_LEFT, text_get(TEXT_STATISTICS_LOCKED, options->language));
}

gboolean
backup_import_run(ArchiveReader *reader, const BackupImportOptions *options, BackupLock *lock, BackupEventFunc func,
                  gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_autoptr(BackupProgress) progress = backup_progress_new(func, user_data, options->language);
  ImportRun run = {
      .reader = reader, .options = options, .lock = lock, .progress = progress, .cancellable = cancellable};
  g_autoptr(GError) failure = NULL;
  if (backup_lock_without_redis(lock) != NULL)
    backup_progress_caution(progress, TEXT_LOCK_WITHOUT_REDIS, backup_lock_without_redis(lock));
  gboolean ok = check_choices(&run, &failure) && import_by_method(&run, &failure);
  if (!ok) {
    name_true_cause(&run, &failure);
    backup_progress_fail(progress, failure, run.is_begun && error_code(failure) != CCH_ERROR_IMPORT_OUTCOME_UNKNOWN);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  backup_progress_say(progress, TEXT_IMPORT_COMMITTED);
  if (!hub_notify_imported(options->redis_url, &failure))
    backup_progress_warn(progress, TEXT_IMPORT_NOTIFY_FAILED, failure->message);
  if (run.is_swapped)
    complete_statistics(&run);
  backup_progress_complete(progress, TEXT_IMPORT_COMPLETE);
  return TRUE;
}
