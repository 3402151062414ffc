/* A restore's state, for the files of this room. */
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
  char *xid;               /* of the transaction that was begun; NULL: none, or none of which proof is needed */
  gint64 lock_deadline_us; /* monotonic: when waiting for table locks ends */
  GHashTable *present;     /* dump IDs whose object was there already, or could not be made: what belongs to it is left
                              as it is */
  GHashTable *present_large_objects; /* OIDs likewise */
  GHashTable *created_large_objects; /* OIDs: those that this import made */
  GHashTable *large_object_owners;   /* role → whether objects are made as this role */
  char *default_tablespace;          /* as last set; "" is the database's own */
};

/* Remembers which transaction the connection is in: units have to end in it. */
gboolean restore_note_transaction(Restore *restore, GError **error);

/* Reports an ignored failure of an entry as a warning. */
void restore_warn(Restore *restore, const TocEntry *entry, const GError *failure);

/* Whether an object that would be made on a table (an index, a constraint, a trigger …) is here by its name. Asks the
 * catalog. */
gboolean restore_find_present(const Restore *restore, const TocEntry *entry, gboolean *ret_is_present, GError **error);
