/* Merging: rows of the archive into tables that are there and in use.
 *
 * A table's rows go by COPY into a temporary table and from there into the live one, parents before children by the
 * foreign keys that the live database has. What is missing is inserted; what becomes of a row that is there is the
 * caller's choice (backup/plan/merge_choice.h). Which live row a row of the archive is, its identity says: the primary
 * key, or else a unique key without NULLs. Other unique keys never say that, but they can keep a row out: with
 * ON_CONFLICT_SKIP silently, with ON_CONFLICT_UPDATE with a warning and its key, with ON_CONFLICT_FAIL as a failure.
 * A table without an identity is a multiset: a row is added as often as the archive has it more often than the table.
 * User triggers and rules are off meanwhile, and exactly as before afterwards. Sequences only move forward. */
#pragma once

#include "backup/restore/restore.h"

MergeState *merge_state_new(void);
void merge_state_free(MergeState *state);

/* A merge leaves the structure of a hub's database as it is, and so the records of which migrations it has had. */
gboolean merge_keeps_bookkeeping(PgConnection *connection, gboolean *ret_keeps, GError **error);

/* TRUE when the entry's table or sequence was there before this import. */
gboolean merge_is_needed(const Restore *restore, const TocEntry *entry);

/* Sorts the data steps of `order` (RestoreStep), from `start` to before `end`, so that parents' rows come before
 * children's; foreign keys that form a cycle are deferred until merge_end_rows. */
gboolean merge_order_rows(Restore *restore, GPtrArray *order, guint start, guint end, GError **error);

/* Merges one table's rows; the result's table is left NULL. IMPORT_INCOMPATIBLE when the table cannot take them. */
gboolean merge_rows(Restore *restore, const TocEntry *entry, BackupTableResult *ret_result, GError **error);

/* Tells the progress what became of a table's rows, and that it is done with. */
void merge_say_done(Restore *restore, const TocEntry *entry, const BackupTableResult *result);

/* After the last rows: fails with IMPORT_CONFLICT if there were conflicts with ON_CONFLICT_FAIL; checks deferred
 * constraints, switches triggers and rules on again. */
gboolean merge_end_rows(Restore *restore, GError **error);

/* Remembers a sequence's value for merge_move_sequences, the last thing before the commit, because it locks them. */
gboolean merge_note_sequence(Restore *restore, const TocEntry *entry, GError **error);
gboolean merge_move_sequences(Restore *restore, GError **error);
