/* Merging: imports rows of the archive into existing tables that are in use.
 *
 * Rows go by COPY into a temporary table and from there into the live table, parents before children by the live
 * database's foreign keys. Missing rows are inserted. The caller chooses what happens to existing rows
 * (backup/plan/merge_choice.h).
 *
 * A row of the archive is matched with a live row by the table's identity: the primary key, or else a unique key
 * without NULLs. Other unique keys match nothing but can keep a row out: silently with ON_CONFLICT_SKIP, with a warning
 * and the key with ON_CONFLICT_UPDATE, as a failure with ON_CONFLICT_FAIL. A table without an identity is a multiset: a
 * row is added as many times as the archive has it more often than the table.
 *
 * User triggers and rules are off meanwhile, and exactly as before afterwards. Sequences only move forward. */
#pragma once

#include "backup/plan/merge_choice.h"
#include "backup/restore/way.h"

extern const RestoreWay merge_way;

/* The way's state. */
typedef struct Merge Merge;
Merge *merge_new(BackupOnConflict on_conflict);
void merge_free(Merge *merge);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Merge, merge_free)

/* Why a table must be locked by ALTER TABLE, until the commit, while rows are imported. */
typedef enum {
  MERGE_LOCK_NONE,
  MERGE_LOCK_TRIGGERS,         /* against writers: triggers or rules have to be disabled */
  MERGE_LOCK_TRIGGERS_OF_ROLE, /* likewise, but a role that may set session_replication_role would not have to */
  MERGE_LOCK_IDENTITY,         /* against everybody: rows are updated that have a GENERATED ALWAYS identity */
  MERGE_LOCK_CYCLE             /* against everybody: foreign keys that form a cycle are deferred */
} MergeLock;

/* The lock that this entry's rows need, except for MERGE_LOCK_CYCLE. Needs a transaction and a restore whose way_state
 * is a Merge. Asks the catalog and takes no lock. */
gboolean merge_lock_of(Restore *restore, const TocEntry *entry, MergeLock *ret_lock, GError **error);

/* The tables ("public.users") whose foreign keys would be deferred (MERGE_LOCK_CYCLE) by an import of the plan's
 * rows. A set; unref it. */
gboolean merge_cyclic_tables(Restore *restore, GHashTable **ret_tables, GError **error);

/* Whether the hub's tables or its record of migrations exist. A merge keeps their structure, and therefore the
 * record. */
gboolean merge_keeps_bookkeeping(PgConnection *connection, gboolean *ret_keeps, GError **error);
