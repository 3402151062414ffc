/* The lock in Redis: a key whose value is its holder's. Each call opens a connection of its own, because calls are
 * minutes apart and Redis may have been restarted meanwhile. Thread-safe: an object is constant. */
#pragma once

#include <glib.h>

#define REDIS_LOCK_KEY        "database:backup:lock"      /* the hub's */
#define REDIS_PRICES_LOCK_KEY "cch-data:prices:sync:lock" /* of those who sync the price table */

typedef struct RedisLock RedisLock;

/* `value` is of lock_value_new; `database` as there. Takes nothing yet. */
RedisLock *redis_lock_new(const char *url, const char *value, const char *database, guint ttl_ms);
/* The same for another key than REDIS_LOCK_KEY; a constant. */
RedisLock *redis_lock_new_for(const char *key, const char *url, const char *value, const char *database, guint ttl_ms);
void redis_lock_free(RedisLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RedisLock, redis_lock_free)

/* Takes the free lock, renews it when it is ours, or, when its value is `dead_value` (NULL: none), replaces that; all
 * atomically. `ret_other` is then NULL; when it is another's, that one's value, to be freed with g_free. */
gboolean redis_lock_hold(const RedisLock *lock, const char *dead_value, char **ret_other, GError **error);

/* As redis_lock_hold for the one who has the database's advisory lock: a value of ours for the same database is then a
 * dead process's, and is replaced. */
gboolean redis_lock_hold_or_inherit(const RedisLock *lock, char **ret_other, GError **error);

/* TRUE when the value is one that redis_lock_hold_or_inherit would replace. */
gboolean redis_lock_may_inherit(const RedisLock *lock, const char *value);

/* Deletes the key if it is ours; never another's. */
gboolean redis_lock_release(const RedisLock *lock, GError **error);

/* The key's value, NULL when nobody holds it. */
gboolean redis_lock_read(const char *url, char **ret_value, GError **error);

/* Whether the lock could be taken now, without taking it: REDIS_UNAVAILABLE or REDIS_REFUSED tell why not. A lock that
 * somebody else holds is not a failure. */
gboolean redis_lock_probe(const char *url, GError **error);
