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

#include "backup/plan/merge_choice.h"
#include "backup/restore/way.h"

extern const RestoreWay merge_way;

/* The way's state. */
typedef struct Merge Merge;
Merge *merge_new(BackupOnConflict on_conflict);
void merge_free(Merge *merge);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Merge, merge_free)

/* Whether this entry's rows can come in only while nobody else writes to their table, until the commit: where triggers
 * or rules have to be switched off by ALTER TABLE. In a transaction, with a restore whose way_state is a Merge; asks
 * the catalog, takes no lock. */
gboolean merge_locks_table(Restore *restore, const TocEntry *entry, gboolean *ret_locks, GError **error);

/* A merge leaves the structure of a hub's database as it is, and so the records of which migrations it has had. */
gboolean merge_keeps_bookkeeping(PgConnection *connection, gboolean *ret_keeps, GError **error);
