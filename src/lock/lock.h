/* One backup operation at a time: across threads, processes and instances.
 *
 * Three locks are taken, and all must be had: a memory lock in this process; the Redis lock (key database:backup:lock,
 * the reference's, SET NX PX by Lua, released by compare and delete) when Redis is configured and there; a session
 * advisory lock in the target database, so that instances without Redis exclude each other too. Threads of the lock's
 * own renew the Redis lock every third of its life and watch the advisory lock's connection; on losing either they
 * trigger `lost`. Nobody else writes these locks.
 *
 * A Redis that refuses (redis.h) is not away: without its lock the hub could begin an operation of its own, so nothing
 * is begun here.
 *
 * Redis away, at first or later, is no loss: the other two hold on, and the Redis lock is taken (again) when Redis is
 * back. Only when another program has it by then is the lock lost. A Redis key that a dead process of ours left behind
 * is recognised, because its owner no longer holds the advisory lock of the database that it names, and taken over at
 * once; of another database of the same server (say of the one that was live before a swap) after a second's look.
 *
 * A Redis that hangs delays acquire and release by no more than about 4 s each. */
#pragma once

#include <gio/gio.h>

typedef struct BackupLock BackupLock;

/* Who holds the lock, as far as can be known. */
typedef struct {
  gboolean is_held;
  char *operation; /* "export", "import"; NULL: unknown (another program's lock) */
  char *holder;    /* "Admin Token @ 10.0.0.7"; NULL: unknown */
  char *since;     /* UTC, "2026-01-29T10:30:00Z"; NULL: unknown */
} BackupLockHolder;

void backup_lock_holder_clear(BackupLockHolder *holder);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BackupLockHolder, backup_lock_holder_clear)

/* How long to try for while another operation holds the lock. */
typedef struct {
  guint seconds;                                                /* 0: not at all */
  void (*begin)(const BackupLockHolder *holder, gpointer data); /* once, when waiting begins; may be NULL */
  gpointer data;
} BackupLockWait;

typedef struct {
  const char *dsn;       /* target database */
  const char *redis_url; /* NULL: none configured */
  guint ttl_ms;          /* of the Redis lock; 300000 by the specification */
  BackupLockWait wait;
} BackupLockOptions;

/* Takes the lock, or fails, at once unless options->wait says otherwise: LOCK_HELD (`ret_holder`, may be NULL, then
 * says who), DATABASE_* when the target
 * cannot be reached, CONFIG on a wrong Redis URL, REDIS_REFUSED, CANCELLED when `lost` is triggered meanwhile. `lost`
 * is cancelled when the lock is lost later; the operation uses it as its own GCancellable. `ret_holder` is to be
 * cleared by the caller, and is touched only by LOCK_HELD. */
BackupLock *backup_lock_acquire(const BackupLockOptions *options, const char *operation, const char *holder,
                                GCancellable *lost, BackupLockHolder *ret_holder, GError **error);

/* Why Redis's lock was not taken, for people, or NULL when it was, or no Redis is configured: the hub may not know of
 * this operation then. Owned by the lock. */
const char *backup_lock_without_redis(const BackupLock *lock);

/* Asks both locks now (not the last answer): FALSE with LOCK_LOST when either is gone, or the database does not answer.
 * Call right before a commit. */
gboolean backup_lock_verify(BackupLock *lock, GError **error);

/* TRUE when `lost` was triggered by this lock. */
gboolean backup_lock_is_lost(BackupLock *lock);

/* For an operation that renames the target database, which nobody may be connected to meanwhile, not even the advisory
 * lock. Let go while nobody else can connect to the database either (a RENAME that waits holds its lock): then there is
 * no moment in which another operation could begin. After that take again in what now has the database's name:
 * LOCK_HELD when somebody was quicker. In between verify refuses, and the memory and Redis locks hold on; the latter
 * still says for which database it was taken. */
void backup_lock_let_go(BackupLock *lock);
gboolean backup_lock_take_again(BackupLock *lock, GError **error);

/* The backend that holds the advisory lock, as pg_stat_activity names it; 0 while it is let go. */
int backup_lock_backend_pid(const BackupLock *lock);

/* Releases; NULL is ignored. Call only after the operation has ended and rolled back or committed. */
void backup_lock_release(BackupLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BackupLock, backup_lock_release)

/* Whether a backup operation runs now and whose, for the status. Takes nothing. An error only when nobody is known to
 * hold it and the database cannot be asked. */
gboolean backup_lock_inspect(const BackupLockOptions *options, BackupLockHolder *ret_holder, GError **error);
