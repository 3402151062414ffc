/* Undo of an overwriting import that was done by swap: the database from before is kept beside the live one for a while
 * (UNDO_KEEP), and can take its place again by the same two renames (backup/swap/swap.h). The one that was live until
 * then is kept in turn, so that an undo can be undone. What cch_data holds (audit log, records) moves along.
 *
 * Several can be kept, each until it expires; without a name the newest is meant. */
#pragma once

#include "backup/report/event.h"
#include "lock/lock.h"

#include <gio/gio.h>

/* A kept database. */
typedef struct {
  char *name;
  guint32 oid;
  char *made_at;      /* when it was replaced: UTC, "2026-01-29T10:30:00Z" */
  char *made_by;      /* by whom; may be NULL */
  char *reason;       /* by what: "import", "undo" */
  char *expires_at;   /* UTC */
  guint64 size_bytes; /* on disk, now */
} KeptDatabase;

/* All that are kept for the live database, newest first (KeptDatabase, freed with the array): none where there was no
 * swap, or where cch_data is not there. */
GPtrArray *backup_undo_list(const char *dsn, GError **error);

typedef struct {
  const char *dsn;
  const char *redis_url; /* to tell a running hub afterwards; NULL: none */
  const char *name;      /* of the kept database; NULL: the newest */
  const char *holder;    /* who undoes, for the audit */
  const char *client_ip; /* likewise; may be NULL */
  guint keep_s;          /* how long the one that is live now is kept; 0: it is dropped at once */
  guint lock_wait_s;     /* for other sessions to end */
  Language language;     /* of the events' messages */
} BackupUndoOptions;

/* Swaps back on this thread and reports through `func`; the last event is COMPLETE or ERROR. UNDO_NOTHING when nothing
 * is kept (under that name). Whatever fails, the live database is as it was. (The kept one, prepared for a swap that
 * then failed, has the row of the audit already: when a later undo brings it back, its audit log tells of both
 * attempts.) */
gboolean backup_undo_run(const BackupUndoOptions *options, BackupLock *lock, BackupEventFunc func, gpointer user_data,
                         GCancellable *cancellable, GError **error);

/* Drops a kept database now (`options->name`; NULL: the newest), under the lock, and writes the audit. The live one is
 * not touched. */
gboolean backup_undo_discard(const BackupUndoOptions *options, BackupLock *lock, GCancellable *cancellable,
                             GError **error);
