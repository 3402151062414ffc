/* The swap: one transaction that gives the live database another name and the incoming one the live name.
 *
 * RENAME locks the database so that nobody new can connect, and waits up to 5 s for the sessions that are in it to go;
 * meanwhile a second connection ends them, so that a client who reconnects at once cannot starve us. When nobody but
 * our own lock's session is left, the lock is asked a last time and let go: no other operation can begin, because
 * nobody can connect. After the commit it is taken again in the new live database. Nothing of this outlives a crash: it
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
  const char *outgoing; /* the name that the live one gets */
  const char *outgoing_comment;
  guint wait_s; /* for other sessions to end, in all */
} SwapOptions;

/* Nobody of this process may be connected to either database, but for the lock. TRUE when it is done. IMPORT_SESSIONS
 * when others stay whom this role may not end; IMPORT_OUTCOME_UNKNOWN when the connection broke in the commit and the
 * server does not answer. After a failure the lock is held again in the live database, or the error is LOCK_LOST. */
gboolean backup_swap(const SwapOptions *options, BackupLock *lock, BackupProgress *progress, GCancellable *cancellable,
                     GError **error);
