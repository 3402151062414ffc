#include "lock/redis_lock.h"

#include "base/error.h"
#include "lock/holder.h"
#include "lock_sql.h"
#include "redis/redis.h"

enum { INHERIT_ATTEMPTS = 3 };

struct RedisLock {
  const char *key;
  char *url;
  char *value;
  char *database; /* NULL: unknown */
  guint ttl_ms;
};

RedisLock *
redis_lock_new(const char *url, const char *value, const char *database, guint ttl_ms)
{
  return redis_lock_new_for(REDIS_LOCK_KEY, url, value, database, ttl_ms);
}

RedisLock *
redis_lock_new_for(const char *key, const char *url, const char *value, const char *database, guint ttl_ms)
{
  RedisLock *lock = g_new0(RedisLock, 1);
  lock->key = key;
  lock->url = g_strdup(url);
  lock->value = g_strdup(value);
  lock->database = g_strdup(database);
  lock->ttl_ms = ttl_ms;
  return lock;
}

void
redis_lock_free(RedisLock *lock)
{
  if (lock == NULL)
    return;
  g_free(lock->url);
  g_free(lock->value);
  g_free(lock->database);
  g_free(lock);
}

gboolean
redis_lock_hold(const RedisLock *lock, const char *dead_value, char **ret_other, GError **error)
{
  g_autofree char *ttl = g_strdup_printf("%u", lock->ttl_ms);
  g_autoptr(RedisConnection) connection = redis_connection_open(lock->url, error);
  if (connection == NULL)
    return FALSE;
  g_autoptr(RedisReply) reply = redis_command(connection, error, 7, "EVAL", lock_hold_lua, "1", lock->key, lock->value,
                                              ttl, dead_value != NULL ? dead_value : "");
  if (reply == NULL)
    return FALSE;
  *ret_other = g_strdup(redis_reply_string(reply));
  return TRUE;
}

gboolean
redis_lock_may_inherit(const RedisLock *lock, const char *value)
{
  return lock_value_is_of_database(value, lock->database);
}

gboolean
redis_lock_hold_or_inherit(const RedisLock *lock, char **ret_other, GError **error)
{
  g_autofree char *dead = NULL;
  for (int attempt = 0; attempt < INHERIT_ATTEMPTS; attempt++) {
    g_autofree char *other = NULL;
    if (!redis_lock_hold(lock, dead, &other, error))
      return FALSE;
    if (other == NULL || !redis_lock_may_inherit(lock, other)) {
      *ret_other = g_steal_pointer(&other);
      return TRUE;
    }
    g_free(dead);
    dead = g_steal_pointer(&other);
  }
  *ret_other = g_steal_pointer(&dead);
  return TRUE;
}

gboolean
redis_lock_release(const RedisLock *lock, GError **error)
{
  g_autoptr(RedisConnection) connection = redis_connection_open(lock->url, error);
  if (connection == NULL)
    return FALSE;
  g_autoptr(RedisReply) reply =
      redis_command(connection, error, 5, "EVAL", lock_release_lua, "1", lock->key, lock->value);
  return reply != NULL;
}

gboolean
redis_lock_read(const char *url, char **ret_value, GError **error)
{
  g_autoptr(RedisConnection) connection = redis_connection_open(url, error);
  if (connection == NULL)
    return FALSE;
  g_autoptr(RedisReply) reply = redis_command(connection, error, 2, "GET", REDIS_LOCK_KEY);
  if (reply == NULL)
    return FALSE;
  *ret_value = g_strdup(redis_reply_string(reply));
  return TRUE;
}

gboolean
redis_lock_probe(const char *url, GError **error)
{
  g_autoptr(RedisConnection) connection = redis_connection_open(url, error);
  if (connection == NULL)
    return FALSE;
  g_autoptr(RedisReply) reply = redis_command(connection, error, 4, "EVAL", lock_probe_lua, "1", REDIS_LOCK_KEY);
  return reply != NULL;
}
