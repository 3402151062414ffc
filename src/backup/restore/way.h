/* A way of applying an archive, as the table of what it does differently, and what a restore offers to its functions.
 *
 * Overwriting (backup/restore/overwrite.h), merging (backup/merge/merge.h) and loading (backup/load/load.h) are such
 * tables; another way is one more. A function that is NULL, or a flag that is FALSE, stands for a restore into what was
 * empty before. */
#pragma once

#include "backup/restore/restore.h"
#include "backup/restore/verdict.h"

struct RestoreWay {
  const char *name;

  /* Objects that are there are the rule and deserve no warning. What belongs to one (its comment, grants, defaults, the
   * ATTACH of it) stays as it is here. What needs a column that it lacks is left out with a warning. */
  gboolean keeps_present;
  /* New objects get the archive's owner, where that role exists and may be given things; else they are ours. */
  gboolean sets_owners;

  /* First of all. */
  gboolean (*begin)(Restore *restore, GError **error);
  /* TRUE for an entry that is not applied. */
  gboolean (*leaves_out)(Restore *restore, const TocEntry *entry);
  /* Sorts the data steps (RestoreStep); all tables are there by now. NULL: the archive's order. */
  gboolean (*order_rows)(Restore *restore, GPtrArray *steps, GError **error);
  /* Brings in a table's rows and tells what became of them. NULL: restore_copy_table. */
  gboolean (*apply_rows)(Restore *restore, const TocEntry *entry, GError **error);
  /* Sets a sequence. NULL: by the entry's SQL. `ret_is_done` FALSE: likewise. */
  gboolean (*apply_sequence)(Restore *restore, const TocEntry *entry, gboolean *ret_is_done, GError **error);
  /* After the last rows, before indexes and constraints. */
  gboolean (*end_rows)(Restore *restore, GError **error);
  /* Last of all, before the commit. */
  gboolean (*end)(Restore *restore, GError **error);
};

/* What the restore was made with (RestoreOptions). */
PgConnection *restore_connection(const Restore *restore);
ArchiveReader *restore_reader(const Restore *restore);
const RestorePlan *restore_plan(const Restore *restore);
BackupProgress *restore_progress(const Restore *restore);
GCancellable *restore_cancellable(const Restore *restore);
gpointer restore_way_state(const Restore *restore);

/* When waiting for table locks ends, monotonic. */
gint64 restore_lock_deadline_us(const Restore *restore);

/* ---- Errors ---- */

/* What an error of this entry means under this way. */
Verdict restore_verdict(const Restore *restore, const TocEntry *entry, const GError *failure);

/* Judges what an entry failed with, and takes it: TRUE to go on (a warning has been given), else the error is passed
 * on, naming the entry. */
gboolean restore_judge(Restore *restore, const TocEntry *entry, GError *failure, GError **error);

/* ---- Objects that are there ---- */

/* TRUE when the entry's object was there already, or could not be made. */
gboolean restore_was_present(const Restore *restore, int dump_id);
void restore_mark_present(Restore *restore, const TocEntry *entry);

/* ---- Rows ---- */

/* Tells that a table's rows are worked on; that they are in. */
void restore_say_table(Restore *restore, const TocEntry *entry);
void restore_say_table_done(Restore *restore, const TocEntry *entry, guint64 rows, guint64 inserted);

/* Copies all rows into a table that is new, and tells so. Where the table has rows of its own all the same (an
 * extension's configuration table) and a unique key says that one of them is there already, nothing is copied and
 * `ret_is_copied` is FALSE, without an error. */
gboolean restore_copy_into_new(Restore *restore, const TocEntry *entry, gboolean *ret_is_copied, GError **error);

/* Adds the rows that a table with rows of its own lacks; what is there, or has the key of a row that is, stays. */
gboolean restore_add_rows(Restore *restore, const TocEntry *entry, guint64 *ret_rows, guint64 *ret_added,
                          GError **error);

/* The first of these, and the second where it has to be. */
gboolean restore_copy_table(Restore *restore, const TocEntry *entry, GError **error);

/* A query for those rows of `stage` that `live` (both FROM items) has less often, compared as text: the way to add rows
 * to a table that no key tells apart. `columns`: quoted, "a, b". `filter` is put at the end of the condition, in which
 * the row is s. Free with g_free. */
char *restore_rows_beyond(const char *stage, const char *live, const char *columns, const char *filter);

/* The server ends a COPY at a lone backslash-period wherever it finds one: what it took must be what it was sent, else
 * rows are lost. ARCHIVE_CORRUPT. */
gboolean restore_check_taken(guint64 taken, guint64 sent, GError **error);
