/* The lock in Redis: a key whose value names its holder. Each call opens its own connection, because calls are
 * minutes apart and Redis may have been restarted meanwhile. Thread-safe: an object is constant. */
#pragma once

#include <glib.h>

#define REDIS_LOCK_KEY        "database:backup:lock"      /* the hub's */
#define REDIS_PRICES_LOCK_KEY "cch-data:prices:sync:lock" /* for syncs of the price table */

typedef struct RedisLock RedisLock;

/* Does not take the lock. `value` is from lock_value_new, and `database` is the one given to it. `ttl_ms`: the key's
 * time to live in milliseconds. */
RedisLock *redis_lock_new(const char *url, const char *value, const char *database, guint ttl_ms);
/* The same for another key than REDIS_LOCK_KEY. */
RedisLock *redis_lock_new_for(const char *key, const char *url, const char *value, const char *database, guint ttl_ms);
void redis_lock_free(RedisLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RedisLock, redis_lock_free)

/* Takes the lock if it is free, renews it if it is ours, or replaces it if its value is `dead_value` (NULL: none);
 * all atomically. `ret_other` is then NULL; otherwise the value of the other holder, free with g_free. */
gboolean redis_lock_hold(const RedisLock *lock, const char *dead_value, char **ret_other, GError **error);

/* redis_lock_hold for the holder of the database's advisory lock: a value that we wrote for the same database
 * belongs to a dead process, and is replaced. */
gboolean redis_lock_hold_or_inherit(const RedisLock *lock, char **ret_other, GError **error);

/* TRUE if redis_lock_hold_or_inherit would replace the value. */
gboolean redis_lock_may_inherit(const RedisLock *lock, const char *value);

/* Deletes the key if it is ours; never another holder's. */
gboolean redis_lock_release(const RedisLock *lock, GError **error);

/* The key's value, NULL if nobody holds it. */
gboolean redis_lock_read(const char *url, char **ret_value, GError **error);

/* Whether the lock could be taken now, without taking it: REDIS_UNAVAILABLE or REDIS_REFUSED give the reason. A lock
 * held by somebody else is not a failure. */
gboolean redis_lock_probe(const char *url, GError **error);
