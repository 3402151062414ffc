/* Keeps user triggers and rules from firing for imported rows, without making the hub wait. */
#include "backup/merge/merge_private.h"

#include "backup/restore/way.h"
#include "backup_sql.h"
#include "base/error.h"
#include "pg/connection/sqlstate.h"

#include <string.h>

/* Result columns of merge_triggers.sql. */
enum { TRIGGER_OFF, TRIGGER_PUT_BACK, TRIGGER_IS_LEDGERS };

/* Superusers have the right, and since PostgreSQL 15 roles to which it was granted. The server decides. */
static gboolean
ask_for_replica(Restore *restore, Merge *merge, GError **error)
{
  PgConnection *connection = restore_connection(restore);
  g_autoptr(GError) refusal = NULL;
  if (!pg_connection_exec(connection, "SAVEPOINT cch_replica", error))
    return FALSE;
  merge->may_be_replica = pg_connection_exec(connection, "SET LOCAL session_replication_role = replica", &refusal);
  if (!pg_connection_exec(connection, "ROLLBACK TO SAVEPOINT cch_replica; RELEASE SAVEPOINT cch_replica", error))
    return FALSE;
  if (refusal != NULL && !error_has_sqlstate(refusal, SQLSTATE_INSUFFICIENT_PRIVILEGE)) {
    g_propagate_error(error, g_steal_pointer(&refusal));
    return FALSE;
  }
  merge->knows_replica = TRUE;
  return TRUE;
}

static PgResult *
read_triggers(Restore *restore, const MergeTable *table, GError **error)
{
  const char *with_update = merge_of(restore)->on_conflict == ON_CONFLICT_UPDATE ? "true" : "false";
  return pg_connection_query(restore_connection(restore), error, backup_merge_triggers_sql, 3, table->schema,
                             table->relation, with_update);
}

/* Whether session_replication_role would keep the table's triggers quiet, and nothing else that matters. */
static gboolean
is_quiet_as_replica(Restore *restore, const MergeTable *table, gboolean *ret_is, GError **error)
{
  Merge *merge = merge_of(restore);
  g_autoptr(PgResult) answer = pg_connection_query(
      restore_connection(restore), error, backup_merge_replica_sql, 4, table->schema, table->relation,
      table->identity != NULL ? "true" : "false", merge->on_conflict == ON_CONFLICT_UPDATE ? "true" : "false");
  if (answer == NULL)
    return FALSE;
  *ret_is = pg_result_rows(answer) > 0 && pg_result_bool(answer, 0, 0);
  return TRUE;
}

/* Whether the ledger's own rows are imported, too. */
static gboolean
brings_ledger(const Restore *restore)
{
  const GArray *steps = restore_plan(restore)->steps;
  for (guint i = 0; i < steps->len; i++) {
    const RestoreStep *step = &g_array_index(steps, RestoreStep, i);
    if (step->kind == STEP_ROWS && g_strcmp0(step->entry->namespace_name, "public") == 0 &&
        g_strcmp0(step->entry->tag, "usage_ledger") == 0)
      return TRUE;
  }
  return FALSE;
}

gboolean
merge_quiet_choose(Restore *restore, const MergeTable *table, MergeQuiet *ret_quiet, GError **error)
{
  g_autoptr(PgResult) triggers = read_triggers(restore, table, error);
  if (triggers == NULL)
    return FALSE;
  *ret_quiet = MERGE_QUIET_ALREADY;
  if (pg_result_rows(triggers) == 0)
    return TRUE;
  Merge *merge = merge_of(restore);
  gboolean is_quiet = FALSE;
  if ((!merge->knows_replica && !ask_for_replica(restore, merge, error)) ||
      !is_quiet_as_replica(restore, table, &is_quiet, error))
    return FALSE;
  gboolean is_ledgers_alone = pg_result_rows(triggers) == 1 && pg_result_bool(triggers, 0, TRIGGER_IS_LEDGERS);
  /* If the ledger's rows do not come along, its trigger adds them in half the time that adding them later takes. */
  gboolean is_by_role = is_quiet && merge->may_be_replica && !(is_ledgers_alone && !brings_ledger(restore));
  *ret_quiet = is_by_role         ? MERGE_QUIET_BY_ROLE
               : is_ledgers_alone ? MERGE_QUIET_BUT_LEDGER
               : is_quiet         ? MERGE_QUIET_BY_LOCK_OF_ROLE
                                  : MERGE_QUIET_BY_LOCK;
  return TRUE;
}

gboolean
merge_quiet_locks(MergeQuiet quiet)
{
  return quiet == MERGE_QUIET_BY_LOCK || quiet == MERGE_QUIET_BY_LOCK_OF_ROLE;
}

gboolean
merge_lock_of(Restore *restore, const TocEntry *entry, MergeLock *ret_lock, GError **error)
{
  g_auto(MergeTable) table = {0};
  MergeQuiet quiet = MERGE_QUIET_ALREADY;
  if (!merge_table_read(restore_connection(restore), entry, &table, error) ||
      !merge_quiet_choose(restore, &table, &quiet, error))
    return FALSE;
  gboolean opens_identity = merge_of(restore)->on_conflict == ON_CONFLICT_UPDATE && *table.always_identities != NULL;
  *ret_lock = opens_identity                         ? MERGE_LOCK_IDENTITY
              : quiet == MERGE_QUIET_BY_LOCK_OF_ROLE ? MERGE_LOCK_TRIGGERS_OF_ROLE
              : quiet == MERGE_QUIET_BY_LOCK         ? MERGE_LOCK_TRIGGERS
                                                     : MERGE_LOCK_NONE;
  return TRUE;
}

gboolean
merge_quiet_lock(Restore *restore, const MergeTable *table, MergeQuiet quiet, GError **error)
{
  if (!merge_quiet_locks(quiet))
    return TRUE;
  g_autoptr(PgResult) triggers = read_triggers(restore, table, error);
  if (triggers == NULL)
    return FALSE;
  TextId text = quiet == MERGE_QUIET_BY_LOCK_OF_ROLE ? TEXT_IMPORT_TABLE_LOCKED_BY_ROLE : TEXT_IMPORT_TABLE_LOCKED;
  backup_progress_warn(restore_progress(restore), text, table->name);
  for (guint i = 0; i < pg_result_rows(triggers); i++)
    if (!merge_switch_off(restore, pg_result_text(triggers, i, TRIGGER_OFF),
                          pg_result_text(triggers, i, TRIGGER_PUT_BACK), error))
      return FALSE;
  return TRUE;
}

gboolean
merge_quiet_enter(Restore *restore, MergeQuiet quiet, GError **error)
{
  if (quiet == MERGE_QUIET_BUT_LEDGER && !merge_ledger_reserve_ids(restore, error))
    return FALSE;
  return pg_connection_exec(restore_connection(restore),
                            quiet == MERGE_QUIET_BY_ROLE
                                ? "SET LOCAL session_replication_role = replica; SET LOCAL search_path TO DEFAULT"
                                : "SET LOCAL search_path TO DEFAULT",
                            error);
}

/* Checks the staged rows that are in the table now. */
static gboolean
check_parents(Restore *restore, const MergeTable *table, GError **error)
{
  PgConnection *connection = restore_connection(restore);
  g_autoptr(PgResult) keys =
      pg_connection_query(connection, error, backup_merge_parents_sql, 2, table->schema, table->relation);
  if (keys == NULL)
    return FALSE;
  for (guint i = 0; i < pg_result_rows(keys); i++) {
    g_autofree char *sql = g_strdup_printf(
        "SELECT %s FROM " MERGE_STAGE " AS s JOIN %s AS l ON %s WHERE %s AND NOT EXISTS (%s) LIMIT 1",
        table->identity_shown, table->from, table->identity, pg_result_text(keys, i, 1), pg_result_text(keys, i, 2));
    g_autoptr(PgResult) orphan = pg_connection_query(connection, error, sql, 0);
    if (orphan == NULL)
      return FALSE;
    if (pg_result_rows(orphan) == 0)
      continue;
    error_set_sql(error, CCH_ERROR_DATABASE_QUERY, SQLSTATE_FOREIGN_KEY_VIOLATION, NULL,
                  "a row of table %s (%s) violates foreign key constraint \"%s\": its parent is neither here nor in "
                  "the archive",
                  table->name, pg_result_text(orphan, 0, 0), pg_result_text(keys, i, 0));
    return FALSE;
  }
  return TRUE;
}

gboolean
merge_quiet_leave(Restore *restore, const MergeTable *table, MergeQuiet quiet, GError **error)
{
  PgConnection *connection = restore_connection(restore);
  if (quiet == MERGE_QUIET_BY_ROLE &&
      (!pg_connection_exec(connection, "SET LOCAL session_replication_role = origin", error) ||
       !check_parents(restore, table, error)))
    return FALSE;
  return (!merge_is_log(table->entry) || merge_ledger_fill(restore, table, error)) &&
         pg_connection_exec(connection, "SELECT pg_catalog.set_config('search_path', '', true)", error);
}
