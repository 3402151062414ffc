#include "lock_support.h"

#include "redis/redis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs three of the above. */
#include <cmocka.h>

TestPostgres *postgres;
TestRedis *redis;

int
start_servers(void **state)
{
  (void)state;
  postgres = test_postgres_start();
  redis = test_redis_start(FALSE, NULL);
  return 0;
}

int
stop_servers(void **state)
{
  (void)state;
  test_redis_free(redis);
  test_postgres_free(postgres);
  return 0;
}

BackupLockOptions
with_redis(void)
{
  return (BackupLockOptions){test_postgres_dsn(postgres), test_redis_url(redis), TTL_MS};
}

BackupLockOptions
without_redis(void)
{
  return (BackupLockOptions){test_postgres_dsn(postgres), NULL, TTL_MS};
}

BackupLock *
acquire(BackupLockOptions options, GCancellable *lost)
{
  g_autoptr(GError) error = NULL;
  BackupLock *lock = backup_lock_acquire(&options, "import", "Admin Token @ 10.0.0.7", lost, NULL, &error);
  if (lock == NULL)
    print_error("%s\n", error->message);
  assert_non_null(lock);
  return lock;
}

void
assert_free(BackupLockOptions options)
{
  g_autoptr(GCancellable) lost = g_cancellable_new();
  backup_lock_release(acquire(options, lost));
}

char *
redis_run(guint argc, const char *const *argv)
{
  g_autoptr(RedisConnection) connection = redis_connection_open(test_redis_url(redis), NULL);
  assert_non_null(connection);
  g_autoptr(RedisReply) reply = redis_commandv(connection, NULL, argc, argv);
  assert_non_null(reply);
  const char *text = redis_reply_string(reply);
  gint64 number = redis_reply_integer(reply);
  return text != NULL ? g_strdup(text) : number != 0 ? g_strdup_printf("%" G_GINT64_FORMAT, number) : NULL;
}

char *
redis_key(void)
{
  return redis_run(2, (const char *[]){"GET", REDIS_LOCK_KEY});
}

void
set_redis_key(const char *value)
{
  g_free(redis_run(3, (const char *[]){"SET", REDIS_LOCK_KEY, value}));
}

void
delete_redis_key(void)
{
  g_free(redis_run(2, (const char *[]){"DEL", REDIS_LOCK_KEY}));
}

void
assert_redis_key(const char *expected)
{
  g_autofree char *value = redis_key();
  assert_true(g_strcmp0(value, expected) == 0);
}

gint64
elapsed_ms(gint64 started_us)
{
  return (g_get_monotonic_time() - started_us) / 1000;
}
