/* One backup operation at a time: across threads, processes and instances.
 *
 * Three locks are taken, in this order, and all must be had: a memory lock in this process; the Redis lock
 * (key database:backup:lock, the reference's, SET NX PX by Lua, released by compare and delete) when Redis is configured
 * and reachable; a session advisory lock in the target database, so that instances without Redis exclude each other too.
 * A thread of the lock's own renews the Redis lock every third of its life and probes the advisory lock's connection; on
 * losing either it triggers `lost`. Nobody else writes these locks. */
#pragma once

#include <gio/gio.h>

typedef struct BackupLock BackupLock;

typedef struct {
  const char *dsn;         /* target database */
  const char *redis_url;   /* NULL: none configured */
  guint ttl_ms;            /* of the Redis lock; 300000 by the specification */
} BackupLockOptions;

/* Who holds the lock, as far as can be known. */
typedef struct {
  gboolean is_held;
  char *operation; /* "export", "import"; NULL: unknown (another program's lock) */
  char *holder;    /* "Admin Token @ 10.0.0.7"; NULL: unknown */
  char *since;     /* UTC, "2026-01-29T10:30:00Z"; NULL: unknown */
} BackupLockHolder;

void backup_lock_holder_clear(BackupLockHolder *holder);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BackupLockHolder, backup_lock_holder_clear)

/* Takes the lock or fails at once: LOCK_HELD (`ret_holder`, may be NULL, then says who), DATABASE_* when the target cannot
 * be reached. `lost` is cancelled when the lock is lost later; the operation uses it as its own GCancellable. */
BackupLock *backup_lock_acquire(const BackupLockOptions *options, const char *operation, const char *holder,
                                GCancellable *lost, BackupLockHolder *ret_holder, GError **error);

/* Asks both locks now (not the last answer): FALSE with LOCK_LOST when either is gone. Call right before a commit. */
gboolean backup_lock_verify(BackupLock *lock, GError **error);

/* TRUE when `lost` was triggered by this lock. */
gboolean backup_lock_is_lost(BackupLock *lock);

/* Releases; NULL is ignored. Call only after the operation has ended and rolled back or committed. */
void backup_lock_release(BackupLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BackupLock, backup_lock_release)

/* Whether a backup operation runs now and whose, for the status. Takes nothing. */
gboolean backup_lock_inspect(const BackupLockOptions *options, BackupLockHolder *ret_holder, GError **error);
