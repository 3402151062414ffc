#include "backup/undo/undo.h"

#include "audit/audit.h"
#include "backup/report/progress.h"
#include "backup/side/janitor.h"
#include "backup/side/own_state.h"
#include "backup/side/side_database.h"
#include "backup/swap/swap.h"
#include "backup_sql.h"
#include "base/error.h"
#include "base/json.h"
#include "hub/notify.h"
#include "pg/dsn/dsn.h"
#include "pg/migrate/migrate.h"

#include <jansson.h>
#include <string.h>

#define CONNECTION_NAME "cch-data undo"

/* Columns of side_list.sql. */
enum {
  COLUMN_NAME,
  COLUMN_OID,
  COLUMN_KIND,
  COLUMN_MADE_AT,
  COLUMN_MADE_BY,
  COLUMN_REASON,
  COLUMN_EXPIRES_AT,
  COLUMN_BYTES,
  COLUMN_IS_DUE
};

static void
kept_free(gpointer data)
{
  KeptDatabase *kept = data;
  g_free(kept->name);
  g_free(kept->made_at);
  g_free(kept->made_by);
  g_free(kept->reason);
  g_free(kept->expires_at);
  g_free(kept);
}

/* Omits expired databases, even if the janitor has not dropped them yet. */
GPtrArray *
backup_undo_list(PgConnection *live, GError **error)
{
  gboolean can = FALSE;
  if (!side_database_can_record(live, &can, error))
    return NULL;
  g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(kept_free);
  if (!can)
    return g_steal_pointer(&list);
  side_database_find_lost(live);
  g_autoptr(PgResult) rows = pg_connection_query(live, error, backup_side_list_sql, 0);
  if (rows == NULL)
    return NULL;
  for (guint row = 0; row < pg_result_rows(rows); row++) {
    if (strcmp(pg_result_text(rows, row, COLUMN_KIND), SIDE_KEPT) != 0 || pg_result_bool(rows, row, COLUMN_IS_DUE))
      continue;
    KeptDatabase *kept = g_new0(KeptDatabase, 1);
    kept->name = g_strdup(pg_result_text(rows, row, COLUMN_NAME));
    kept->oid = (guint32)pg_result_int64(rows, row, COLUMN_OID);
    kept->made_at = g_strdup(pg_result_text(rows, row, COLUMN_MADE_AT));
    kept->made_by = g_strdup(pg_result_text(rows, row, COLUMN_MADE_BY));
    kept->reason = g_strdup(pg_result_text(rows, row, COLUMN_REASON));
    kept->expires_at = g_strdup(pg_result_text(rows, row, COLUMN_EXPIRES_AT));
    kept->size_bytes = (guint64)pg_result_int64(rows, row, COLUMN_BYTES);
    g_ptr_array_add(list, kept);
  }
  return g_steal_pointer(&list);
}

/* The requested database; owned by the list. */
static const KeptDatabase *
choose_kept(const GPtrArray *list, const char *name, GError **error)
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
write_audit(PgConnection *connection, const BackupUndoOptions *options, const char *type, const KeptDatabase *kept,
            GError **error)
{
  g_auto(DsnDisplay) target = {0};
  if (!dsn_parse_display(options->dsn, &target, error))
    return FALSE;
  g_autoptr(json_t) details = json_pack("{s:s, s:s*, s:I}", "database", kept->name, "replacedAt", kept->made_at,
                                        "bytes", (json_int_t)kept->size_bytes);
  g_autofree char *text = json_to_text(details);
  AuditEntry entry = {.category = "database",
                      .type = type,
                      .operator_name = options->holder,
                      .operator_ip = options->client_ip,
                      .target_name = target.database,
                      .details_json = text,
                      .success = TRUE};
  return audit_write(connection, &entry, error);
}

typedef struct {
  const BackupUndoOptions *options;
  BackupLock *lock;
  BackupProgress *progress;
  GCancellable *cancellable;
  char *live_name;
  guint32 live_oid;
  char *outgoing;
} Undo;

/* Copies the current contents of cch_data to the kept database, in one transaction. If the swap then fails, the live
 * database is unchanged, and the next undo copies again. */
static gboolean
prepare_kept(Undo *undo, PgConnection *live, const KeptDatabase *kept, GError **error)
{
  const BackupUndoOptions *options = undo->options;
  g_autofree char *dsn = dsn_with_database(options->dsn, kept->name, error);
  g_autoptr(PgConnection) connection =
      dsn != NULL ? pg_connection_open(dsn, CONNECTION_NAME, undo->cancellable, error) : NULL;
  if (connection == NULL || !pg_migrate_own(live, error) || !pg_migrate_own(connection, error))
    return FALSE;
  g_autofree char *unknown = NULL;
  if (!own_state_find_unknown(live, connection, &unknown, error))
    return FALSE;
  if (unknown != NULL) {
    error_set(error, CCH_ERROR_IMPORT_SWAP_IMPOSSIBLE, "cch_data.%s would be lost", unknown);
    return FALSE;
  }
  SideSwap swap = {.live_oid = undo->live_oid,
                   .incoming = kept->name,
                   .incoming_oid = kept->oid,
                   .outgoing = undo->outgoing,
                   .made_by = options->holder,
                   .reason = "undo",
                   .keep_s = options->keep_s};
  return pg_connection_exec(connection, "BEGIN", error) && own_state_copy(live, connection, error) &&
         side_database_record_swap(connection, &swap, error) &&
         write_audit(connection, options, "database.undo", kept, error) &&
         pg_connection_exec(connection, "SET LOCAL synchronous_commit = on; COMMIT", error);
}

static gboolean
swap_back(Undo *undo, const KeptDatabase *kept, GError **error)
{
  SideSwap record = {.incoming_oid = kept->oid, .reason = "undo", .keep_s = undo->options->keep_s};
  g_autofree char *comment = side_database_comment(undo->live_name, &record);
  SwapOptions options = {.dsn = undo->options->dsn,
                         .live = undo->live_name,
                         .live_oid = undo->live_oid,
                         .incoming = kept->name,
                         .incoming_oid = kept->oid,
                         .outgoing = undo->outgoing,
                         .outgoing_comment = comment,
                         .wait_s = undo->options->lock_wait_s};
  backup_progress_phase(undo->progress, BACKUP_PHASE_SWAP);
  backup_progress_say(undo->progress, TEXT_SWAP_SWAPPING);
  return backup_swap(&options, undo->lock, undo->progress, undo->cancellable, error);
}

static gboolean
undo_once(Undo *undo, GError **error)
{
  backup_progress_phase(undo->progress, BACKUP_PHASE_CONNECT);
  backup_progress_say(undo->progress, TEXT_IMPORT_CONNECTING);
  g_autoptr(PgConnection) live = pg_connection_open(undo->options->dsn, CONNECTION_NAME, undo->cancellable, error);
  g_autoptr(GPtrArray) list = live != NULL ? backup_undo_list(live, error) : NULL;
  const KeptDatabase *kept = list != NULL ? choose_kept(list, undo->options->name, error) : NULL;
  if (kept == NULL || !pg_connection_value(live, &undo->live_name, error, "SELECT pg_catalog.current_database()", 0) ||
      !side_database_oid(live, undo->live_name, &undo->live_oid, error))
    return FALSE;
  undo->outgoing = side_database_name_new(undo->live_name, SIDE_KEPT);
  backup_progress_say(undo->progress, TEXT_UNDO_PREPARING, kept->name, kept->made_at);
  if (!prepare_kept(undo, live, kept, error))
    return FALSE;
  g_clear_pointer(&live, pg_connection_free); /* no connection may remain */
  return swap_back(undo, kept, error);
}

gboolean
backup_undo_run(const BackupUndoOptions *options, BackupLock *lock, BackupEventFunc func, gpointer user_data,
                GCancellable *cancellable, GError **error)
{
  g_autoptr(BackupProgress) progress = backup_progress_new(func, user_data, options->language);
  Undo undo = {.options = options, .lock = lock, .progress = progress, .cancellable = cancellable};
  g_autoptr(GError) failure = NULL;
  if (backup_lock_without_redis(lock) != NULL)
    backup_progress_caution(progress, TEXT_LOCK_WITHOUT_REDIS, backup_lock_without_redis(lock));
  gboolean ok = undo_once(&undo, &failure);
  if (ok && options->keep_s > 0)
    backup_progress_say(progress, TEXT_SWAP_KEPT, undo.outgoing, options->keep_s / 3600.0);
  g_free(undo.live_name);
  g_free(undo.outgoing);
  if (!ok) {
    if (error_code(failure) == CCH_ERROR_CANCELLED && backup_lock_is_lost(lock)) {
      g_clear_error(&failure);
      error_set(&failure, CCH_ERROR_LOCK_LOST, "another instance may have taken it");
    }
    backup_progress_fail(progress, failure, FALSE);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  if (backup_lock_backend_pid(lock) != 0)
    database_janitor_sweep(options->dsn, NULL, NULL); /* what cannot be dropped now is dropped by the next sweep */
  if (!hub_notify_imported(options->redis_url, &failure))
    backup_progress_warn(progress, TEXT_IMPORT_NOTIFY_FAILED, failure->message);
  backup_progress_complete(progress, TEXT_UNDO_COMPLETE);
  return TRUE;
}

gboolean
backup_undo_discard(const BackupUndoOptions *options, BackupLock *lock, GCancellable *cancellable, GError **error)
{
  g_autoptr(PgConnection) live = pg_connection_open(options->dsn, CONNECTION_NAME, cancellable, error);
  g_autoptr(GPtrArray) list = live != NULL ? backup_undo_list(live, error) : NULL;
  const KeptDatabase *kept = list != NULL ? choose_kept(list, options->name, error) : NULL;
  g_autoptr(PgConnection) maintenance =
      kept != NULL ? side_database_maintenance_open(live, options->dsn, cancellable, error) : NULL;
  return maintenance != NULL && backup_lock_verify(lock, error) &&
         side_database_drop(live, maintenance, kept->name, kept->oid, error) &&
         write_audit(live, options, "database.undo_discard", kept, error);
}
