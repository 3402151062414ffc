/* Undoes an overwriting import by swap. The previous database is kept beside the live one for some time (UNDO_KEEP),
 * and an undo puts it back by the same two renames (backup/swap/swap.h). The database that it replaces is kept in turn,
 * so an undo can be undone. The contents of cch_data (audit log, records) move along.
 *
 * Several databases can be kept, each until it expires; without a name the newest is meant. */
#pragma once

#include "backup/report/event.h"
#include "lock/lock.h"
#include "pg/connection/connection.h"

#include <gio/gio.h>

/* A kept database. */
typedef struct {
  char *name;
  guint32 oid;
  char *made_at;      /* when it was replaced: UTC, "2026-01-29T10:30:00Z" */
  char *made_by;      /* the actor; may be NULL */
  char *reason;       /* the operation: "import", "undo" */
  char *expires_at;   /* UTC */
  guint64 size_bytes; /* on disk, now */
} KeptDatabase;

/* All databases kept for the live one, `live`'s, newest first (KeptDatabase, freed with the array). Empty if there was
 * no swap, or cch_data does not exist. */
GPtrArray *backup_undo_list(PgConnection *live, GError **error);

typedef struct {
  const char *dsn;
  const char *redis_url; /* to notify a running hub afterwards; NULL: none */
  const char *name;      /* of the kept database; NULL: the newest */
  const char *holder;    /* the actor, for the audit log */
  const char *client_ip; /* for the audit log; may be NULL */
  guint keep_s;          /* how long the replaced database is kept; 0: dropped at once */
  guint lock_wait_s;     /* for other sessions to end */
  Language language;     /* of the messages in events */
} BackupUndoOptions;

/* Swaps back on this thread and reports through `func`; the last event is COMPLETE or ERROR. UNDO_NOTHING if no
 * database is kept (under that name). A failure leaves the live database as it was. (If the swap failed, the kept
 * database has the audit row already. After a later undo brings it back, its audit log shows both attempts.) */
gboolean backup_undo_run(const BackupUndoOptions *options, BackupLock *lock, BackupEventFunc func, gpointer user_data,
                         GCancellable *cancellable, GError **error);

/* Drops a kept database now (`options->name`; NULL: the newest), under the lock, and writes the audit row. The live
 * one is not touched. */
gboolean backup_undo_discard(const BackupUndoOptions *options, BackupLock *lock, GCancellable *cancellable,
                             GError **error);
