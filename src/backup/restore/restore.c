#include "backup/restore/restore.h"

#include "backup/merge/merge.h"
#include "backup/plan/entry_sql.h"
#include "backup/restore/large_objects.h"
#include "base/error.h"

#include <string.h>

enum { LOCK_PAUSE_MS = 500, PROGRESS_BYTES = 1024 * 1024, MAX_DEADLOCKS = 10 };

static const struct {
  const char *begin, *commit, *roll_back;
  int lock_timeout_ms; /* 0: none */
} units[] = {
    [RESTORE_BY_SAVEPOINT] = {"SAVEPOINT cch_entry", "RELEASE SAVEPOINT cch_entry",
                              "ROLLBACK TO SAVEPOINT cch_entry; RELEASE SAVEPOINT cch_entry", RESTORE_LOCK_TIMEOUT_MS},
    [RESTORE_BY_TRANSACTION] = {"BEGIN", "COMMIT", "ROLLBACK", 0},
};

Restore *
restore_new(PgConnection *connection, ArchiveReader *reader, const RestorePlan *plan, BackupProgress *progress,
            GCancellable *cancellable, gboolean is_merge, guint lock_wait_s)
{
  Restore *restore = g_new0(Restore, 1);
  restore->connection = connection;
  restore->reader = reader;
  restore->plan = plan;
  restore->progress = progress;
  restore->cancellable = cancellable;
  restore->is_merge = is_merge;
  restore->lock_deadline_us = g_get_monotonic_time() + (gint64)lock_wait_s * G_USEC_PER_SEC;
  restore->present = g_hash_table_new(NULL, NULL);
  restore->present_large_objects = g_hash_table_new(NULL, NULL);
  restore->created_large_objects = g_hash_table_new(NULL, NULL);
  restore->kept_extensions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  restore->merge = merge_state_new();
  restore->default_tablespace = g_strdup("");
  return restore;
}

void
restore_free(Restore *restore)
{
  merge_state_free(restore->merge);
  g_hash_table_unref(restore->present);
  g_hash_table_unref(restore->present_large_objects);
  g_hash_table_unref(restore->created_large_objects);
  g_hash_table_unref(restore->kept_extensions);
  g_free(restore->default_tablespace);
  g_free(restore);
}

/* Has the server notice within a second that we are gone, instead of working on, and holding its locks, until it next
 * reads from us. From PostgreSQL 14 on, and not on every platform: where it cannot, it says so and nothing is lost. */
static void
watch_for_our_end(PgConnection *connection)
{
  if (pg_connection_server_version(connection) >= 140000)
    pg_connection_exec(connection, "SET client_connection_check_interval = '1s'", NULL);
}

/* From PostgreSQL 17 on. */
static gboolean
switch_off_transaction_timeout(PgConnection *connection, GError **error)
{
  return pg_connection_server_version(connection) < 170000 ||
         pg_connection_exec(connection, "SET transaction_timeout = 0", error);
}

/* They are checked by triggers, which a session that takes itself for a replica does not fire. Only a superuser may
 * change that: for others it is an error, where it is set, and better than rows without their parents. */
static gboolean
check_foreign_keys(PgConnection *connection, GError **error)
{
  return pg_connection_exec(connection,
                            "SELECT pg_catalog.set_config('session_replication_role', 'origin', false) "
                            "WHERE pg_catalog.current_setting('session_replication_role') <> 'origin'",
                            error);
}

gboolean
restore_prepare_session(Restore *restore, GError **error)
{
  watch_for_our_end(restore->connection);
  return switch_off_transaction_timeout(restore->connection, error) && check_foreign_keys(restore->connection, error) &&
         pg_connection_execf(restore->connection, error,
                             "SET lock_timeout = %d; "
                             "SET check_function_bodies = false; "
                             "SET xmloption = content; SET client_min_messages = warning; SET row_security = off; "
                             "SET default_tablespace = ''; SELECT pg_catalog.set_config('search_path', '', false)",
                             units[restore->unit].lock_timeout_ms);
}

gboolean
restore_speak_archive(PgConnection *connection, const ArchiveReader *reader, GError **error)
{
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    g_autofree char *encoding = entry_encoding(archive_reader_entry(reader, i));
    if (encoding != NULL)
      return pg_connection_execf(connection, error, "SET client_encoding = '%s'", encoding);
  }
  return TRUE;
}

gboolean
restore_speak_utf8(PgConnection *connection, GError **error)
{
  return pg_connection_exec(connection, "SET client_encoding = 'UTF8'", error);
}

/* "pid 123 (psql, idle in transaction)" for those whose locks are in the way: other sessions that hold a lock on a
 * relation that one of ours is known to want cannot be told after the wait, so it names the oldest open transactions.
 */
static char *
describe_lock_holders(Restore *restore)
{
  static const char sql[] =
      "SELECT string_agg(format('pid %s (%s, %s)', pid, coalesce(nullif(application_name, ''), usename), state), ', ') "
      "FROM (SELECT * FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
      "AND xact_start IS NOT NULL ORDER BY xact_start LIMIT 3) AS a";
  g_autofree char *holders = NULL;
  if (!pg_connection_value(restore->connection, &holders, NULL, sql, 0) || holders == NULL)
    return g_strdup("?");
  return g_steal_pointer(&holders);
}

static gboolean
pause_ms(Restore *restore, int ms, GError **error)
{
  GPollFD fd;
  if (g_cancellable_make_pollfd(restore->cancellable, &fd)) {
    g_poll(&fd, 1, ms);
    g_cancellable_release_fd(restore->cancellable);
  } else {
    g_usleep((gulong)ms * 1000);
  }
  if (!g_cancellable_is_cancelled(restore->cancellable))
    return TRUE;
  error_set(error, CCH_ERROR_CANCELLED, "cancelled");
  return FALSE;
}

/* Between two attempts at a lock: says who is in the way and waits a little; DATABASE_LOCK_TIMEOUT when time is up. */
static gboolean
wait_for_lock(Restore *restore, guint attempt, const GError *reason, GError **error)
{
  g_autofree char *holders = describe_lock_holders(restore);
  if (g_get_monotonic_time() >= restore->lock_deadline_us) {
    error_set(error, CCH_ERROR_DATABASE_LOCK_TIMEOUT, "%s; other sessions with open transactions: %s", reason->message,
              holders);
    return FALSE;
  }
  backup_progress_say(restore->progress, TEXT_IMPORT_WAITING_FOR_LOCKS, attempt, holders);
  return pause_ms(restore, LOCK_PAUSE_MS, error);
}

static gboolean
run_unit(Restore *restore, RestoreFunc func, gpointer user_data, GError **error)
{
  return pg_connection_exec(restore->connection, units[restore->unit].begin, error) &&
         func(restore, user_data, error) && pg_connection_exec(restore->connection, units[restore->unit].commit, error);
}

/* Whether a failed unit is worth another attempt; waits before that. */
static gboolean
may_try_again(Restore *restore, guint attempt, GError *failure, GError **error)
{
  Verdict verdict = verdict_of(failure, NULL, restore->is_merge);
  /* After a cancellation or a lost connection there is nothing to go on with. */
  gboolean is_usable = pg_connection_is_alive(restore->connection) && !g_cancellable_is_cancelled(restore->cancellable);
  gboolean is_rolled_back = is_usable && pg_connection_exec(restore->connection, units[restore->unit].roll_back, NULL);
  if (is_rolled_back && verdict == VERDICT_LOCK_WAIT)
    return wait_for_lock(restore, attempt, failure, error);
  if (is_rolled_back && verdict == VERDICT_RESTART && restore->unit == RESTORE_BY_TRANSACTION &&
      attempt < MAX_DEADLOCKS)
    return TRUE;
  g_propagate_error(error, g_error_copy(failure));
  return FALSE;
}

gboolean
restore_run(Restore *restore, RestoreFunc func, gpointer user_data, GError **error)
{
  for (guint attempt = 1;; attempt++) {
    g_autoptr(GError) failure = NULL;
    if (run_unit(restore, func, user_data, &failure))
      return TRUE;
    if (!may_try_again(restore, attempt, failure, error))
      return FALSE;
  }
}

static gboolean
exec_sql(Restore *restore, gpointer sql, GError **error)
{
  return pg_connection_exec(restore->connection, sql, error);
}

gboolean
restore_run_sql(Restore *restore, const char *sql, GError **error)
{
  return restore_run(restore, exec_sql, (gpointer)sql, error);
}

/* What belongs to an object rather than being one: left as it is when the object was there already. */
static gboolean
is_attribute(const TocEntry *entry)
{
  static const char *const kinds[] = {"COMMENT",      "ACL", "SECURITY LABEL", "DEFAULT", "SEQUENCE OWNED BY",
                                      "ROW SECURITY", NULL};
  if (g_strv_contains(kinds, entry->desc))
    return TRUE;
  /* An identity column's sequence, and the true definition of a view that pg_dump had to make as a dummy first. */
  const char *defn = entry->defn != NULL ? entry->defn : "";
  return (toc_entry_is(entry, "SEQUENCE") && g_str_has_prefix(defn, "ALTER TABLE")) ||
         (toc_entry_is(entry, "RULE") && g_str_has_prefix(defn, "CREATE OR REPLACE VIEW"));
}

/* ATTACH hangs a child on a parent: the child's state decides. Its tag is the child's name, and the child is a
 * dependency of that name. */
static gboolean
is_attach_of_present(const Restore *restore, const TocEntry *entry)
{
  if (!toc_entry_is(entry, "TABLE ATTACH") && !toc_entry_is(entry, "INDEX ATTACH"))
    return FALSE;
  for (guint i = 0; i < entry->n_dependencies; i++) {
    const TocEntry *dependency = archive_reader_find(restore->reader, entry->dependencies[i]);
    if (dependency != NULL && g_strcmp0(dependency->tag, entry->tag) == 0 &&
        g_hash_table_contains(restore->present, GINT_TO_POINTER(dependency->dump_id)))
      return TRUE;
  }
  return FALSE;
}

gboolean
restore_is_present(const Restore *restore, const TocEntry *entry)
{
  if (g_hash_table_contains(restore->present, GINT_TO_POINTER(entry->dump_id)))
    return TRUE;
  for (guint i = 0; i < entry->n_dependencies; i++)
    if (g_hash_table_contains(restore->present, GINT_TO_POINTER(entry->dependencies[i])))
      return TRUE;
  return FALSE;
}

void
restore_mark_present(Restore *restore, const TocEntry *entry)
{
  g_hash_table_add(restore->present, GINT_TO_POINTER(entry->dump_id));
}

static gboolean
is_about_kept_extension(const Restore *restore, const TocEntry *entry)
{
  if (entry->tag == NULL)
    return FALSE;
  if (toc_entry_is(entry, "EXTENSION"))
    return g_hash_table_contains(restore->kept_extensions, entry->tag);
  return toc_entry_is(entry, "COMMENT") && g_str_has_prefix(entry->tag, "EXTENSION ") &&
         g_hash_table_contains(restore->kept_extensions, entry->tag + strlen("EXTENSION "));
}

static gboolean
is_left_alone(Restore *restore, const TocEntry *entry)
{
  if (is_about_kept_extension(restore, entry))
    return TRUE;
  if (!restore->is_merge)
    return FALSE;
  if (is_attach_of_present(restore, entry))
    return TRUE;
  if (!is_attribute(entry) || !restore_is_present(restore, entry))
    return FALSE;
  restore_mark_present(restore, entry);
  return TRUE;
}

static void
warn_of(Restore *restore, const TocEntry *entry, const GError *failure)
{
  g_autofree char *name = entry_display_name(entry);
  g_autofree char *text = g_strdup_printf("%s %s: %s", entry->desc, name, failure->message);
  g_autofree char *valid = g_utf8_make_valid(text, -1);
  backup_progress_warn(restore->progress, TEXT_IMPORT_WARNING, valid);
}

gboolean
restore_judge(Restore *restore, const TocEntry *entry, GError *failure, GError **error)
{
  Verdict verdict = verdict_of(failure, entry->desc, restore->is_merge);
  g_autofree char *name = entry_display_name(entry);
  if (!verdict_is_ignorable(verdict) || g_cancellable_is_cancelled(restore->cancellable)) {
    g_propagate_prefixed_error(error, failure, "restore %s %s: ", entry->desc, name);
    return FALSE;
  }
  if (verdict == VERDICT_EXISTS || verdict == VERDICT_COLUMN_MISSING)
    restore_mark_present(restore, entry);
  /* In a merge it is the rule that things are there already; anything else deserves a word of its own. */
  if (!(restore->is_merge && verdict == VERDICT_EXISTS))
    warn_of(restore, entry, failure);
  g_error_free(failure);
  return TRUE;
}

/* SET default_tablespace for the objects that live in one; a tablespace that this server lacks is passed over, once. */
static gboolean
select_tablespace(Restore *restore, const TocEntry *entry, GError **error)
{
  const char *wanted = entry->tablespace != NULL ? entry->tablespace : "";
  if (strcmp(wanted, restore->default_tablespace) == 0)
    return TRUE;
  g_autofree char *found = NULL;
  if (!pg_connection_value(restore->connection, &found, error, "SELECT spcname FROM pg_tablespace WHERE spcname = $1",
                           1, wanted))
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

/* Overwriting is --no-owner. In a merge a new object gets the archive's owner, where that role exists and we may give
 * things to it; else it stays ours. */
static gboolean
set_owner(Restore *restore, const TocEntry *entry, GError **error)
{
  g_autofree char *sql = restore->is_merge ? entry_owner_statement(entry) : NULL;
  GError *failure = NULL;
  if (sql == NULL || restore_run_sql(restore, sql, &failure))
    return TRUE;
  if (error_code(failure) != CCH_ERROR_DATABASE_PERMISSION)
    return restore_judge(restore, entry, failure, error);
  warn_of(restore, entry, failure);
  g_error_free(failure);
  return TRUE;
}

static gboolean
apply_sql(Restore *restore, const TocEntry *entry, GError **error)
{
  GError *failure = NULL;
  if (!select_tablespace(restore, entry, error) || !select_table_am(restore, entry, error))
    return FALSE;
  if (!restore_run_sql(restore, entry->defn, &failure))
    return restore_judge(restore, entry, failure, error);
  return set_owner(restore, entry, error);
}

/* A foreign key to a table that was not chosen, say: without that table there is no key, and a warning. */
static gboolean
apply_loose(Restore *restore, const TocEntry *entry, GError **error)
{
  g_autoptr(GError) failure = NULL;
  if (apply_sql(restore, entry, &failure))
    return TRUE;
  const char *sqlstate = error_sqlstate(failure);
  gboolean is_other_missing = strcmp(sqlstate, "42P01") == 0 || strcmp(sqlstate, "42830") == 0;
  if (is_other_missing)
    warn_of(restore, entry, failure);
  else
    g_propagate_error(error, g_steal_pointer(&failure));
  return is_other_missing;
}

/* Grants one by one, so that a role which is missing here takes only its own grants with it. */
static gboolean
apply_access(Restore *restore, const TocEntry *entry, GError **error)
{
  g_auto(GStrv) statements = entry_split_statements(entry->defn);
  for (char **statement = statements; *statement != NULL; statement++) {
    GError *failure = NULL;
    if (!restore_run_sql(restore, *statement, &failure) && !restore_judge(restore, entry, failure, error))
      return FALSE;
  }
  return TRUE;
}

typedef struct {
  Restore *restore;
  guint64 pending_rows, pending_bytes;
} CopySink;

static guint64
count_lines(const guint8 *data, gsize size)
{
  guint64 lines = 0;
  for (gsize i = 0; i < size; i++)
    lines += data[i] == '\n';
  return lines;
}

static gboolean
send_rows(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  CopySink *sink = user_data;
  if (!pg_connection_copy_in_write(sink->restore->connection, data, size, error))
    return FALSE;
  sink->pending_rows += count_lines(data, size);
  sink->pending_bytes += size;
  if (sink->pending_bytes >= PROGRESS_BYTES) {
    backup_progress_add(sink->restore->progress, sink->pending_rows, sink->pending_bytes);
    sink->pending_rows = sink->pending_bytes = 0;
  }
  return TRUE;
}

gboolean
restore_check_taken(guint64 taken, guint64 sent, GError **error)
{
  if (taken == sent)
    return TRUE;
  error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "the server took %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " rows",
            taken, sent);
  return FALSE;
}

gboolean
restore_copy_rows(Restore *restore, const TocEntry *entry, const char *copy_sql, guint64 *ret_rows, GError **error)
{
  CopySink sink = {.restore = restore};
  GError *failure = NULL;
  if (!pg_connection_copy_in_begin(restore->connection, copy_sql, error))
    return FALSE;
  if (!archive_reader_read_data(restore->reader, entry, send_rows, NULL, &sink, restore->cancellable, &failure)) {
    /* The COPY is over if the database ended it; it still waits if the archive, or the caller, did. */
    if (*error_sqlstate(failure) == '\0' && pg_connection_is_alive(restore->connection))
      pg_connection_copy_in_abort(restore->connection);
    g_propagate_error(error, failure);
    return FALSE;
  }
  if (!pg_connection_copy_in_end(restore->connection, ret_rows, error))
    return FALSE;
  backup_progress_add(restore->progress, sink.pending_rows, sink.pending_bytes);
  return restore_check_taken(*ret_rows, archive_reader_data_info(restore->reader, entry)->rows, error);
}

typedef struct {
  const TocEntry *entry;
  guint64 rows;
} CopyJob;

static gboolean
copy_all_rows(Restore *restore, gpointer user_data, GError **error)
{
  CopyJob *job = user_data;
  return restore_copy_rows(restore, job->entry, job->entry->copy_stmt, &job->rows, error);
}

void
restore_say_table(Restore *restore, const TocEntry *entry)
{
  g_autofree char *name = entry_display_name(entry);
  backup_progress_table(restore->progress, name);
  backup_progress_say(restore->progress, TEXT_IMPORT_TABLE, name);
}

void
restore_say_table_done(Restore *restore, const TocEntry *entry, guint64 rows, guint64 inserted)
{
  g_autofree char *name = entry_display_name(entry);
  backup_progress_table_done(restore->progress, name, rows, inserted);
  backup_progress_say(restore->progress, TEXT_IMPORT_TABLE_DONE, name, rows, inserted, rows - inserted);
  backup_progress_table(restore->progress, NULL);
}

/* Rows of a table that this import has made go in by plain COPY; rows of one that was there are merged, and so are
 * those of a new table that has rows of its own all the same (an extension's configuration table). */
static gboolean
apply_rows(Restore *restore, const TocEntry *entry, GError **error)
{
  restore_say_table(restore, entry);
  CopyJob job = {.entry = entry};
  gboolean is_plain = !restore->is_merge || !merge_is_needed(restore, entry);
  g_autoptr(GError) failure = NULL;
  if (is_plain && restore_run(restore, copy_all_rows, &job, &failure)) {
    restore_say_table_done(restore, entry, job.rows, job.rows);
    return TRUE;
  }
  if (failure != NULL && verdict_of(failure, entry->desc, restore->is_merge) != VERDICT_DUPLICATE_KEY)
    return restore_judge(restore, entry, g_steal_pointer(&failure), error);
  BackupTableResult result;
  if (merge_rows(restore, entry, &result, error)) {
    merge_say_done(restore, entry, &result);
    return TRUE;
  }
  g_autofree char *name = entry_display_name(entry);
  g_prefix_error(error, "restore TABLE DATA %s: ", name);
  return FALSE;
}

gboolean
restore_apply_step(Restore *restore, const RestoreStep *step, GError **error)
{
  if (is_left_alone(restore, step->entry))
    return TRUE;
  switch (step->kind) {
  case STEP_SQL:
    return (step->is_loose ? apply_loose : apply_sql)(restore, step->entry, error);
  case STEP_ACCESS:
    return apply_access(restore, step->entry, error);
  case STEP_ROWS:
    return apply_rows(restore, step->entry, error);
  case STEP_SEQUENCE:
    /* Sequences that are in use are moved at the very end. */
    return restore->is_merge && merge_is_needed(restore, step->entry) ? merge_note_sequence(restore, step->entry, error)
                                                                      : apply_sql(restore, step->entry, error);
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
  const GArray *steps = restore->plan->steps;
  g_autoptr(GPtrArray) order = g_ptr_array_new();
  for (guint i = 0; i < steps->len; i++)
    if (g_array_index(steps, RestoreStep, i).stage == stage)
      g_ptr_array_add(order, &g_array_index(steps, RestoreStep, i));
  if (order->len == 0)
    return TRUE;
  restore_enter_stage(restore, stage);
  /* Only now, with the missing tables made, are all foreign keys known. */
  if (stage == STAGE_DATA && restore->is_merge && !merge_order_rows(restore, order, 0, order->len, error))
    return FALSE;
  for (guint i = 0; i < order->len; i++) {
    if (!restore_apply_step(restore, order->pdata[i], error))
      return FALSE;
    if (stage != STAGE_DATA)
      backup_progress_set(restore->progress, i + 1, order->len);
  }
  return stage != STAGE_DATA || merge_end_rows(restore, error);
}

gboolean
restore_apply(Restore *restore, GError **error)
{
  for (PlanStage stage = 0; stage < STAGE_COUNT; stage++)
    if (!restore_apply_stage(restore, stage, error))
      return FALSE;
  return merge_move_sequences(restore, error);
}
