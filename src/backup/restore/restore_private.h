/* The state of a restore, private to this room. */
#pragma once

#include "backup/restore/way.h"

struct Restore {
  PgConnection *connection;
  ArchiveReader *reader;
  const RestorePlan *plan;
  BackupProgress *progress;
  GCancellable *cancellable;
  const RestoreWay *way;
  gpointer way_state;
  RestoreUnit unit;
  char *xid;                          /* ID of the transaction that was begun; NULL: none, or no check is needed */
  gboolean has_sql_ended_transaction; /* by the server's command tags */
  gint64 lock_deadline_us;            /* monotonic: when waiting for table locks ends */
  GHashTable *present;  /* dump IDs whose object existed already or could not be created: what belongs to the object is
                           left alone */
  GHashTable *locked;   /* dump IDs of existing tables whose writers wait until the commit */
  GHashTable *left_out; /* dump IDs of entries that were left out, in whole or in part, with a warning */
  GHashTable *present_large_objects; /* OIDs, likewise */
  GHashTable *created_large_objects; /* OIDs that this import created */
  GHashTable *large_object_owners;   /* role → whether objects are created as this role */
  char *default_tablespace;          /* as last set; "" is the database's own */
  gboolean searches_by_entry; /* the archive's SQL leaves out schemas, and its entries name them (restore_search) */
};

/* Remembers the connection's transaction, in which units must end. */
gboolean restore_note_transaction(Restore *restore, GError **error);

/* restore_run_sql for SQL of an entry, where that finds what pg_dump meant. */
gboolean restore_run_entry(Restore *restore, const TocEntry *entry, const char *sql, GError **error);

/* Reports an entry's ignored failure as a warning. */
void restore_warn(Restore *restore, const TocEntry *entry, const GError *failure);

/* Leaves an entry out, as this role may not make it, or a role that it names is missing: one warning for each entry, or
 * IMPORT_LEFT_OUT if the plan is strict. */
gboolean restore_leave_out(Restore *restore, const TocEntry *entry, const GError *failure, GError **error);
