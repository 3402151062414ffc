/* What the modules of a merge share among themselves. */
#pragma once

#include "backup/merge/merge.h"

typedef struct {
  char *sequence; /* as regclass reads it */
  gint64 value;
  gboolean is_called;
} NotedSequence;

struct Merge {
  BackupOnConflict on_conflict;
  GPtrArray *put_back;  /* statements that undo what was switched off, last first */
  GArray *sequences;    /* NotedSequence */
  GPtrArray *conflicts; /* with ON_CONFLICT_FAIL: a sentence for each table with rows that differ */
};

/* The state of a restore by merge. */
Merge *merge_of(const Restore *restore);

/* Runs a statement that takes a strong lock, and remembers the one that takes it back. */
gboolean merge_switch_off(Restore *restore, const char *off, const char *put_back, GError **error);

/* Sorts the data steps (RestoreStep) so that parents' rows come before children's; foreign keys that form a cycle are
 * deferred until the rows' end. */
gboolean merge_order_rows(Restore *restore, GPtrArray *steps, GError **error);

/* Merges one table's rows, and tells what became of them. IMPORT_INCOMPATIBLE when the table cannot take them. */
gboolean merge_rows(Restore *restore, const TocEntry *entry, GError **error);

/* Remembers a sequence's value for merge_move_sequences, the last thing before the commit, because it locks them. */
gboolean merge_note_sequence(Restore *restore, const TocEntry *entry, GError **error);
gboolean merge_move_sequences(Restore *restore, GError **error);
