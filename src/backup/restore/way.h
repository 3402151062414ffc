/* The interface of a way of applying an archive: a table of what it does differently, and the functions that a restore
 * offers to it.
 *
 * Overwriting (backup/restore/overwrite.h), merging (backup/merge/merge.h) and loading (backup/load/load.h) are
 * ways. A NULL function or a FALSE flag means the behaviour of a restore into an empty database. */
#pragma once

#include "backup/restore/restore.h"
#include "backup/restore/verdict.h"

struct RestoreWay {
  const char *name;

  /* Existing objects are normal and cause no warning. Their properties (comment, grants, defaults, their own ATTACH)
   * stay as they are. An object that needs a missing column of an existing table is left out with a warning. */
  gboolean keeps_present;
  /* Nobody else can see the tables that are filled: their rows are frozen (COPY … FREEZE), if there are many of them.
   * The index builds of the same transaction then need not ask for each row whether it is visible, and VACUUM has less
   * to do. */
  gboolean freezes_rows;
  /* New objects get the archive's owner if that role exists and may own objects; otherwise they are ours. */
  gboolean sets_owners;

  /* Called first. */
  gboolean (*begin)(Restore *restore, GError **error);
  /* TRUE for an entry that is left out. */
  gboolean (*leaves_out)(Restore *restore, const TocEntry *entry);
  /* Sorts the data steps (RestoreStep), when all tables exist. NULL: the archive's order. */
  gboolean (*order_rows)(Restore *restore, GPtrArray *steps, GError **error);
  /* Imports a table's rows and reports the counts. NULL: restore_copy_table. */
  gboolean (*apply_rows)(Restore *restore, const TocEntry *entry, GError **error);
  /* Sets a sequence. If NULL, or if `ret_is_done` is FALSE, the entry's SQL is run. */
  gboolean (*apply_sequence)(Restore *restore, const TocEntry *entry, gboolean *ret_is_done, GError **error);
  /* After the last rows, before indexes and constraints. */
  gboolean (*end_rows)(Restore *restore, GError **error);
  /* Before the first and after the last index, constraint and other step of the post-data. */
  gboolean (*begin_post_data)(Restore *restore, GError **error);
  gboolean (*end_post_data)(Restore *restore, GError **error);
  /* Called last, before the commit. */
  gboolean (*end)(Restore *restore, GError **error);
};

/* The options that the restore was made with (RestoreOptions). */
PgConnection *restore_connection(const Restore *restore);
ArchiveReader *restore_reader(const Restore *restore);
const RestorePlan *restore_plan(const Restore *restore);
BackupProgress *restore_progress(const Restore *restore);
GCancellable *restore_cancellable(const Restore *restore);
gpointer restore_way_state(const Restore *restore);

/* The end of the wait for table locks, on the monotonic clock. */
gint64 restore_lock_deadline_us(const Restore *restore);

/* Archives of PostgreSQL 10 and older have no SEARCHPATH entry, and names of an entry's own schema stand there without
 * it: sets search_path to that schema, as pg_restore does (_selectOutputSchema). `entry` NULL: to none. For other
 * archives, which name every schema, it does nothing. */
gboolean restore_search(const Restore *restore, const TocEntry *entry, GError **error);

/* ---- Errors ---- */

/* The meaning of an error of this entry under this way. */
Verdict restore_verdict(const Restore *restore, const TocEntry *entry, const GError *failure);

/* Judges an entry's failure and takes ownership of it. TRUE to go on (with a warning); otherwise the error is passed
 * on, naming the entry. */
gboolean restore_judge(Restore *restore, const TocEntry *entry, GError *failure, GError **error);

/* If the server refused bytes of the entry's rows as no text in its encoding: replaces the failure by
 * IMPORT_INVALID_TEXT, which names row and column. */
void restore_explain_text(const Restore *restore, const TocEntry *entry, GError **failure);

/* Reads the entry's rows for text that the server would refuse so, if that is known here: IMPORT_INVALID_TEXT. */
gboolean restore_check_text(const Restore *restore, const TocEntry *entry, GError **error);

/* Whether this role may comment on, label or grant what the entry is about, if that is a schema or language that is
 * here. GRANT by others fails, or does nothing and says so only as a notice. TRUE for all other entries. */
gboolean restore_may_describe(PgConnection *connection, const TocEntry *entry, gboolean *ret_may, GError **error);

/* ---- Existing objects ---- */

/* TRUE if the entry's object existed already or could not be created. */
gboolean restore_was_present(const Restore *restore, int dump_id);
void restore_mark_present(Restore *restore, const TocEntry *entry);

/* Whether an object on a table (an index, a constraint, a trigger …) exists already under its name. Asks the
 * catalog. */
gboolean restore_find_present(const Restore *restore, const TocEntry *entry, gboolean *ret_is_present, GError **error);

/* The tables (TABLE entries) whose writers wait until the commit once the entry's statement has run: those on which it
 * makes an index, a constraint, a trigger, a rule or a policy, and those to which its foreign key refers. */
GPtrArray *restore_locked_tables(const Restore *restore, const TocEntry *entry);

/* ---- Rows ---- */

/* Reports that work on a table's rows begins; that its rows are in. */
void restore_say_table(Restore *restore, const TocEntry *entry);
void restore_say_table_done(Restore *restore, const TocEntry *entry, guint64 rows, guint64 inserted);

/* Copies all rows into a new table, and reports it. If the table already has rows (an extension's configuration
 * table) and a unique key shows that a row exists, nothing is copied and `ret_is_copied` is FALSE, without an error. */
gboolean restore_copy_into_new(Restore *restore, const TocEntry *entry, gboolean *ret_is_copied, GError **error);

/* Adds the rows that a table lacks. Existing rows, and rows whose key exists, are left alone. */
gboolean restore_add_rows(Restore *restore, const TocEntry *entry, guint64 *ret_rows, guint64 *ret_added,
                          GError **error);

/* Runs restore_copy_into_new, and restore_add_rows if nothing was copied. */
gboolean restore_copy_table(Restore *restore, const TocEntry *entry, GError **error);

/* A query for the rows of `stage` that `live` (both are FROM items) has fewer times, compared as text. Used for
 * tables without a key. `columns`: quoted, "a, b". `filter` is appended to the condition, in which the row is s.
 * Free with g_free. */
char *restore_rows_beyond(const char *stage, const char *live, const char *columns, const char *filter);

/* ---- Index builds ---- */

/* The memory in which an index build sorts (maintenance_work_mem).
 *
 * The server sorts runs of that size and merges them (tuplesort.c, PostgreSQL 12 to 18). Comparisons access a run at
 * random, so a run that fits the processor's second-level cache is sorted in two thirds of the time of a 64 MB run.
 * Merging reads in order and costs little (docs/benchmarks.md). With less than 32 MB per process the server also
 * builds without parallel workers (nbtsort.c, _bt_begin_parallel; planner.c, plan_create_index_workers), unless the
 * table's own setting asks for them. */

/* This session's setting in kB: what the administrator allows. */
gboolean restore_configured_sort_kb(PgConnection *connection, guint *ret_kb, GError **error);
/* For each process that builds an index of a table with this many bytes as COPY text; never more than configured. */
guint restore_sort_kb(guint64 table_bytes, guint configured_kb);

/* Checks that the server took every row that it was sent: it ends a COPY at any line that is only a backslash and a
 * period, and would lose the rows after it. ARCHIVE_CORRUPT. */
gboolean restore_check_taken(guint64 taken, guint64 sent, GError **error);
/* Ends a COPY of so many rows, and does the same. */
gboolean restore_end_copy(Restore *restore, guint64 sent, GError **error);
