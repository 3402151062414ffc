/* Merging: rows of the archive into tables that are there and in use.
 *
 * A table's rows go by COPY into a temporary table and from there in one INSERT … ON CONFLICT DO NOTHING, parents
 * before children by the foreign keys that the live database has. A table without a key is a multiset: a row is added
 * as often as the archive has it more often than the table. User triggers and rules are off meanwhile, and exactly as
 * before afterwards. Sequences only move forward. */
#pragma once

#include "backup/restore.h"

MergeState *merge_state_new(void);
void merge_state_free(MergeState *state);

/* TRUE when the entry's table or sequence was there before this import. */
gboolean merge_is_needed(const Restore *restore, const TocEntry *entry);

/* Sorts the data steps of `order` (RestoreStep), from `start` to before `end`, so that parents' rows come before
 * children's; foreign keys that form a cycle are deferred until merge_end_rows. */
gboolean merge_order_rows(Restore *restore, GPtrArray *order, guint start, guint end, GError **error);

/* Merges one table's rows. IMPORT_INCOMPATIBLE when the table cannot take them. */
gboolean merge_rows(Restore *restore, const TocEntry *entry, guint64 *ret_rows, guint64 *ret_inserted, GError **error);

/* After the last rows: checks deferred constraints, switches triggers and rules on again. */
gboolean merge_end_rows(Restore *restore, GError **error);

/* Remembers a sequence's value for merge_move_sequences, the last thing before the commit, because it locks them. */
gboolean merge_note_sequence(Restore *restore, const TocEntry *entry, GError **error);
gboolean merge_move_sequences(Restore *restore, GError **error);
