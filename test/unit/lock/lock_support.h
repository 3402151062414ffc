/* What the tests of the lock share: a PostgreSQL, a Redis, and locks on them. */
#pragma once

#include "base/error.h"
#include "lock/lock.h"
#include "lock/redis_lock.h"
#include "servers.h"

enum {
  TTL_MS = 1500,
  SOON_MS = 5000 /* limit of a wait, also on a loaded machine */
};

/* A key in the hub's form. */
#define HUB_VALUE "1769682600000-k3j9x2"

extern TestPostgres *postgres;
extern TestRedis *redis;

/* Group set-up and tear-down of cmocka. */
int start_servers(void **state);
int stop_servers(void **state);

BackupLockOptions with_redis(void);
BackupLockOptions without_redis(void);

/* Fails the test on an error. */
BackupLock *acquire(BackupLockOptions options, GCancellable *lost);
void assert_free(BackupLockOptions options);

/* Runs a Redis command and returns its string, or its integer as text; NULL for nil. */
char *redis_run(guint argc, const char *const *argv);
char *redis_key(void);
void set_redis_key(const char *value);
void delete_redis_key(void);
void assert_redis_key(const char *expected);

gint64 elapsed_ms(gint64 started_us);
