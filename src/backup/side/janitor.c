#include "backup/side/janitor.h"

#include "backup/side/side_database.h"
#include "backup_sql.h"
#include "base/error.h"
#include "base/wait.h"

#define CONNECTION_NAME "cch-data janitor"

/* Columns of side_list.sql. */
enum { COLUMN_NAME, COLUMN_OID, COLUMN_IS_DUE = 8 };

struct DatabaseJanitor {
  char *dsn, *redis_url;
  guint ttl_ms;
  PeriodicThread *thread;
};

/* The recorded databases; NULL without an error if there can be no records. */
static PgResult *
list_recorded(PgConnection *live, GError **error)
{
  gboolean can = FALSE;
  if (!side_database_can_record(live, &can, error) || !can)
    return NULL;
  side_database_find_lost(live);
  return pg_connection_query(live, error, backup_side_list_sql, 0);
}

static gboolean
is_due(const PgResult *list, guint row)
{
  return pg_result_bool(list, row, COLUMN_IS_DUE);
}

static gboolean
drop_due(PgConnection *live, const char *dsn, const PgResult *list, guint *n_dropped, GError **error)
{
  g_autoptr(PgConnection) maintenance = NULL;
  for (guint row = 0; row < pg_result_rows(list); row++) {
    if (!is_due(list, row))
      continue;
    if (maintenance == NULL && (maintenance = side_database_maintenance_open(live, dsn, NULL, error)) == NULL)
      return FALSE;
    guint32 oid = (guint32)pg_result_int64(list, row, COLUMN_OID);
    if (!side_database_drop(live, maintenance, pg_result_text(list, row, COLUMN_NAME), oid, error))
      return FALSE;
    ++*n_dropped;
  }
  return TRUE;
}

guint
database_janitor_sweep(const char *dsn, GCancellable *cancellable, GError **error)
{
  guint n_dropped = 0;
  g_autoptr(PgConnection) live = pg_connection_open(dsn, CONNECTION_NAME, cancellable, error);
  g_autoptr(PgResult) list = live != NULL ? list_recorded(live, error) : NULL;
  if (list != NULL)
    drop_due(live, dsn, list, &n_dropped, error);
  return n_dropped;
}

static gboolean
has_work(const char *dsn, GCancellable *cancellable, GError **error)
{
  g_autoptr(PgConnection) live = pg_connection_open(dsn, CONNECTION_NAME, cancellable, error);
  g_autoptr(PgResult) list = live != NULL ? list_recorded(live, error) : NULL;
  for (guint row = 0; list != NULL && row < pg_result_rows(list); row++)
    if (is_due(list, row))
      return TRUE;
  return FALSE;
}

/* Sweeps once. Takes the lock only if there is something to drop; does nothing while another operation holds it. */
static guint
sweep_if_free(const BackupLockOptions *options, GCancellable *cancellable, GError **error)
{
  if (!has_work(options->dsn, cancellable, error))
    return 0;
  g_autoptr(GError) failure = NULL;
  g_autoptr(GCancellable) lost = g_cancellable_new();
  g_autoptr(BackupLock) lock = backup_lock_acquire(options, "cleanup", "cch-data", lost, NULL, &failure);
  if (lock != NULL)
    return database_janitor_sweep(options->dsn, lost, error);
  if (error_code(failure) != CCH_ERROR_LOCK_HELD)
    g_propagate_error(error, g_steal_pointer(&failure));
  return 0;
}

static void
sweep_databases(gpointer data, GCancellable *stopping)
{
  DatabaseJanitor *janitor = data;
  BackupLockOptions options = {.dsn = janitor->dsn, .redis_url = janitor->redis_url, .ttl_ms = janitor->ttl_ms};
  sweep_if_free(&options, stopping, NULL); /* an unreachable database is swept next time */
}

DatabaseJanitor *
database_janitor_start(const BackupLockOptions *options, guint interval_s)
{
  DatabaseJanitor *janitor = g_new0(DatabaseJanitor, 1);
  janitor->dsn = g_strdup(options->dsn);
  janitor->redis_url = g_strdup(options->redis_url);
  janitor->ttl_ms = options->ttl_ms;
  janitor->thread = periodic_thread_start("db-janitor", interval_s, sweep_databases, janitor);
  return janitor;
}

void
database_janitor_free(DatabaseJanitor *janitor)
{
  if (janitor == NULL)
    return;
  periodic_thread_stop(janitor->thread);
  g_free(janitor->dsn);
  g_free(janitor->redis_url);
  g_free(janitor);
}
