/* The lock in the target database: a session-level advisory lock on its own connection, which is otherwise idle and
 * never in a transaction. The connection's name says who holds the lock (lock/holder.h). Not thread-safe: one thread
 * at a time. */
#pragma once

#include "lock/lock.h"

/* pg_advisory_lock's bigint: "cch_lock" in ASCII. pg_locks shows it as classid (the high half) and objid (the low
 * half). */
#define ADVISORY_LOCK_KEY 0x6363685f6c6f636b

typedef struct AdvisoryLock AdvisoryLock;

/* Connects without taking the lock. `cancellable` is used until the end of advisory_lock_take. */
AdvisoryLock *advisory_lock_open(const char *dsn, const char *operation, const char *holder, GCancellable *cancellable,
                                 GError **error);

/* Closes the connection, which releases the lock. */
void advisory_lock_free(AdvisoryLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AdvisoryLock, advisory_lock_free)

/* The identity of the database, regardless of the name by which it is reached: "<system identifier>/<database's
 * OID>". NULL if the server does not reveal it. */
const char *advisory_lock_database(const AdvisoryLock *lock);

/* Tries once; `ret_taken` says whether it succeeded. If not, `ret_holder` is the holder. */
gboolean advisory_lock_take(AdvisoryLock *lock, gboolean *ret_taken, BackupLockHolder *ret_holder, GError **error);

/* Asks the server whether this connection still holds the lock. */
gboolean advisory_lock_is_held(AdvisoryLock *lock);

/* The PID of its backend in pg_stat_activity. */
int advisory_lock_backend_pid(const AdvisoryLock *lock);

/* For poll(2): readable when the server has ended the connection. */
int advisory_lock_socket(const AdvisoryLock *lock);

/* Releases the lock and waits for the server to do so (closing alone would leave it for a moment). */
void advisory_lock_release(AdvisoryLock *lock);

/* TRUE if nobody holds the lock of the database in this value of the Redis key, which is on the same server. FALSE
 * also if that cannot be determined. */
gboolean advisory_lock_is_orphan(AdvisoryLock *lock, const char *value);

/* The holder of the lock of the connection's database, without an attempt to take it; `ret_is_orphan` is
 * advisory_lock_is_orphan of `value` (NULL: FALSE). DATABASE_UNAVAILABLE if `connection` is NULL. */
gboolean advisory_lock_inspect(PgConnection *connection, const char *value, BackupLockHolder *ret_holder,
                               gboolean *ret_is_orphan, GError **error);
