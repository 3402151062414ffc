/* Merges one table's rows: stages, compares, inserts, updates. */
#include "backup/merge/merge_private.h"

#include "backup/merge/merge_filter.h"
#include "backup/merge/merge_table.h"
#include "backup/plan/entry_sql.h"
#include "backup_sql.h"
#include "base/error.h"
#include "pg/connection/sqlstate.h"

#include <string.h>

typedef struct {
  MergeTable table;
  BackupTableResult result; /* its table is not set */
  MergeFound found;         /* ON_CONFLICT_SKIP: rows that were not staged */
  guint64 twins;            /* rows of the archive that share their key with another of its rows */
  MergeQuiet quiet;
} MergeJob;

static void
merge_job_clear(MergeJob *job)
{
  merge_table_clear(&job->table);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MergeJob, merge_job_clear)

/* ---- Before the rows ---- */

static gboolean
read_table(Restore *restore, const TocEntry *entry, MergeTable *ret_table, GError **error)
{
  if (!merge_table_read(restore_connection(restore), entry, ret_table, error))
    return FALSE;
  if (ret_table->missing != NULL && archive_reader_data_info(restore_reader(restore), entry)->rows > 0) {
    error_set(error, CCH_ERROR_IMPORT_INCOMPATIBLE,
              "table %s needs a value for column %s, which the archive does not have", ret_table->name,
              ret_table->missing);
    return FALSE;
  }
  if (ret_table->ignored != NULL)
    backup_progress_warn(restore_progress(restore), TEXT_IMPORT_COLUMNS_IGNORED, ret_table->name, ret_table->ignored);
  return TRUE;
}

/* GENERATED ALWAYS columns, which an UPDATE may not set. */
static gboolean
open_identities(Restore *restore, const MergeTable *table, GError **error)
{
  if (merge_of(restore)->on_conflict != ON_CONFLICT_UPDATE)
    return TRUE;
  if (*table->always_identities != NULL)
    backup_progress_warn(restore_progress(restore), TEXT_IMPORT_IDENTITY_LOCKED, table->name);
  for (char **name = table->always_identities; *name != NULL; name++) {
    g_autofree char *column = pg_quote_identifier(*name);
    g_autofree char *alter = g_strdup_printf("ALTER TABLE %s ALTER COLUMN %s SET GENERATED", table->from, column);
    g_autofree char *off = g_strconcat(alter, " BY DEFAULT", NULL);
    g_autofree char *put_back = g_strconcat(alter, " ALWAYS", NULL);
    if (!merge_switch_off(restore, off, put_back, error))
      return FALSE;
  }
  return TRUE;
}

/* ---- Inserting ---- */

static gboolean
insert_at_once(Restore *restore, const char *into, const char *query, guint64 *ret_inserted, GError **error)
{
  g_autofree char *insert = g_strdup_printf("%s %s ON CONFLICT DO NOTHING", into, query);
  g_autoptr(PgResult) result = pg_connection_query(restore_connection(restore), error, insert, 0);
  if (result == NULL)
    return FALSE;
  *ret_inserted = pg_result_affected(result);
  return TRUE;
}

/* Runs the body of a function that returns a number. */
static gboolean
run_body(Restore *restore, const char *body, guint64 *ret_number, GError **error)
{
  g_autofree char *literal = pg_quote_literal(body);
  if (!pg_connection_execf(restore_connection(restore), error,
                           "CREATE FUNCTION pg_temp.cch_rows() RETURNS pg_catalog.int8 LANGUAGE plpgsql AS %s",
                           literal))
    return FALSE;
  g_autoptr(PgResult) result = pg_connection_query(restore_connection(restore), error, "SELECT pg_temp.cch_rows()", 0);
  if (result == NULL)
    return FALSE;
  *ret_number = (guint64)pg_result_int64(result, 0, 0);
  return pg_connection_exec(restore_connection(restore), "DROP FUNCTION pg_temp.cch_rows()", error);
}

/* For tables on which ON CONFLICT is refused: inserts each row in its own subtransaction. Slower, and equally exact. */
static gboolean
insert_row_by_row(Restore *restore, const MergeTable *table, const char *into, const char *query, guint64 *ret_inserted,
                  GError **error)
{
  g_autofree char *body = g_strdup_printf("#variable_conflict use_column\n"
                                          "DECLARE s pg_catalog.record; n pg_catalog.int8 := 0;\n"
                                          "BEGIN\n"
                                          "  FOR s IN %s LOOP\n"
                                          "    BEGIN\n"
                                          "      %s SELECT %s;\n"
                                          "      n := n + 1;\n"
                                          "    EXCEPTION WHEN unique_violation OR exclusion_violation THEN NULL;\n"
                                          "    END;\n"
                                          "  END LOOP;\n"
                                          "  RETURN n;\n"
                                          "END",
                                          query, into, table->stage_list);
  return run_body(restore, body, ret_inserted, error);
}

/* Inserts the missing rows, except for those that another key keeps out. */
static gboolean
insert_missing(Restore *restore, const MergeTable *table, guint64 *ret_inserted, GError **error)
{
  g_autofree char *list = *table->columns != '\0' ? g_strdup_printf(" (%s)", table->columns) : g_strdup("");
  g_autofree char *into = g_strdup_printf("INSERT INTO %s%s OVERRIDING SYSTEM VALUE", table->target, list);
  g_autofree char *query = merge_missing_rows(table, table->key_filter);
  return table->is_row_by_row ? insert_row_by_row(restore, table, into, query, ret_inserted, error)
                              : insert_at_once(restore, into, query, ret_inserted, error);
}

/* Counts rows of the archive that another row of the archive keeps out. */
static void
tell_twins(Restore *restore, const MergeJob *job)
{
  if (job->twins > 0)
    backup_progress_warn(restore_progress(restore), TEXT_IMPORT_TWINS, job->table.name, job->twins);
}

/* ---- Updating ---- */

static gboolean
says_key_taken(const GError *error)
{
  const char *sqlstate = error_sqlstate(error);
  return strcmp(sqlstate, SQLSTATE_UNIQUE_VIOLATION) == 0 || strcmp(sqlstate, SQLSTATE_EXCLUSION_VIOLATION) == 0;
}

/* Makes one pass over the differing rows and skips those that cannot be updated yet. */
static void
append_pass(GString *body, const MergeTable *table, const char *differs, const char *direction)
{
  g_string_append_printf(body,
                         "FOR s IN SELECT s.* FROM " MERGE_STAGE
                         " AS s JOIN %1$s AS l ON %2$s WHERE %3$s ORDER BY s.ctid %5$s LOOP\n"
                         "  BEGIN\n"
                         "    UPDATE %1$s AS l SET %4$s WHERE %2$s;\n"
                         "    IF FOUND THEN moved := moved + 1; END IF;\n"
                         "  EXCEPTION WHEN unique_violation OR exclusion_violation THEN NULL;\n"
                         "  END;\n"
                         "END LOOP;\n",
                         table->from, table->identity, differs, table->set_list, direction);
}

/* Updates row by row, in repeated passes while rows make way for each other. The direction alternates, so that a
 * chain of rows does not need a pass for each of them. Rows that swap their keys stay as they are. */
static gboolean
update_row_by_row(Restore *restore, const MergeTable *table, const char *differs, guint64 *ret_updated, GError **error)
{
  g_autoptr(GString) body = g_string_new("#variable_conflict use_column\n"
                                         "DECLARE s pg_catalog.record; n pg_catalog.int8 := 0;\n"
                                         "  moved pg_catalog.int8;\n"
                                         "BEGIN\n"
                                         "LOOP\n"
                                         "moved := 0;\n");
  append_pass(body, table, differs, "ASC");
  append_pass(body, table, differs, "DESC");
  g_string_append(body, "n := n + moved;\n"
                        "EXIT WHEN moved = 0;\n"
                        "END LOOP;\n"
                        "RETURN n;\n"
                        "END");
  return run_body(restore, body->str, ret_updated, error);
}

/* Gives the archive's values to differing rows. */
static gboolean
update_different(Restore *restore, const MergeTable *table, guint64 *ret_updated, GError **error)
{
  g_autofree char *differs = merge_differs(table);
  g_autofree char *update = g_strdup_printf("UPDATE %s AS l SET %s FROM " MERGE_STAGE " AS s WHERE %s AND %s",
                                            table->from, table->set_list, table->identity, differs);
  if (!pg_connection_exec(restore_connection(restore), "SAVEPOINT cch_update", error))
    return FALSE;
  g_autoptr(GError) failure = NULL;
  g_autoptr(PgResult) result = pg_connection_query(restore_connection(restore), &failure, update, 0);
  if (result != NULL) {
    *ret_updated = pg_result_affected(result);
    return pg_connection_exec(restore_connection(restore), "RELEASE SAVEPOINT cch_update", error);
  }
  if (!says_key_taken(failure)) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  return pg_connection_exec(restore_connection(restore),
                            "ROLLBACK TO SAVEPOINT cch_update; RELEASE SAVEPOINT cch_update", error) &&
         update_row_by_row(restore, table, differs, ret_updated, error);
}

/* A row can take over a key only after another row has given it up, and a running hub changes rows meanwhile.
 * Repeats until nothing is left, or nothing more can be done. */
static gboolean
let_archive_win(Restore *restore, MergeJob *job, MergeComparison *ret_left, GError **error)
{
  const MergeTable *table = &job->table;
  for (;;) {
    if (!merge_compare(restore_connection(restore), table, FALSE, ret_left, error))
      return FALSE;
    guint64 inserted = 0, updated = 0;
    if (ret_left->missing > 0 && !insert_missing(restore, table, &inserted, error))
      return FALSE;
    if (ret_left->different > 0 && *table->set_list != '\0' && !update_different(restore, table, &updated, error))
      return FALSE;
    job->result.rows_inserted += inserted;
    job->result.rows_updated += updated;
    gboolean is_done = inserted == ret_left->missing && updated == ret_left->different;
    if (is_done)
      *ret_left = (MergeComparison){0};
    if (is_done || inserted + updated == 0)
      return TRUE;
  }
}

/* Counts rows of the archive that another key keeps out, apart from the twins. */
static gboolean
tell_left_out(Restore *restore, const MergeJob *job, const MergeComparison *left, GError **error)
{
  const MergeTable *table = &job->table;
  tell_twins(restore, job);
  if (left->missing + left->different == 0)
    return TRUE;
  g_autofree char *keys = NULL;
  if (table->identity != NULL && !merge_list_keys(restore_connection(restore), table, TRUE, &keys, error))
    return FALSE;
  backup_progress_warn(restore_progress(restore), TEXT_IMPORT_LEFT_OUT, table->name, left->missing + left->different,
                       keys != NULL ? keys : "-");
  return TRUE;
}

/* ---- Skipping ---- */

/* Compares the staged rows that were not inserted: there since, or of a table that was empty, or too large to look up
 * (different); of the others, another key is taken (missing). */
static gboolean
compare_left(Restore *restore, const MergeJob *job, MergeComparison *ret_left, GError **error)
{
  const MergeTable *table = &job->table;
  *ret_left = (MergeComparison){0};
  if (table->identity == NULL)
    return !table->has_unique || merge_count_missing(restore_connection(restore), table, "", &ret_left->missing, error);
  g_autofree char *staged = NULL;
  if (!pg_connection_value(restore_connection(restore), &staged, error, "SELECT pg_catalog.count(*) FROM " MERGE_STAGE,
                           0))
    return FALSE;
  guint64 n_staged = g_ascii_strtoull(staged, NULL, 10);
  if (n_staged <= job->result.rows_inserted)
    return TRUE;
  if (!merge_compare(restore_connection(restore), table, FALSE, ret_left, error))
    return FALSE;
  /* A trigger may have changed an inserted row. */
  ret_left->different = MIN(ret_left->different, n_staged - job->result.rows_inserted - ret_left->missing);
  return TRUE;
}

static gboolean
skip_conflicts(Restore *restore, MergeJob *job, GError **error)
{
  if (!insert_missing(restore, &job->table, &job->result.rows_inserted, error))
    return FALSE;
  job->result.rows_skipped = job->result.rows_total - job->result.rows_inserted;
  /* The twin is kept out by another row of the archive, not by a live one, which needs a warning. */
  if (job->table.identity != NULL && job->result.rows_skipped > 0 &&
      !merge_delete_twins(restore_connection(restore), &job->table, &job->twins, error))
    return FALSE;
  tell_twins(restore, job);
  MergeComparison left = {0};
  g_autofree char *keys = NULL;
  if (job->result.rows_skipped > 0 && !compare_left(restore, job, &left, error))
    return FALSE;
  job->result.is_compared = job->found.is_compared;
  job->result.rows_different = job->found.different + left.different;
  job->result.rows_taken = left.missing + job->twins;
  if (left.missing == 0)
    return TRUE;
  if (job->table.identity != NULL && !merge_list_keys(restore_connection(restore), &job->table, TRUE, &keys, error))
    return FALSE;
  backup_progress_warn(restore_progress(restore), TEXT_IMPORT_LEFT_OUT, job->table.name, left.missing,
                       keys != NULL ? keys : "-");
  return TRUE;
}

/* ---- Tables without an identity: nothing can be updated, but keys with NULLs may keep rows out ---- */

static gboolean
add_to_multiset(Restore *restore, MergeJob *job, MergeComparison *ret_left, GError **error)
{
  *ret_left = (MergeComparison){0};
  if (!merge_count_missing(restore_connection(restore), &job->table, "", &ret_left->missing, error))
    return FALSE;
  if (ret_left->missing == 0)
    return TRUE;
  guint64 *inserted = &job->result.rows_inserted;
  if (!insert_missing(restore, &job->table, inserted, error))
    return FALSE;
  if (*inserted < ret_left->missing)
    return merge_count_missing(restore_connection(restore), &job->table, "", &ret_left->missing, error);
  ret_left->missing = 0;
  return TRUE;
}

static void
count_rest(MergeJob *job, const MergeComparison *left)
{
  BackupTableResult *result = &job->result;
  result->is_compared = TRUE;
  result->rows_skipped = result->rows_taken = left->missing + left->different + job->twins;
  result->rows_unchanged = result->rows_total - result->rows_inserted - result->rows_updated - result->rows_skipped;
}

static gboolean
update_conflicts(Restore *restore, MergeJob *job, GError **error)
{
  MergeComparison left = {0};
  const MergeTable *table = &job->table;
  if (table->check_at_once != NULL && !pg_connection_exec(restore_connection(restore), table->check_at_once, error))
    return FALSE;
  gboolean ok = table->identity != NULL ? merge_delete_twins(restore_connection(restore), table, &job->twins, error) &&
                                              let_archive_win(restore, job, &left, error)
                                        : add_to_multiset(restore, job, &left, error);
  if (!ok || !tell_left_out(restore, job, &left, error))
    return FALSE;
  count_rest(job, &left);
  return TRUE;
}

/* ---- Failing on conflicts ---- */

static gboolean
insert_if_all_agree(Restore *restore, MergeJob *job, MergeComparison *ret_left, GError **error)
{
  const MergeTable *table = &job->table;
  if (!merge_delete_twins(restore_connection(restore), table, &job->twins, error) ||
      !merge_compare(restore_connection(restore), table, FALSE, ret_left, error))
    return FALSE;
  /* Once the import is bound to fail, the other tables are only compared. */
  gboolean is_lost = ret_left->different + job->twins > 0 || merge_of(restore)->conflicts->len > 0;
  if (is_lost) {
    ret_left->missing = 0;
    return TRUE;
  }
  if (!insert_missing(restore, table, &job->result.rows_inserted, error))
    return FALSE;
  if (job->result.rows_inserted < ret_left->missing)
    return merge_compare(restore_connection(restore), table, FALSE, ret_left, error);
  ret_left->missing = 0;
  return TRUE;
}

static gboolean
fail_on_conflicts(Restore *restore, MergeJob *job, GError **error)
{
  MergeComparison left = {0};
  const MergeTable *table = &job->table;
  if (table->check_at_once != NULL && !pg_connection_exec(restore_connection(restore), table->check_at_once, error))
    return FALSE;
  if (!(table->identity != NULL ? insert_if_all_agree : add_to_multiset)(restore, job, &left, error))
    return FALSE;
  count_rest(job, &left);
  guint64 conflicts = job->result.rows_skipped;
  if (conflicts == 0)
    return TRUE;
  g_autofree char *keys = NULL;
  if (table->identity != NULL && !merge_list_keys(restore_connection(restore), table, left.missing > 0, &keys, error))
    return FALSE;
  g_ptr_array_add(merge_of(restore)->conflicts,
                  g_strdup_printf("%s: %" G_GUINT64_FORMAT " rows%s%s%s", table->name, conflicts,
                                  keys != NULL ? " (" : "", keys != NULL ? keys : "", keys != NULL ? ")" : ""));
  return TRUE;
}

/* ---- All together ---- */

static gboolean
merge_staged(Restore *restore, MergeJob *job, GError **error)
{
  switch (merge_of(restore)->on_conflict) {
  case ON_CONFLICT_UPDATE:
    return update_conflicts(restore, job, error);
  case ON_CONFLICT_FAIL:
    return fail_on_conflicts(restore, job, error);
  case ON_CONFLICT_SKIP:
    break;
  }
  if (job->table.is_row_by_row && job->table.check_at_once != NULL &&
      !pg_connection_exec(restore_connection(restore), job->table.check_at_once, error))
    return FALSE;
  return skip_conflicts(restore, job, error);
}

/* Rows that are there as they are need not be staged, and none that are there if they are skipped anyway. */
static gboolean
stage_rows(Restore *restore, MergeJob *job, GError **error)
{
  const MergeTable *table = &job->table;
  gboolean has_rows = FALSE;
  job->found = (MergeFound){.is_compared = TRUE};
  if (merge_of(restore)->on_conflict != ON_CONFLICT_SKIP)
    return merge_stage_unequal(restore, table, &job->found, error);
  if (table->identity != NULL) {
    g_autofree char *ask = g_strdup_printf("SELECT EXISTS (SELECT FROM %s)", table->from);
    g_autoptr(PgResult) answer = pg_connection_query(restore_connection(restore), error, ask, 0);
    if (answer == NULL)
      return FALSE;
    has_rows = pg_result_bool(answer, 0, 0);
  }
  return has_rows
             ? merge_stage_missing(restore, table, &job->found, error)
             : restore_copy_rows(restore, table->entry, "COPY " MERGE_STAGE " FROM stdin", &job->found.rows, error);
}

static gboolean
make_stage(Restore *restore, gpointer user_data, GError **error)
{
  MergeJob *job = user_data;
  return pg_connection_execf(restore_connection(restore), error, "CREATE TEMPORARY TABLE cch_stage (%s) ON COMMIT DROP",
                             job->table.stage_columns) &&
         stage_rows(restore, job, error);
}

static gboolean
apply_stage(Restore *restore, gpointer user_data, GError **error)
{
  MergeJob *job = user_data;
  job->result = (BackupTableResult){.rows_total = job->found.rows};
  job->twins = 0;
  /* We wait for transactions that have just written the same rows. That deserves more patience than a table lock. */
  gint64 patience_ms = MAX(1000, (restore_lock_deadline_us(restore) - g_get_monotonic_time()) / 1000);
  if (!pg_connection_execf(restore_connection(restore), error, "SET LOCAL lock_timeout = %" G_GINT64_FORMAT,
                           patience_ms))
    return FALSE;
  /* A dropped table keeps its disk space until the commit. A table that this savepoint created is truncated at once. */
  return merge_step_over_ids(restore, &job->table, error) && merge_quiet_enter(restore, job->quiet, error) &&
         merge_staged(restore, job, error) && merge_quiet_leave(restore, &job->table, job->quiet, error) &&
         (job->result.rows_inserted == 0 || merge_note_drawn(restore, &job->table, error)) &&
         pg_connection_execf(restore_connection(restore), error,
                             "TRUNCATE " MERGE_STAGE "; DROP TABLE " MERGE_STAGE "; SET LOCAL lock_timeout = %d",
                             RESTORE_LOCK_TIMEOUT_MS);
}

static gboolean
stage_and_apply(Restore *restore, gpointer user_data, GError **error)
{
  return make_stage(restore, user_data, error) && apply_stage(restore, user_data, error);
}

static void
say_done(Restore *restore, const MergeJob *job)
{
  const BackupTableResult *result = &job->result;
  BackupTableResult named = *result;
  named.table = job->table.name;
  BackupProgress *progress = restore_progress(restore);
  backup_progress_table_merged(progress, &named);
  if (!result->is_compared)
    backup_progress_say(progress, TEXT_IMPORT_TABLE_NOT_COMPARED, named.table, result->rows_total,
                        result->rows_inserted, result->rows_skipped);
  else if (merge_of(restore)->on_conflict == ON_CONFLICT_SKIP)
    backup_progress_say(progress, TEXT_IMPORT_TABLE_SKIPPED, named.table, result->rows_total, result->rows_inserted,
                        backup_table_result_equal(result), result->rows_different, result->rows_taken);
  else
    backup_progress_say(progress, TEXT_IMPORT_TABLE_MERGED, named.table, result->rows_total, result->rows_inserted,
                        result->rows_updated, result->rows_unchanged, result->rows_skipped);
  backup_progress_table(progress, NULL);
}

gboolean
merge_rows(Restore *restore, const TocEntry *entry, GError **error)
{
  g_auto(MergeJob) job = {0};
  if (!read_table(restore, entry, &job.table, error) || !merge_quiet_choose(restore, &job.table, &job.quiet, error))
    return FALSE;
  /* Writers need not wait while rows are staged. */
  gboolean locks = merge_quiet_locks(job.quiet) || *job.table.always_identities != NULL;
  gboolean is_done = locks ? restore_run(restore, make_stage, &job, error) &&
                                 merge_quiet_lock(restore, &job.table, job.quiet, error) &&
                                 open_identities(restore, &job.table, error) &&
                                 restore_run(restore, apply_stage, &job, error)
                           : restore_run(restore, stage_and_apply, &job, error);
  if (!is_done)
    return FALSE;
  say_done(restore, &job);
  return TRUE;
}
