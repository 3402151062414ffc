#include "prices/sync/sync_lock.h"

#include "base/error.h"
#include "base/wait.h"
#include "lock/holder.h"
#include "lock/redis_lock.h"
#include "lock_sql.h"

/* pg_try_advisory_lock's bigint: "cch_psyn" in ASCII. */
#define SYNC_LOCK_KEY "7161682591567018350"

enum {
  RETRY_MS = 200,
  /* Longer than any sync: the download's rounds and the transaction's waits are bounded. A key left by a dead
   * process is taken over at once by the holder of the advisory lock. */
  REDIS_TTL_MS = 30 * 60 * 1000
};

struct SyncLock {
  PgConnection *connection;
  RedisLock *redis; /* NULL: none, or unavailable */
};

static gboolean
try_database(PgConnection *connection, gboolean *ret_taken, GError **error)
{
  g_autofree char *taken = NULL;
  if (!pg_connection_value(connection, &taken, error, "SELECT pg_catalog.pg_try_advisory_lock(" SYNC_LOCK_KEY ")", 0))
    return FALSE;
  *ret_taken = g_strcmp0(taken, "t") == 0;
  return TRUE;
}

static void
give_back_database(PgConnection *connection)
{
  pg_connection_set_cancellable(connection, NULL);
  pg_connection_exec(connection, "SELECT pg_catalog.pg_advisory_unlock(" SYNC_LOCK_KEY ")", NULL);
}

/* Called with the database's lock: `ret_taken` is FALSE if the sync of another database has the key. */
static gboolean
try_redis(SyncLock *lock, gboolean *ret_taken, GError **error)
{
  *ret_taken = TRUE;
  if (lock->redis == NULL)
    return TRUE;
  g_autofree char *other = NULL;
  g_autoptr(GError) failure = NULL;
  if (redis_lock_hold_or_inherit(lock->redis, &other, &failure)) {
    *ret_taken = other == NULL;
    return TRUE;
  }
  if (error_code(failure) != CCH_ERROR_REDIS_UNAVAILABLE) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  g_clear_pointer(&lock->redis, redis_lock_free); /* unavailable */
  return TRUE;
}

static gboolean
try_both(SyncLock *lock, gboolean *ret_taken, GError **error)
{
  if (!try_database(lock->connection, ret_taken, error))
    return FALSE;
  if (!*ret_taken)
    return TRUE;
  gboolean is_asked = try_redis(lock, ret_taken, error);
  if (!is_asked || !*ret_taken)
    give_back_database(lock->connection);
  return is_asked;
}

static void
lock_free(SyncLock *lock)
{
  redis_lock_free(lock->redis);
  g_free(lock);
}

SyncLock *
sync_lock_take(PgConnection *connection, const char *redis_url, const char *holder, guint wait_ms,
               GCancellable *cancellable, GError **error)
{
  g_autofree char *database = NULL;
  if (!pg_connection_value(connection, &database, error, lock_database_identity_sql, 0))
    return NULL;
  SyncLock *lock = g_new0(SyncLock, 1);
  lock->connection = connection;
  g_autofree char *value = lock_value_new("prices sync", holder, database);
  if (redis_url != NULL)
    lock->redis = redis_lock_new_for(REDIS_PRICES_LOCK_KEY, redis_url, value, database, REDIS_TTL_MS);
  gint64 deadline_us = g_get_monotonic_time() + (gint64)wait_ms * 1000;
  gboolean is_taken = FALSE;
  for (;;) {
    if (!try_both(lock, &is_taken, error))
      break;
    if (is_taken)
      return lock;
    if (g_get_monotonic_time() >= deadline_us) {
      error_set(error, CCH_ERROR_PRICES_SYNC_RUNNING, "another sync is running");
      break;
    }
    if (!sleep_ms(RETRY_MS, cancellable, error))
      break;
  }
  lock_free(lock);
  return NULL;
}

void
sync_lock_release(SyncLock *lock)
{
  if (lock == NULL)
    return;
  /* In this order: an instance that finds our Redis key while it has the advisory lock knows that it may replace the
   * key. */
  give_back_database(lock->connection);
  if (lock->redis != NULL)
    redis_lock_release(lock->redis, NULL);
  lock_free(lock);
}
