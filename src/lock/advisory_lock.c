#include "lock/advisory_lock.h"

#include "base/error.h"
#include "lock/holder.h"
#include "lock_sql.h"
#include "pg/connection/connection.h"

#include <stdlib.h>

/* A server that needs longer for so simple a query is considered lost. This connection detects that for a whole
 * operation. */
enum { ANSWER_TIMEOUT_MS = 15000 };

struct AdvisoryLock {
  PgConnection *connection;
  char *database; /* NULL: unknown */
  int backend_pid;
};

/* The key as SQL parameters: whole, and as the halves in pg_locks. */
typedef struct {
  char whole[24];
  char high[12];
  char low[12];
} KeyTexts;

static KeyTexts
key_texts(void)
{
  KeyTexts texts;
  g_snprintf(texts.whole, sizeof texts.whole, "%" G_GINT64_FORMAT, (gint64)ADVISORY_LOCK_KEY);
  g_snprintf(texts.high, sizeof texts.high, "%u", (guint32)(ADVISORY_LOCK_KEY >> 32));
  g_snprintf(texts.low, sizeof texts.low, "%u", (guint32)(ADVISORY_LOCK_KEY & G_MAXUINT32));
  return texts;
}

static PgConnection *
connect_for_questions(const char *dsn, const char *name, GCancellable *cancellable, GError **error)
{
  PgConnection *connection = pg_connection_open(dsn, name, cancellable, error);
  if (connection != NULL)
    pg_connection_set_answer_timeout(connection, ANSWER_TIMEOUT_MS);
  return connection;
}

/* A managed server may forbid this. A dead process's Redis key then has to expire by itself. */
static char *
read_database(PgConnection *connection)
{
  char *database = NULL;
  pg_connection_value(connection, &database, NULL, lock_database_identity_sql, 0);
  return database;
}

/* Asks the server, because libpq knows only the pooler's PID, if there is a pooler. */
static gboolean
read_backend_pid(PgConnection *connection, int *ret_pid, GError **error)
{
  g_autofree char *pid = NULL;
  if (!pg_connection_value(connection, &pid, error, "SELECT pg_catalog.pg_backend_pid()", 0))
    return FALSE;
  *ret_pid = atoi(pid);
  return TRUE;
}

static gboolean
read_holder(PgConnection *connection, BackupLockHolder *ret_holder, GError **error)
{
  KeyTexts key = key_texts();
  g_autoptr(PgResult) result = pg_connection_query(connection, error, lock_advisory_holder_sql, 2, key.high, key.low);
  if (result == NULL)
    return FALSE;
  if (pg_result_rows(result) == 0)
    return TRUE;
  ret_holder->is_held = TRUE;
  const char *name = pg_result_text(result, 0, 0);
  if (name != NULL && lock_name_read(name, ret_holder))
    ret_holder->since = g_strdup(pg_result_text(result, 0, 1));
  return TRUE;
}

AdvisoryLock *
advisory_lock_open(const char *dsn, const char *operation, const char *holder, GCancellable *cancellable,
                   GError **error)
{
  g_autofree char *name = lock_name_new(operation, holder);
  g_autoptr(PgConnection) connection = connect_for_questions(dsn, name, cancellable, error);
  int backend_pid = 0;
  if (connection == NULL || !read_backend_pid(connection, &backend_pid, error))
    return NULL;
  AdvisoryLock *lock = g_new0(AdvisoryLock, 1);
  lock->backend_pid = backend_pid;
  lock->database = read_database(connection);
  lock->connection = g_steal_pointer(&connection);
  return lock;
}

void
advisory_lock_free(AdvisoryLock *lock)
{
  if (lock == NULL)
    return;
  pg_connection_free(lock->connection);
  g_free(lock->database);
  g_free(lock);
}

const char *
advisory_lock_database(const AdvisoryLock *lock)
{
  return lock->database;
}

gboolean
advisory_lock_take(AdvisoryLock *lock, gboolean *ret_taken, BackupLockHolder *ret_holder, GError **error)
{
  KeyTexts key = key_texts();
  g_autoptr(PgResult) result =
      pg_connection_query(lock->connection, error, "SELECT pg_catalog.pg_try_advisory_lock($1)", 1, key.whole);
  if (result == NULL)
    return FALSE;
  gboolean is_taken = pg_result_bool(result, 0, 0);
  if (!is_taken && !read_holder(lock->connection, ret_holder, error))
    return FALSE;
  ret_holder->is_held = !is_taken; /* even if it was released between the two queries */
  pg_connection_set_cancellable(lock->connection, NULL);
  *ret_taken = is_taken;
  return TRUE;
}

gboolean
advisory_lock_is_held(AdvisoryLock *lock)
{
  KeyTexts key = key_texts();
  g_autoptr(PgResult) result =
      pg_connection_query(lock->connection, NULL, lock_advisory_is_held_sql, 2, key.high, key.low);
  return result != NULL && pg_result_bool(result, 0, 0);
}

int
advisory_lock_backend_pid(const AdvisoryLock *lock)
{
  return lock->backend_pid;
}

int
advisory_lock_socket(const AdvisoryLock *lock)
{
  return pg_connection_socket(lock->connection);
}

void
advisory_lock_release(AdvisoryLock *lock)
{
  KeyTexts key = key_texts();
  g_autoptr(PgResult) result =
      pg_connection_query(lock->connection, NULL, "SELECT pg_catalog.pg_advisory_unlock($1)", 1, key.whole);
}

/* `database` is the connection's. pg_locks covers the whole server. */
static gboolean
is_orphan(PgConnection *connection, const char *database, const char *value)
{
  guint32 oid = lock_value_database_oid(value, database);
  if (oid == 0)
    return FALSE;
  KeyTexts key = key_texts();
  g_autofree char *oid_text = g_strdup_printf("%u", oid);
  g_autoptr(PgResult) result =
      pg_connection_query(connection, NULL, lock_advisory_is_held_in_sql, 3, key.high, key.low, oid_text);
  return result != NULL && !pg_result_bool(result, 0, 0);
}

gboolean
advisory_lock_is_orphan(AdvisoryLock *lock, const char *value)
{
  return is_orphan(lock->connection, lock->database, value);
}

gboolean
advisory_lock_inspect(PgConnection *connection, const char *value, BackupLockHolder *ret_holder,
                      gboolean *ret_is_orphan, GError **error)
{
  if (connection == NULL) {
    error_set(error, CCH_ERROR_DATABASE_UNAVAILABLE, "there is no connection");
    return FALSE;
  }
  if (!read_holder(connection, ret_holder, error))
    return FALSE;
  g_autofree char *database = value != NULL ? read_database(connection) : NULL;
  *ret_is_orphan = value != NULL && is_orphan(connection, database, value);
  return TRUE;
}
