#include "backup/swap/analyze.h"

#include "backup_sql.h"
#include "pg/connection/connection.h"

#define CONNECTION_NAME "cch-data analyze"

typedef struct {
  const char *dsn;
  GCancellable *cancellable;
  const PgResult *statements;
  gint next; /* atomic: the next statement to take */
} Analysis;

typedef struct {
  Analysis *analysis;
  GThread *thread;
  GError *failure;
} Worker;

static gboolean
analyze_tables(Analysis *analysis, GError **error)
{
  g_autoptr(PgConnection) connection = pg_connection_open(analysis->dsn, CONNECTION_NAME, analysis->cancellable, error);
  if (connection == NULL)
    return FALSE;
  for (;;) {
    guint row = (guint)g_atomic_int_add(&analysis->next, 1);
    if (row >= pg_result_rows(analysis->statements))
      return TRUE;
    if (!pg_connection_exec(connection, pg_result_text(analysis->statements, row, 0), error)) {
      g_prefix_error(error, "%s: ", pg_result_text(analysis->statements, row, 0));
      return FALSE;
    }
  }
}

static gpointer
worker_run(gpointer data)
{
  Worker *worker = data;
  analyze_tables(worker->analysis, &worker->failure);
  return NULL;
}

gboolean
database_analyze(const char *dsn, guint jobs, GCancellable *cancellable, GError **error)
{
  g_autoptr(PgConnection) connection = pg_connection_open(dsn, CONNECTION_NAME, cancellable, error);
  g_autoptr(PgResult) statements =
      connection != NULL ? pg_connection_query(connection, error, backup_analyze_tables_sql, 0) : NULL;
  if (statements == NULL)
    return FALSE;
  g_clear_pointer(&connection, pg_connection_free);
  Analysis analysis = {.dsn = dsn, .cancellable = cancellable, .statements = statements};
  g_autofree Worker *workers = g_new0(Worker, jobs);
  for (guint i = 0; i < jobs; i++) {
    workers[i].analysis = &analysis;
    workers[i].thread = g_thread_new("analyze", worker_run, &workers[i]);
  }
  g_autoptr(GError) failure = NULL;
  for (guint i = 0; i < jobs; i++) {
    g_thread_join(workers[i].thread);
    if (failure == NULL)
      failure = g_steal_pointer(&workers[i].failure);
    g_clear_error(&workers[i].failure);
  }
  if (failure == NULL)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&failure));
  return FALSE;
}
