/* The lock in the target database: a session-level advisory lock on a connection of its own, which is otherwise idle
 * and never in a transaction. The connection's name says who holds it (lock/holder.h). Not thread-safe: one thread at a
 * time. */
#pragma once

#include "lock/lock.h"

/* pg_advisory_lock's bigint: "cch_lock" in ASCII. pg_locks shows it as classid (the high half) and objid (the low
 * half). */
#define ADVISORY_LOCK_KEY 0x6363685f6c6f636b

typedef struct AdvisoryLock AdvisoryLock;

/* Connects; takes nothing yet. `cancellable` is heeded up to advisory_lock_take's end, not later. */
AdvisoryLock *advisory_lock_open(const char *dsn, const char *operation, const char *holder, GCancellable *cancellable,
                                 GError **error);

/* Closes the connection, which frees the lock. */
void advisory_lock_free(AdvisoryLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AdvisoryLock, advisory_lock_free)

/* Which database it is, the same for all who reach it by whatever name: "<system identifier>/<database's OID>". NULL
 * when the server does not tell. */
const char *advisory_lock_database(const AdvisoryLock *lock);

/* Tries once; `ret_taken` tells. When it is held, `ret_holder` says by whom. */
gboolean advisory_lock_take(AdvisoryLock *lock, gboolean *ret_taken, BackupLockHolder *ret_holder, GError **error);

/* Asks the server whether this connection still holds it. */
gboolean advisory_lock_is_held(AdvisoryLock *lock);

/* The backend of its connection, as pg_stat_activity names it. */
int advisory_lock_backend_pid(const AdvisoryLock *lock);

/* For poll(2): readable when the server ended the connection. */
int advisory_lock_socket(const AdvisoryLock *lock);

/* Frees the lock and waits until the server has (closing alone would let it linger a moment). */
void advisory_lock_release(AdvisoryLock *lock);

/* TRUE when nobody holds the lock of the database for which this value of the Redis key was written: one of the same
 * server. FALSE also when that cannot be known. */
gboolean advisory_lock_is_orphan(AdvisoryLock *lock, const char *value);

/* Who holds it, without trying; `ret_is_orphan` as advisory_lock_is_orphan of `value` (NULL: FALSE). */
gboolean advisory_lock_inspect(const char *dsn, const char *value, BackupLockHolder *ret_holder,
                               gboolean *ret_is_orphan, GError **error);
