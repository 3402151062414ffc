#include "pg/pool/pool.h"

#include "base/wait.h"
#include "pg/dsn/dsn.h"

enum { MAX_KEPT = 4, MAX_KEPT_BESIDE = 1, KEPT_S = 30, EXPIRY_INTERVAL_S = 10, ANSWER_TIMEOUT_MS = 1000 };

#define IDLE_NAME       "cch-data idle" /* in pg_stat_activity */
#define BESIDE_DATABASE "postgres"

typedef struct {
  PgConnection *connection;
  gboolean is_beside; /* to BESIDE_DATABASE */
  gint64 since_us;    /* monotonic: the end of its last use */
} Kept;

struct PgPool {
  char *dsn;
  PeriodicThread *expiry;
  GMutex mutex;   /* protects the members below */
  GQueue kept;    /* of Kept, the last used first */
  guint n_pauses; /* while there are any, none is kept */
};

static void
kept_end(Kept *kept)
{
  pg_connection_set_keeper(kept->connection, NULL, NULL);
  pg_connection_free(kept->connection);
  g_free(kept);
}

/* Ends those that were not used since then. Ending does not wait, but writes to a socket: without the mutex. */
static void
end_unused(PgPool *pool, gint64 since_us)
{
  g_autoptr(GQueue) unused = g_queue_new();
  g_mutex_lock(&pool->mutex);
  for (Kept *oldest; (oldest = g_queue_peek_tail(&pool->kept)) != NULL && oldest->since_us <= since_us;)
    g_queue_push_tail(unused, g_queue_pop_tail(&pool->kept));
  g_mutex_unlock(&pool->mutex);
  g_queue_clear_full(unused, (GDestroyNotify)kept_end);
}

static void
expire(gpointer data, GCancellable *stopping)
{
  (void)stopping;
  end_unused(data, g_get_monotonic_time() - KEPT_S * G_USEC_PER_SEC);
}

PgPool *
pg_pool_new(const char *dsn)
{
  PgPool *pool = g_new0(PgPool, 1);
  pool->dsn = g_strdup(dsn);
  g_mutex_init(&pool->mutex);
  g_queue_init(&pool->kept);
  pool->expiry = periodic_thread_start("pg-pool", EXPIRY_INTERVAL_S, expire, pool);
  return pool;
}

void
pg_pool_free(PgPool *pool)
{
  if (pool == NULL)
    return;
  periodic_thread_stop(pool->expiry);
  end_unused(pool, G_MAXINT64);
  g_mutex_clear(&pool->mutex);
  g_free(pool->dsn);
  g_free(pool);
}

const char *
pg_pool_dsn(const PgPool *pool)
{
  return pool->dsn;
}

static guint
count_kept(PgPool *pool, gboolean is_beside)
{
  guint n = 0;
  for (GList *link = pool->kept.head; link != NULL; link = link->next)
    n += ((Kept *)link->data)->is_beside == is_beside;
  return n;
}

static gboolean
has_room(PgPool *pool, gboolean is_beside)
{
  return pool->n_pauses == 0 && count_kept(pool, is_beside) < (is_beside ? MAX_KEPT_BESIDE : MAX_KEPT);
}

static gboolean
keep(PgConnection *connection, PgPool *pool, gboolean is_beside)
{
  g_mutex_lock(&pool->mutex);
  gboolean is_wanted = has_room(pool, is_beside);
  g_mutex_unlock(&pool->mutex);
  pg_connection_set_answer_timeout(connection, ANSWER_TIMEOUT_MS);
  if (!is_wanted || !pg_connection_renew(connection, IDLE_NAME, NULL))
    return FALSE;
  g_mutex_lock(&pool->mutex);
  gboolean is_kept = has_room(pool, is_beside);
  if (is_kept) {
    Kept *kept = g_new(Kept, 1);
    *kept = (Kept){connection, is_beside, g_get_monotonic_time()};
    g_queue_push_head(&pool->kept, kept);
  }
  g_mutex_unlock(&pool->mutex);
  return is_kept;
}

/* The keepers of all connections that the pool has given away. */
static gboolean
keep_own(PgConnection *connection, gpointer pool)
{
  return keep(connection, pool, FALSE);
}

static gboolean
keep_beside(PgConnection *connection, gpointer pool)
{
  return keep(connection, pool, TRUE);
}

static Kept *
pop_kept(PgPool *pool, gboolean is_beside)
{
  Kept *found = NULL;
  g_mutex_lock(&pool->mutex);
  for (GList *link = pool->kept.head; link != NULL && found == NULL; link = link->next)
    if (((Kept *)link->data)->is_beside == is_beside)
      found = link->data;
  g_queue_remove(&pool->kept, found);
  g_mutex_unlock(&pool->mutex);
  return found;
}

/* One that does not answer was kept for a server that is gone or hangs. So were the others, which are ended instead of
 * being waited for in turn. */
static PgConnection *
take_kept(PgPool *pool, gboolean is_beside, const char *application_name, GCancellable *cancellable)
{
  g_autofree Kept *kept = pop_kept(pool, is_beside);
  if (kept == NULL)
    return NULL;
  g_autofree char *name = pg_quote_literal(application_name);
  pg_connection_set_answer_timeout(kept->connection, ANSWER_TIMEOUT_MS);
  pg_connection_set_cancellable(kept->connection, cancellable);
  if (pg_connection_execf(kept->connection, NULL, "SET application_name = %s", name))
    return kept->connection;
  kept_end(g_steal_pointer(&kept));
  end_unused(pool, G_MAXINT64);
  return NULL;
}

/* `dsn`: of a new connection. */
static PgConnection *
take(PgPool *pool, const char *dsn, gboolean is_beside, const char *application_name, guint timeout_ms,
     GCancellable *cancellable, GError **error)
{
  PgConnection *connection = take_kept(pool, is_beside, application_name, cancellable);
  if (connection == NULL)
    connection = pg_connection_open_within(dsn, application_name, timeout_ms, cancellable, error);
  if (connection == NULL)
    return NULL;
  pg_connection_set_answer_timeout(connection, timeout_ms);
  pg_connection_set_keeper(connection, is_beside ? keep_beside : keep_own, pool);
  return connection;
}

PgConnection *
pg_pool_take_within(PgPool *pool, const char *application_name, guint timeout_ms, GCancellable *cancellable,
                    GError **error)
{
  return take(pool, pool->dsn, FALSE, application_name, timeout_ms, cancellable, error);
}

PgConnection *
pg_pool_take_beside(PgPool *pool, const char *application_name, guint timeout_ms, GCancellable *cancellable,
                    GError **error)
{
  g_autofree char *dsn = dsn_with_database(pool->dsn, BESIDE_DATABASE, error);
  return dsn != NULL ? take(pool, dsn, TRUE, application_name, timeout_ms, cancellable, error) : NULL;
}

PgConnection *
pg_pool_take(PgPool *pool, const char *application_name, GCancellable *cancellable, GError **error)
{
  return pg_pool_take_within(pool, application_name, 0, cancellable, error);
}

void
pg_pool_pause(PgPool *pool)
{
  g_mutex_lock(&pool->mutex);
  pool->n_pauses++;
  g_mutex_unlock(&pool->mutex);
  end_unused(pool, G_MAXINT64);
}

void
pg_pool_resume(PgPool *pool)
{
  g_mutex_lock(&pool->mutex);
  pool->n_pauses--;
  g_mutex_unlock(&pool->mutex);
}
