#include "cli/archive/undo.h"

#include "backup/undo/undo.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/archive/lock_wait.h"
#include "cli/command/target.h"
#include "lock/lock.h"
#include "pg/dsn/dsn.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Names the database; asks on a terminal, elsewhere --yes is needed. */
static gboolean
confirm_undo(const CliContext *context, const CliUndo *undo, const KeptDatabase *kept, const char *dsn, GError **error)
{
  g_auto(DsnDisplay) target = {0};
  if (!dsn_parse_display(dsn, &target, error))
    return FALSE;
  g_autofree char *size = g_format_size(kept->size_bytes);
  g_autofree char *what = text_format(undo->is_discard ? TEXT_UNDO_ASK_DISCARD : TEXT_UNDO_ASK, context->language,
                                      target.database, target.host, kept->name, kept->made_at, size, kept->expires_at);
  if (!context->is_json)
    fprintf(stderr, "%s\n", what);
  if (undo->is_confirmed)
    return TRUE;
  if (!isatty(STDIN_FILENO)) {
    error_set(error, CCH_ERROR_USAGE, "%s needs --yes", undo->is_discard ? "--undo-discard" : "--undo");
    return FALSE;
  }
  fprintf(stderr, "%s ", text_get(TEXT_UNDO_ASK_YES, context->language));
  char answer[16] = "";
  if (fgets(answer, sizeof answer, stdin) != NULL && strcmp(g_strchomp(answer), "yes") == 0)
    return TRUE;
  error_set(error, CCH_ERROR_CANCELLED, "not confirmed; nothing was changed");
  return FALSE;
}

static const KeptDatabase *
find_kept_database(const GPtrArray *list, const char *name, GError **error)
{
  for (guint i = 0; i < list->len; i++) {
    const KeptDatabase *kept = list->pdata[i];
    if (name == NULL || strcmp(kept->name, name) == 0)
      return kept;
  }
  error_set(error, CCH_ERROR_UNDO_NOTHING, "%s", name != NULL ? name : "no database from before an import is kept");
  return NULL;
}

static gboolean
run_undo(CliContext *context, const CliUndo *undo, const char *dsn, const char *name, GError **error)
{
  const Config *config = context->config;
  g_autofree char *holder = cli_holder("import --undo");
  BackupLockOptions lock_options = {
      .dsn = dsn, .redis_url = config->redis_url, .ttl_ms = (guint)config->lock_ttl_ms, .wait = cli_lock_wait(context)};
  g_auto(BackupLockHolder) who = {0};
  g_autoptr(BackupLock) lock = backup_lock_acquire(&lock_options, "undo", holder, context->cancellable, &who, error);
  if (lock == NULL)
    return FALSE;
  BackupUndoOptions options = {.dsn = dsn,
                               .redis_url = config->redis_url,
                               .name = name,
                               .holder = holder,
                               .keep_s = (guint)config->undo_keep_s,
                               .lock_wait_s = (guint)config->lock_wait_s,
                               .language = context->language};
  if (undo->is_discard)
    return backup_undo_discard(&options, lock, context->cancellable, error);
  return backup_undo_run(&options, lock, undo->report, undo->report_data, context->cancellable, error);
}

gboolean
cli_undo(CliContext *context, const CliUndo *undo, GError **error)
{
  cli_target_note_redis(context);
  g_autoptr(CliTarget) target = cli_target_open(context, error);
  if (target == NULL)
    return FALSE;
  const char *dsn = cli_target_dsn(target);
  g_autoptr(PgConnection) live = pg_connection_open(dsn, "cch-data undo", context->cancellable, error);
  g_autoptr(GPtrArray) list = live != NULL ? backup_undo_list(live, error) : NULL;
  g_clear_pointer(&live, pg_connection_free);
  const KeptDatabase *kept = list != NULL ? find_kept_database(list, undo->name, error) : NULL;
  /* By its name from here on, so that exactly the confirmed database is used. */
  return kept != NULL && confirm_undo(context, undo, kept, dsn, error) &&
         run_undo(context, undo, dsn, kept->name, error);
}
