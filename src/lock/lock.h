/* Allows one backup operation at a time, across threads, processes and instances.
 *
 * All of three locks are needed: a memory lock in this process; the Redis lock (key database:backup:lock, the
 * reference's, SET NX PX by Lua, released by compare and delete) if Redis is configured and available; a session
 * advisory lock in the target database, so that instances without Redis exclude each other, too. The lock's own threads
 * renew the Redis lock every third of its life and watch the advisory lock's connection. If either is lost they trigger
 * `lost`. Nobody else writes these locks.
 *
 * A Redis that refuses (redis.h) is not unavailable: without its lock the hub could begin its own operation, so no
 * operation begins here.
 *
 * An unavailable Redis, at first or later, is no loss: the other two locks are held, and the Redis lock is taken
 * (again) when Redis is back. The lock is lost only if another program has it by then. The Redis key of a dead process
 * of ours is recognised, because its owner no longer holds the advisory lock of the database in the key. It is taken
 * over at once; for another database on the same server (such as the previous live one after a swap), after a second
 * check a moment later.
 *
 * A Redis that hangs delays acquire and release by at most about 4 s each. */
#pragma once

#include "pg/connection/connection.h"

#include <gio/gio.h>

typedef struct BackupLock BackupLock;

/* The holder of the lock, as far as known. */
typedef struct {
  gboolean is_held;
  char *operation; /* "export", "import"; NULL: unknown (another program's lock) */
  char *holder;    /* "Admin Token @ 10.0.0.7"; NULL: unknown */
  char *since;     /* UTC, "2026-01-29T10:30:00Z"; NULL: unknown */
} BackupLockHolder;

void backup_lock_holder_clear(BackupLockHolder *holder);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BackupLockHolder, backup_lock_holder_clear)

/* How long to try while another operation holds the lock. */
typedef struct {
  guint seconds;                                                /* 0: not at all */
  void (*begin)(const BackupLockHolder *holder, gpointer data); /* called once, when the wait begins; may be NULL */
  gpointer data;
} BackupLockWait;

typedef struct {
  const char *dsn;       /* target database */
  const char *redis_url; /* NULL: none configured */
  guint ttl_ms;          /* of the Redis lock; 300000 by the specification */
  BackupLockWait wait;
} BackupLockOptions;

/* Takes the lock, or fails at once unless options->wait says otherwise. Errors: LOCK_HELD (`ret_holder`, may be
 * NULL, gets the holder), DATABASE_* if the target is unreachable, CONFIG for an invalid Redis URL, REDIS_REFUSED,
 * CANCELLED if `lost` is triggered meanwhile. `lost` is cancelled when the lock is lost later; the operation uses it
 * as its own GCancellable. The caller clears `ret_holder`, which only LOCK_HELD sets. */
BackupLock *backup_lock_acquire(const BackupLockOptions *options, const char *operation, const char *holder,
                                GCancellable *lost, BackupLockHolder *ret_holder, GError **error);

/* Why the Redis lock was not taken, for people; NULL if it was taken, or no Redis is configured. The hub may not
 * know of this operation then. Owned by the lock. */
const char *backup_lock_without_redis(const BackupLock *lock);

/* Checks both locks now, without a cached answer: FALSE with LOCK_LOST if either is gone, or the database does not
 * answer. Call it directly before a commit. */
gboolean backup_lock_verify(BackupLock *lock, GError **error);

/* TRUE if this lock has triggered `lost`. */
gboolean backup_lock_is_lost(BackupLock *lock);

/* For an operation that renames the target database, which must have no connections meanwhile, not even the advisory
 * lock's. Release it only while nobody else can connect to the database either (a waiting RENAME holds its lock):
 * then no other operation can begin. Afterwards take it again in the database that now has the name: LOCK_HELD if
 * somebody was quicker. In between verify refuses, and the memory and Redis locks stay held; the Redis key still
 * names the database for which it was taken. */
void backup_lock_let_go(BackupLock *lock);
gboolean backup_lock_take_again(BackupLock *lock, GError **error);

/* The PID of the backend that holds the advisory lock; 0 while it is released. */
int backup_lock_backend_pid(const BackupLock *lock);

/* Releases the lock; NULL is ignored. Call it only after the operation has committed or rolled back. */
void backup_lock_release(BackupLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BackupLock, backup_lock_release)

/* Whether a backup operation is running, and whose, for the status. Takes no lock. Asks the connection's database
 * (NULL: it is unreachable) and Redis (NULL: none). An error only if no holder is known and the database cannot be
 * asked. */
gboolean backup_lock_inspect(PgConnection *connection, const char *redis_url, BackupLockHolder *ret_holder,
                             GError **error);
