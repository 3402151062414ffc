/* What the modules of a merge share among themselves. */
#pragma once

#include "backup/merge/merge.h"
#include "backup/merge/merge_table.h"

typedef struct {
  char *sequence; /* as regclass reads it */
  gint64 value;
  gboolean is_called;
} NotedSequence;

struct Merge {
  BackupOnConflict on_conflict;
  GPtrArray *put_back;                    /* statements that undo what was switched off, last first */
  GArray *sequences;                      /* NotedSequence */
  GHashTable *extensions;                 /* names of those that were there */
  GPtrArray *conflicts;                   /* with ON_CONFLICT_FAIL: a sentence for each table with rows that differ */
  gboolean knows_replica, may_be_replica; /* this role may set session_replication_role */
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

/* ---- User triggers and rules that are not to act on the rows that come in ----
 *
 * ALTER TABLE … DISABLE TRIGGER locks the table until the commit, and a hub that inserts into its log waits so long, or
 * fails. session_replication_role = replica locks nothing, but also switches foreign keys off, which are then checked
 * here, row by row and with the lock on the parent that the server would take. */
typedef enum {
  MERGE_QUIET_ALREADY,    /* there are none */
  MERGE_QUIET_BY_ROLE,    /* session_replication_role, where this role may set it and nothing else depends on it */
  MERGE_QUIET_BUT_LEDGER, /* the only one is the hub's, which keeps its ledger: it may act, and does the right thing */
  MERGE_QUIET_BY_LOCK     /* ALTER TABLE */
} MergeQuiet;

/* Asks the catalog; takes no lock. */
gboolean merge_quiet_choose(Restore *restore, const MergeTable *table, MergeQuiet *ret_quiet, GError **error);
/* MERGE_QUIET_BY_LOCK: locks the table, with a warning. To be called when the rows are staged. */
gboolean merge_quiet_lock(Restore *restore, const MergeTable *table, GError **error);
/* Around the statements that change the table. In between, search_path is what it is for the hub, so that what its
 * functions name without a schema is found. Leaving checks foreign keys: a row without its parent is an error with
 * SQLSTATE 23503. */
gboolean merge_quiet_enter(Restore *restore, MergeQuiet quiet, GError **error);
gboolean merge_quiet_leave(Restore *restore, const MergeTable *table, MergeQuiet quiet, GError **error);

/* ---- The hub's ledger ---- */

/* The hub's log of requests (public.message_request). */
gboolean merge_is_log(const TocEntry *entry);
/* Before the trigger acts: the ledger's sequence moves beyond the ids that the ledger has. */
gboolean merge_ledger_reserve_ids(Restore *restore, GError **error);
/* After the log's rows are in, the stage being there still: has the hub's trigger enter those that the ledger lacks.
 * Where that cannot be, a warning says how many wait for the hub's next start. */
gboolean merge_ledger_fill(Restore *restore, const MergeTable *table, GError **error);

/* Before the rows of the log or the ledger that are staged come in: moves the sequence of their ids past them, at once.
 * A hub that drew one of these ids would wait for the import's end. A sequence that has moved stays so when the import
 * fails: numbers are passed over, as after any INSERT that is rolled back. */
gboolean merge_step_over_ids(Restore *restore, const MergeTable *table, GError **error);

/* Remembers a sequence's value for merge_move_sequences, the last thing before the commit, because it locks them. */
gboolean merge_note_sequence(Restore *restore, const TocEntry *entry, GError **error);
gboolean merge_move_sequences(Restore *restore, GError **error);
