/* Applies a plan's steps and handles those that fail. */
#include "backup/plan/entry_sql.h"
#include "backup/restore/large_objects.h"
#include "backup/restore/restore_private.h"
#include "base/error.h"
#include "pg/connection/sqlstate.h"

#include <string.h>

/* A property of an object, such as its comment or grants: left alone if the object existed already. */
static gboolean
is_attribute(const TocEntry *entry)
{
  if (toc_entry_has(entry, TOC_ATTRIBUTE))
    return TRUE;
  /* The sequence of an identity column, or the true definition of a view that pg_dump first created as a dummy. */
  const char *defn = entry->defn != NULL ? entry->defn : "";
  return (toc_entry_is(entry, TOC_KIND_SEQUENCE) && g_str_has_prefix(defn, "ALTER TABLE")) ||
         (toc_entry_is(entry, TOC_KIND_RULE) && g_str_has_prefix(defn, "CREATE OR REPLACE VIEW"));
}

/* ATTACH joins a child to its parent, and the child's state decides. Its tag is the child's name, and the child is a
 * dependency with that name. */
static gboolean
is_attach_of_present(const Restore *restore, const TocEntry *entry)
{
  if (!toc_entry_is(entry, TOC_KIND_TABLE_ATTACH) && !toc_entry_is(entry, TOC_KIND_INDEX_ATTACH))
    return FALSE;
  for (guint i = 0; i < entry->n_dependencies; i++) {
    const TocEntry *dependency = archive_reader_find(restore->reader, entry->dependencies[i]);
    if (dependency != NULL && g_strcmp0(dependency->tag, entry->tag) == 0 &&
        restore_was_present(restore, dependency->dump_id))
      return TRUE;
  }
  return FALSE;
}

/* Whether the entry's object, or one that it depends on, existed already. */
static gboolean
is_of_present(const Restore *restore, const TocEntry *entry)
{
  if (restore_was_present(restore, entry->dump_id))
    return TRUE;
  for (guint i = 0; i < entry->n_dependencies; i++)
    if (restore_was_present(restore, entry->dependencies[i]))
      return TRUE;
  return FALSE;
}

/* A comment on, or a table of, what was left out. */
static gboolean
is_of_left_out(const Restore *restore, const TocEntry *entry)
{
  for (guint i = 0; toc_entry_has(entry, TOC_DISPENSABLE) && i < entry->n_dependencies; i++) {
    const TocEntry *dependency = archive_reader_find(restore->reader, entry->dependencies[i]);
    if (dependency != NULL && toc_entry_has(dependency, TOC_DISPENSABLE) &&
        g_hash_table_contains(restore->left_out, GINT_TO_POINTER(dependency->dump_id)))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_left_out(Restore *restore, const TocEntry *entry)
{
  const RestoreWay *way = restore->way;
  if (is_of_left_out(restore, entry))
    return TRUE;
  if (way->leaves_out != NULL && way->leaves_out(restore, entry))
    return TRUE;
  if (!way->keeps_present)
    return FALSE;
  if (is_attach_of_present(restore, entry))
    return TRUE;
  if (!is_attribute(entry) || !is_of_present(restore, entry))
    return FALSE;
  restore_mark_present(restore, entry);
  return TRUE;
}

/* SET default_tablespace for objects that have one. A tablespace that this server lacks is ignored, with one
 * warning. */
static gboolean
select_tablespace(Restore *restore, const TocEntry *entry, GError **error)
{
  const char *wanted = entry->tablespace != NULL ? entry->tablespace : "";
  if (strcmp(wanted, restore->default_tablespace) == 0)
    return TRUE;
  g_autofree char *found = NULL;
  if (!pg_connection_value(restore->connection, &found, error,
                           "SELECT spcname FROM pg_catalog.pg_tablespace WHERE spcname = $1", 1, wanted))
    return FALSE;
  g_autofree char *literal = pg_quote_literal(found != NULL ? found : "");
  if (!pg_connection_execf(restore->connection, error, "SET default_tablespace = %s", literal))
    return FALSE;
  if (found == NULL && *wanted != '\0')
    backup_progress_warn(restore->progress, TEXT_IMPORT_TABLESPACE_MISSING, wanted);
  g_free(restore->default_tablespace);
  restore->default_tablespace = g_strdup(wanted);
  return TRUE;
}

static gboolean
select_table_am(Restore *restore, const TocEntry *entry, GError **error)
{
  if (entry->table_am == NULL || *entry->table_am == '\0' || entry->relkind == 'p')
    return TRUE;
  g_autofree char *name = pg_quote_identifier(entry->table_am);
  return pg_connection_execf(restore->connection, error, "SET default_table_access_method = %s", name);
}

/* If the role does not exist or may not own objects, the object stays ours. */
static gboolean
set_owner(Restore *restore, const TocEntry *entry, GError **error)
{
  g_autofree char *sql = restore->way->sets_owners ? entry_owner_statement(entry) : NULL;
  GError *failure = NULL;
  if (sql == NULL || restore_run_sql(restore, sql, &failure))
    return TRUE;
  if (error_code(failure) != CCH_ERROR_DATABASE_PERMISSION)
    return restore_judge(restore, entry, failure, error);
  g_autoptr(GError) reason = failure;
  return restore_leave_out(restore, entry, reason, error);
}

/* Planner statistics: without them queries are slower until the next ANALYZE, and nothing is lost. */
static gboolean
may_be_missing(const TocEntry *entry, const GError *failure)
{
  ErrorCode code = error_code(failure);
  return toc_entry_is(entry, TOC_KIND_STATISTICS_DATA) &&
         (code == CCH_ERROR_DATABASE_QUERY || code == CCH_ERROR_DATABASE_PERMISSION);
}

/* Takes ownership of the failure. */
static gboolean
pass_over(Restore *restore, const TocEntry *entry, GError *failure)
{
  restore_warn(restore, entry, failure);
  g_error_free(failure);
  return TRUE;
}

/* Says once for each table that its writers wait from now on. */
static void
warn_of_locks(Restore *restore, const TocEntry *entry)
{
  g_autoptr(GPtrArray) tables = restore_locked_tables(restore, entry);
  for (guint i = 0; i < tables->len; i++) {
    const TocEntry *table = tables->pdata[i];
    if (!restore_was_present(restore, table->dump_id) ||
        !g_hash_table_add(restore->locked, GINT_TO_POINTER(table->dump_id)))
      continue;
    g_autofree char *name = entry_display_name(table);
    g_autofree char *what = entry_display_name(entry);
    backup_progress_say(restore->progress, TEXT_IMPORT_PART_LOCKED, name, entry->desc, what);
  }
}

static gboolean
apply_sql(Restore *restore, const TocEntry *entry, GError **error)
{
  GError *failure = NULL;
  gboolean is_present = FALSE;
  /* Objects made by this import need no wait for locks, and a view created as a dummy already has its rule. */
  if (restore->way->keeps_present && !is_attribute(entry) && is_of_present(restore, entry) &&
      !restore_find_present(restore, entry, &is_present, error))
    return FALSE;
  if (is_present) {
    restore_mark_present(restore, entry);
    return TRUE;
  }
  if (restore->way->keeps_present)
    warn_of_locks(restore, entry);
  if (!select_tablespace(restore, entry, error) || !select_table_am(restore, entry, error))
    return FALSE;
  if (!restore_run_entry(restore, entry, entry->defn, &failure))
    return may_be_missing(entry, failure) ? pass_over(restore, entry, failure)
                                          : restore_judge(restore, entry, failure, error);
  return set_owner(restore, entry, error);
}

/* For example a foreign key to a table that was not chosen: if that table does not exist, the key is left out with a
 * warning. */
static gboolean
apply_loose(Restore *restore, const TocEntry *entry, GError **error)
{
  g_autoptr(GError) failure = NULL;
  if (apply_sql(restore, entry, &failure))
    return TRUE;
  const char *sqlstate = error_sqlstate(failure);
  gboolean is_other_missing =
      strcmp(sqlstate, SQLSTATE_UNDEFINED_TABLE) == 0 || strcmp(sqlstate, SQLSTATE_INVALID_FOREIGN_KEY) == 0;
  if (is_other_missing)
    restore_warn(restore, entry, failure);
  else
    g_propagate_error(error, g_steal_pointer(&failure));
  return is_other_missing;
}

/* Leaves out what says something of an object of another role. */
static gboolean
check_owner(Restore *restore, const TocEntry *entry, gboolean *ret_may, GError **error)
{
  if (!restore_may_describe(restore->connection, entry, ret_may, error))
    return FALSE;
  if (*ret_may)
    return TRUE;
  g_autoptr(GError) reason = NULL;
  error_set(&reason, CCH_ERROR_DATABASE_PERMISSION, "it belongs to another role");
  return restore_leave_out(restore, entry, reason, error);
}

/* After a syntax error, which a privilege that this server does not know causes: grants those that it knows. The first
 * of the others is told for all of the entry. */
static gboolean
apply_privileges(Restore *restore, const TocEntry *entry, const char *statement, gboolean *is_told, GError *failure,
                 GError **error)
{
  g_autoptr(GError) whole = failure;
  g_auto(GStrv) parts = entry_split_privileges(statement);
  if (g_strv_length(parts) < 2)
    return restore_judge(restore, entry, g_steal_pointer(&whole), error);
  for (char **part = parts; *part != NULL; part++) {
    g_autoptr(GError) refusal = NULL;
    if (restore_run_entry(restore, entry, *part, &refusal))
      continue;
    gboolean is_unknown = error_has_sqlstate(refusal, SQLSTATE_SYNTAX_ERROR);
    if (is_unknown && *is_told)
      continue;
    *is_told = *is_told || is_unknown;
    if (!restore_judge(restore, entry, g_steal_pointer(&refusal), error))
      return FALSE;
  }
  return TRUE;
}

/* Applies grants one by one, so that a missing role loses only its own grants. */
static gboolean
apply_access(Restore *restore, const TocEntry *entry, GError **error)
{
  gboolean may = TRUE, is_told = FALSE;
  if (!check_owner(restore, entry, &may, error))
    return FALSE;
  g_auto(GStrv) statements = entry_split_statements(may ? entry->defn : "");
  for (char **statement = statements; *statement != NULL; statement++) {
    GError *failure = NULL;
    if (restore_run_entry(restore, entry, *statement, &failure))
      continue;
    if (!(error_has_sqlstate(failure, SQLSTATE_SYNTAX_ERROR)
              ? apply_privileges(restore, entry, *statement, &is_told, failure, error)
              : restore_judge(restore, entry, failure, error)))
      return FALSE;
  }
  return TRUE;
}

static gboolean
apply_rows(Restore *restore, const TocEntry *entry, GError **error)
{
  restore_say_table(restore, entry);
  return (restore->way->apply_rows != NULL ? restore->way->apply_rows : restore_copy_table)(restore, entry, error);
}

static gboolean
apply_sequence(Restore *restore, const TocEntry *entry, GError **error)
{
  gboolean is_done = FALSE;
  if (restore->way->apply_sequence != NULL && !restore->way->apply_sequence(restore, entry, &is_done, error))
    return FALSE;
  return is_done || apply_sql(restore, entry, error);
}

gboolean
restore_apply_step(Restore *restore, const RestoreStep *step, GError **error)
{
  if (is_left_out(restore, step->entry))
    return TRUE;
  g_autofree char *encoding = entry_encoding(step->entry);
  if (encoding != NULL)
    return restore_speak_archive(restore->connection, restore->reader, error);
  switch (step->kind) {
  case STEP_SQL:
    return (step->is_loose ? apply_loose : apply_sql)(restore, step->entry, error);
  case STEP_ACCESS:
    return apply_access(restore, step->entry, error);
  case STEP_ROWS:
    return apply_rows(restore, step->entry, error);
  case STEP_SEQUENCE:
    return apply_sequence(restore, step->entry, error);
  case STEP_LARGE_OBJECTS:
    return large_objects_create(restore, step->entry, error);
  case STEP_LARGE_OBJECT_DATA:
    return large_objects_write(restore, step->entry, error);
  }
  return TRUE;
}

void
restore_enter_stage(Restore *restore, PlanStage stage)
{
  static const struct {
    BackupPhase phase;
    gint text; /* -1: none */
  } stages[STAGE_COUNT] = {
      [STAGE_PRE_DATA] = {BACKUP_PHASE_SCHEMA, TEXT_IMPORT_SCHEMA},
      [STAGE_DATA] = {BACKUP_PHASE_DATA, -1},
      [STAGE_POST_DATA] = {BACKUP_PHASE_INDEXES, TEXT_IMPORT_INDEXES},
      [STAGE_ACCESS] = {BACKUP_PHASE_INDEXES, -1},
      [STAGE_LAST] = {BACKUP_PHASE_INDEXES, -1},
  };
  backup_progress_phase(restore->progress, stages[stage].phase);
  if (stages[stage].text >= 0)
    backup_progress_say(restore->progress, (TextId)stages[stage].text);
}

gboolean
restore_apply_stage(Restore *restore, PlanStage stage, GError **error)
{
  const RestoreWay *way = restore->way;
  const GArray *steps = restore->plan->steps;
  g_autoptr(GPtrArray) order = g_ptr_array_new();
  for (guint i = 0; i < steps->len; i++)
    if (g_array_index(steps, RestoreStep, i).stage == stage)
      g_ptr_array_add(order, &g_array_index(steps, RestoreStep, i));
  if (order->len == 0)
    return TRUE;
  restore_enter_stage(restore, stage);
  if (stage == STAGE_DATA && way->order_rows != NULL && !way->order_rows(restore, order, error))
    return FALSE;
  if (stage == STAGE_POST_DATA && way->begin_post_data != NULL && !way->begin_post_data(restore, error))
    return FALSE;
  for (guint i = 0; i < order->len; i++) {
    if (!restore_apply_step(restore, order->pdata[i], error))
      return FALSE;
    if (stage != STAGE_DATA)
      backup_progress_set(restore->progress, i + 1, order->len);
  }
  if (stage == STAGE_POST_DATA)
    return way->end_post_data == NULL || way->end_post_data(restore, error);
  return stage != STAGE_DATA || way->end_rows == NULL || way->end_rows(restore, error);
}

gboolean
restore_apply(Restore *restore, GError **error)
{
  const RestoreWay *way = restore->way;
  if (restore->unit == RESTORE_BY_SAVEPOINT && !restore_note_transaction(restore, error))
    return FALSE;
  if (way->begin != NULL && !way->begin(restore, error))
    return FALSE;
  for (PlanStage stage = 0; stage < STAGE_COUNT; stage++)
    if (!restore_apply_stage(restore, stage, error))
      return FALSE;
  return way->end == NULL || way->end(restore, error);
}
