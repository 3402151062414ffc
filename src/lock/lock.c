#include "lock/lock.h"

#include "base/error.h"
#include "base/wait.h"
#include "lock/advisory_lock.h"
#include "lock/holder.h"
#include "lock/keeper.h"
#include "lock/memory_lock.h"
#include "lock/redis_lock.h"

enum {
  ADVISORY_CHECK_INTERVAL_MS = 1000,
  REDIS_AWAY_INTERVAL_MS = 1000,
  REDIS_CHECKS_PER_TTL = 3,
  VERIFY_TIMEOUT_MS = 10000,
  RETRY_INTERVAL_MS = 1000,
  ORPHAN_PAUSE_MS = 1000,
  ADVISORY_STOP_TIMEOUT_MS = 2000,
  REDIS_STOP_TIMEOUT_MS = 3000
};

struct BackupLock {
  Keeper *redis;     /* NULL: not configured */
  Keeper *advisory;  /* NULL: released */
  char *away_reason; /* why Redis was unavailable when the lock was taken; NULL: it was available, or none is configured
                      */
  int backend_pid;
  /* To take the advisory lock again. */
  char *dsn, *operation, *holder;
  GCancellable *lost; /* may be NULL */
};

/* The locks that acquire holds before the keepers take over. */
typedef struct {
  AdvisoryLock *advisory;
  RedisLock *redis;       /* NULL: not configured */
  gboolean is_redis_held; /* otherwise Redis is unavailable */
  char *away_reason;      /* why it is unavailable */
} Catch;

static KeeperVerdict
check_redis(gpointer resource)
{
  g_autofree char *other = NULL;
  /* The advisory lock is held, too, so a value that we wrote for the same database belongs to a dead process. */
  if (!redis_lock_hold_or_inherit(resource, &other, NULL))
    return KEEPER_AWAY;
  return other == NULL ? KEEPER_HELD : KEEPER_LOST;
}

static void
give_back_redis(gpointer resource)
{
  redis_lock_release(resource, NULL); /* if Redis is unavailable, the key expires */
}

static void
free_redis(gpointer resource)
{
  redis_lock_free(resource);
}

static KeeperVerdict
check_advisory(gpointer resource)
{
  return advisory_lock_is_held(resource) ? KEEPER_HELD : KEEPER_LOST;
}

static void
give_back_advisory(gpointer resource)
{
  advisory_lock_release(resource);
}

static void
free_advisory(gpointer resource)
{
  advisory_lock_free(resource);
}

static const KeeperActions redis_actions = {check_redis, give_back_redis, free_redis};
static const KeeperActions advisory_actions = {check_advisory, give_back_advisory, free_advisory};

static void
set_held_error(const BackupLockHolder *holder, GError **error)
{
  error_set(error, CCH_ERROR_LOCK_HELD, "%s by %s since %s",
            holder->operation != NULL ? holder->operation : "another operation",
            holder->holder != NULL ? holder->holder : "an unknown holder",
            holder->since != NULL ? holder->since : "an unknown time");
}

/* Refuses, naming the holder. */
static gboolean
refuse(BackupLockHolder *holder, BackupLockHolder *ret_holder, GError **error)
{
  set_held_error(holder, error);
  if (ret_holder != NULL) {
    *ret_holder = *holder;
    *holder = (BackupLockHolder){0};
  }
  return FALSE;
}

static gboolean
refuse_by_value(const char *value, BackupLockHolder *ret_holder, GError **error)
{
  g_auto(BackupLockHolder) holder = {0};
  lock_value_read(value, &holder);
  return refuse(&holder, ret_holder, error);
}

/* Whether a value for another database on the same server belongs to a dead process: after a crash directly after a
 * swap, the key names the previous live database. Checks twice, because a process that is about to have both key and
 * lock, or has released the lock for the swap, is without the lock only for a moment. */
static gboolean
is_orphan(AdvisoryLock *advisory, const char *value)
{
  if (!advisory_lock_is_orphan(advisory, value))
    return FALSE;
  g_usleep(ORPHAN_PAUSE_MS * 1000);
  return advisory_lock_is_orphan(advisory, value);
}

/* After a failure of Redis: TRUE if it is unavailable, for which the other two locks make up. A Redis that refuses
 * may give its lock to the hub next. */
static gboolean
is_away(Catch *caught, GError **failure, GError **error)
{
  if (error_code(*failure) == CCH_ERROR_REDIS_UNAVAILABLE) {
    g_free(caught->away_reason);
    caught->away_reason = g_strdup((*failure)->message);
    return TRUE;
  }
  g_propagate_error(error, g_steal_pointer(failure));
  return FALSE;
}

/* Takes the Redis lock first: FALSE if another holder is certain, or Redis refuses. `ret_heir_of` is set if the key
 * belongs to a process of ours on the same database; the advisory lock shows whether that process is alive. */
static gboolean
catch_redis(Catch *caught, char **ret_heir_of, BackupLockHolder *ret_holder, GError **error)
{
  g_autofree char *other = NULL;
  g_autoptr(GError) redis_error = NULL;
  if (!redis_lock_hold(caught->redis, NULL, &other, &redis_error))
    return is_away(caught, &redis_error, error);
  if (other != NULL && !redis_lock_may_inherit(caught->redis, other)) {
    g_autofree char *dead = g_steal_pointer(&other);
    if (!is_orphan(caught->advisory, dead))
      return refuse_by_value(dead, ret_holder, error);
    if (!redis_lock_hold(caught->redis, dead, &other, &redis_error))
      return is_away(caught, &redis_error, error);
    if (other != NULL && !redis_lock_may_inherit(caught->redis, other))
      return refuse_by_value(other, ret_holder, error);
  }
  caught->is_redis_held = other == NULL;
  *ret_heir_of = g_steal_pointer(&other);
  return TRUE;
}

/* `heir_of` is catch_redis's result. */
static gboolean
catch_advisory(Catch *caught, const char *heir_of, BackupLockHolder *ret_holder, GError **error)
{
  g_auto(BackupLockHolder) holder = {0};
  gboolean is_taken = FALSE;
  if (!advisory_lock_take(caught->advisory, &is_taken, &holder, error))
    return FALSE;
  if (!is_taken)
    return heir_of != NULL ? refuse_by_value(heir_of, ret_holder, error) : refuse(&holder, ret_holder, error);
  if (heir_of == NULL)
    return TRUE;
  g_autofree char *other = NULL;
  g_autoptr(GError) redis_error = NULL;
  if (!redis_lock_hold_or_inherit(caught->redis, &other, &redis_error))
    return is_away(caught, &redis_error, error);
  if (other != NULL)
    return refuse_by_value(other, ret_holder, error);
  caught->is_redis_held = TRUE;
  return TRUE;
}

static gboolean
catch_all(Catch *caught, const BackupLockOptions *options, const char *operation, const char *holder,
          GCancellable *lost, BackupLockHolder *ret_holder, GError **error)
{
  caught->advisory = advisory_lock_open(options->dsn, operation, holder, lost, error);
  if (caught->advisory == NULL)
    return FALSE;
  g_autofree char *heir_of = NULL;
  if (options->redis_url != NULL) {
    const char *database = advisory_lock_database(caught->advisory);
    g_autofree char *value = lock_value_new(operation, holder, database);
    caught->redis = redis_lock_new(options->redis_url, value, database, options->ttl_ms);
    if (!catch_redis(caught, &heir_of, ret_holder, error))
      return FALSE;
  }
  return catch_advisory(caught, heir_of, ret_holder, error);
}

static void
let_go(Catch *caught)
{
  if (caught->advisory != NULL)
    advisory_lock_release(caught->advisory);
  g_clear_pointer(&caught->advisory, advisory_lock_free);
  if (caught->is_redis_held)
    redis_lock_release(caught->redis, NULL);
  g_clear_pointer(&caught->redis, redis_lock_free);
}

static Keeper *
keep_advisory(Catch *caught, GCancellable *lost, GError **error)
{
  KeeperOptions options = {.actions = &advisory_actions,
                           .resource = caught->advisory,
                           .watch_fd = advisory_lock_socket(caught->advisory),
                           .interval_ms = ADVISORY_CHECK_INTERVAL_MS,
                           .verdict = KEEPER_HELD,
                           .lost = lost};
  Keeper *keeper = keeper_start(&options, error);
  if (keeper != NULL)
    caught->advisory = NULL;
  return keeper;
}

static Keeper *
keep_redis(Catch *caught, guint ttl_ms, GCancellable *lost, GError **error)
{
  KeeperOptions options = {.actions = &redis_actions,
                           .resource = caught->redis,
                           .watch_fd = -1,
                           .interval_ms = MAX(ttl_ms / REDIS_CHECKS_PER_TTL, 1),
                           .away_interval_ms = REDIS_AWAY_INTERVAL_MS,
                           .verdict = caught->is_redis_held ? KEEPER_HELD : KEEPER_AWAY,
                           .lost = lost};
  Keeper *keeper = keeper_start(&options, error);
  if (keeper != NULL)
    caught->redis = NULL;
  return keeper;
}

static gboolean
start_advisory(BackupLock *lock, Catch *caught, GError **error)
{
  int backend_pid = advisory_lock_backend_pid(caught->advisory);
  lock->advisory = keep_advisory(caught, lock->lost, error);
  if (lock->advisory == NULL)
    return FALSE;
  lock->backend_pid = backend_pid;
  return TRUE;
}

static BackupLock *
lock_new(const BackupLockOptions *options, const char *operation, const char *holder, GCancellable *lost)
{
  BackupLock *lock = g_new0(BackupLock, 1);
  lock->dsn = g_strdup(options->dsn);
  lock->operation = g_strdup(operation);
  lock->holder = g_strdup(holder);
  if (lost != NULL)
    lock->lost = g_object_ref(lost);
  return lock;
}

static BackupLock *
try_acquire(const BackupLockOptions *options, const char *operation, const char *holder, GCancellable *lost,
            BackupLockHolder *ret_holder, GError **error)
{
  g_auto(BackupLockHolder) other = {0};
  if (!memory_lock_take(operation, holder, &other)) {
    refuse(&other, ret_holder, error);
    return NULL;
  }
  BackupLock *lock = lock_new(options, operation, holder, lost);
  Catch caught = {0};
  gboolean ok = catch_all(&caught, options, operation, holder, lost, ret_holder, error) &&
                start_advisory(lock, &caught, error) &&
                (caught.redis == NULL || (lock->redis = keep_redis(&caught, options->ttl_ms, lost, error)) != NULL);
  lock->away_reason = g_steal_pointer(&caught.away_reason);
  if (ok)
    return lock;
  let_go(&caught);
  backup_lock_release(lock);
  return NULL;
}

BackupLock *
backup_lock_acquire(const BackupLockOptions *options, const char *operation, const char *holder, GCancellable *lost,
                    BackupLockHolder *ret_holder, GError **error)
{
  gint64 give_up_us = g_get_monotonic_time() + (gint64)options->wait.seconds * G_USEC_PER_SEC;
  for (gboolean is_waiting = FALSE;; is_waiting = TRUE) {
    g_auto(BackupLockHolder) other = {0};
    g_autoptr(GError) failure = NULL;
    BackupLock *lock = try_acquire(options, operation, holder, lost, &other, &failure);
    if (lock != NULL)
      return lock;
    if (error_code(failure) != CCH_ERROR_LOCK_HELD || g_get_monotonic_time() >= give_up_us) {
      if (ret_holder != NULL && error_code(failure) == CCH_ERROR_LOCK_HELD) {
        *ret_holder = other;
        other = (BackupLockHolder){0};
      }
      g_propagate_error(error, g_steal_pointer(&failure));
      return NULL;
    }
    if (!is_waiting && options->wait.begin != NULL)
      options->wait.begin(&other, options->wait.data);
    if (!sleep_ms(RETRY_INTERVAL_MS, lost, error))
      return NULL;
  }
}

gboolean
backup_lock_verify(BackupLock *lock, GError **error)
{
  if (lock->advisory == NULL || keeper_ask(lock->advisory, VERIFY_TIMEOUT_MS) != KEEPER_HELD) {
    error_set(error, CCH_ERROR_LOCK_LOST, "the advisory lock in the database is gone, or cannot be confirmed");
    return FALSE;
  }
  if (lock->redis != NULL && keeper_ask(lock->redis, VERIFY_TIMEOUT_MS) == KEEPER_LOST) {
    error_set(error, CCH_ERROR_LOCK_LOST, "another program has taken the Redis lock");
    return FALSE;
  }
  return TRUE;
}

gboolean
backup_lock_is_lost(BackupLock *lock)
{
  return (lock->advisory != NULL && keeper_is_lost(lock->advisory)) ||
         (lock->redis != NULL && keeper_is_lost(lock->redis));
}

void
backup_lock_let_go(BackupLock *lock)
{
  keeper_stop(g_steal_pointer(&lock->advisory), ADVISORY_STOP_TIMEOUT_MS);
  lock->backend_pid = 0;
}

gboolean
backup_lock_take_again(BackupLock *lock, GError **error)
{
  Catch caught = {.advisory = advisory_lock_open(lock->dsn, lock->operation, lock->holder, NULL, error)};
  if (caught.advisory == NULL)
    return FALSE;
  g_auto(BackupLockHolder) other = {0};
  gboolean is_taken = FALSE;
  gboolean ok = advisory_lock_take(caught.advisory, &is_taken, &other, error) &&
                (is_taken || refuse(&other, NULL, error)) && start_advisory(lock, &caught, error);
  if (!ok)
    let_go(&caught);
  return ok;
}

const char *
backup_lock_without_redis(const BackupLock *lock)
{
  return lock->away_reason;
}

int
backup_lock_backend_pid(const BackupLock *lock)
{
  return lock->backend_pid;
}

void
backup_lock_release(BackupLock *lock)
{
  if (lock == NULL)
    return;
  /* In this order: a process that finds our Redis key while it has the advisory lock knows that it may replace the
   * key. */
  keeper_stop(lock->advisory, ADVISORY_STOP_TIMEOUT_MS);
  keeper_stop(lock->redis, REDIS_STOP_TIMEOUT_MS);
  memory_lock_release();
  g_clear_object(&lock->lost);
  g_free(lock->away_reason);
  g_free(lock->dsn);
  g_free(lock->operation);
  g_free(lock->holder);
  g_free(lock);
}

/* Whether Redis names a holder, and whether the advisory lock can show that the holder is alive. */
static void
inspect_redis(const char *redis_url, char **ret_value)
{
  if (redis_url != NULL)
    redis_lock_read(redis_url, ret_value, NULL); /* if it is unavailable, no holder is known */
}

gboolean
backup_lock_inspect(PgConnection *connection, const char *redis_url, BackupLockHolder *ret_holder, GError **error)
{
  BackupLockHolder found = {0};
  if (memory_lock_inspect(&found)) {
    *ret_holder = found;
    return TRUE;
  }
  g_autofree char *value = NULL;
  inspect_redis(redis_url, &value);
  g_auto(BackupLockHolder) in_database = {0};
  gboolean is_orphan_value = FALSE;
  g_autoptr(GError) database_error = NULL;
  gboolean is_asked = advisory_lock_inspect(connection, value, &in_database, &is_orphan_value, &database_error);
  if (value != NULL && !is_orphan_value) {
    lock_value_read(value, &found);
    *ret_holder = found;
    return TRUE;
  }
  if (!is_asked) {
    g_propagate_error(error, g_steal_pointer(&database_error));
    return FALSE;
  }
  *ret_holder = in_database;
  in_database = (BackupLockHolder){0};
  return TRUE;
}
