/* The swap: one transaction that renames the live database and gives its name to the incoming one.
 *
 * RENAME locks the database against new connections and waits up to 5 s for its sessions to end. Meanwhile a second
 * connection ends them, so that a client that reconnects at once cannot starve us. When only the session of our own
 * lock is left, the lock is checked a last time and released. No other operation can begin, because nobody can
 * connect. After the commit, the lock is taken again in the new live database. Nothing of this outlives a crash: it
 * is one transaction, and PostgreSQL decides. */
#pragma once

#include "backup/report/progress.h"
#include "lock/lock.h"
#include "pg/connection/connection.h"

typedef struct {
  const char *dsn;  /* of the live database */
  const char *live; /* its name */
  guint32 live_oid;
  const char *incoming; /* the database that becomes the live one */
  guint32 incoming_oid;
  const char *outgoing; /* the new name of the live one */
  const char *outgoing_comment;
  guint wait_s; /* total wait for other sessions to end */
} SwapOptions;

/* This process must have no connection to either database except the lock's. TRUE if the swap is done.
 * IMPORT_SESSIONS if sessions stay that this role may not end. IMPORT_OUTCOME_UNKNOWN if the connection broke during
 * the commit and the server does not answer. After a failure the lock is held again in the live database, or the
 * error is LOCK_LOST. */
gboolean backup_swap(const SwapOptions *options, BackupLock *lock, BackupProgress *progress, GCancellable *cancellable,
                     GError **error);
