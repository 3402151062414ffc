/* Declarations shared by the modules of a merge. */
#pragma once

#include "backup/merge/merge.h"
#include "backup/merge/merge_table.h"

typedef struct {
  char *sequence; /* in regclass syntax */
  gint64 value;
  gboolean is_called;
} NotedSequence;

struct Merge {
  BackupOnConflict on_conflict;
  GPtrArray *put_back;                    /* statements that restore what was disabled, last first */
  GArray *sequences;                      /* NotedSequence */
  GHashTable *extensions;                 /* names of the extensions that existed before */
  GPtrArray *conflicts;                   /* with ON_CONFLICT_FAIL: a sentence for each table with differing rows */
  gboolean knows_replica, may_be_replica; /* this role may set session_replication_role */
};

/* The state of a restore by merge. */
Merge *merge_of(const Restore *restore);

/* Runs a statement that takes a strong lock, and remembers the statement that reverses it. */
gboolean merge_switch_off(Restore *restore, const char *off, const char *put_back, GError **error);

/* Sorts the data steps (RestoreStep) so that parents' rows come before children's. Foreign keys that form a cycle
 * are deferred until all rows are in. */
gboolean merge_order_rows(Restore *restore, GPtrArray *steps, GError **error);

/* Merges one table's rows and reports the counts. IMPORT_INCOMPATIBLE if the table cannot take them. */
gboolean merge_rows(Restore *restore, const TocEntry *entry, GError **error);

/* ---- Keeping user triggers and rules from firing for imported rows ----
 *
 * ALTER TABLE … DISABLE TRIGGER locks the table until the commit: a hub that inserts into its log waits that long,
 * or fails. session_replication_role = replica locks nothing but also disables foreign keys. These are then checked
 * here, row by row and with the lock on the parent that the server would take. */
typedef enum {
  MERGE_QUIET_ALREADY,        /* there are no triggers or rules */
  MERGE_QUIET_BY_ROLE,        /* session_replication_role, if this role may set it and nothing else depends on it */
  MERGE_QUIET_BUT_LEDGER,     /* the only trigger is the hub's own for its ledger: it fires, with the right result. Also
                                 if the ledger's rows do not come along */
  MERGE_QUIET_BY_LOCK,        /* ALTER TABLE */
  MERGE_QUIET_BY_LOCK_OF_ROLE /* ALTER TABLE, because this role may not set session_replication_role */
} MergeQuiet;

/* Asks the catalog; takes no lock. */
gboolean merge_quiet_choose(Restore *restore, const MergeTable *table, MergeQuiet *ret_quiet, GError **error);
gboolean merge_quiet_locks(MergeQuiet quiet);
/* Locks the table if it has to be, with a warning. Call it when the rows are staged. */
gboolean merge_quiet_lock(Restore *restore, const MergeTable *table, MergeQuiet quiet, GError **error);
/* Enclose the statements that change the table. In between, search_path is the hub's, so that its functions find
 * names without a schema. Leaving checks foreign keys: a row without its parent is an error with SQLSTATE 23503. */
gboolean merge_quiet_enter(Restore *restore, MergeQuiet quiet, GError **error);
gboolean merge_quiet_leave(Restore *restore, const MergeTable *table, MergeQuiet quiet, GError **error);

/* ---- The hub's ledger ---- */

/* Whether the entry is the hub's request log (public.message_request). */
gboolean merge_is_log(const TocEntry *entry);
/* Moves the ledger's sequence beyond the ledger's ids, before the trigger fires. */
gboolean merge_ledger_reserve_ids(Restore *restore, GError **error);
/* Has the hub's trigger function add the ledger rows that are missing, once the log's rows are in and while the
 * stage still exists. If that is impossible, a warning says how many rows wait for the hub's next start. */
gboolean merge_ledger_fill(Restore *restore, const MergeTable *table, GError **error);

/* Moves the sequence past the ids of the staged rows of the log or the ledger, at once, before these rows come in.
 * Otherwise the hub could draw one of these ids and wait for the import's end. The sequence stays there if the
 * import fails; the skipped numbers are lost, as after any INSERT that is rolled back. */
gboolean merge_step_over_ids(Restore *restore, const MergeTable *table, GError **error);

/* Remembers a sequence's value for merge_move_sequences, which runs last before the commit because it locks the
 * sequences. */
gboolean merge_note_sequence(Restore *restore, const TocEntry *entry, GError **error);
/* Remembers the furthest staged values of columns that draw from a sequence: the archive may have that sequence under
 * another name, or not at all. */
gboolean merge_note_drawn(Restore *restore, const MergeTable *table, GError **error);
gboolean merge_move_sequences(Restore *restore, GError **error);
