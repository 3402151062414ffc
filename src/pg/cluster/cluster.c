#include "pg/cluster/cluster.h"

#include "base/error.h"
#include "base/os/child.h"
#include "base/wait.h"
#include "pg/cluster/cluster_place.h"
#include "pg/connection/connection.h"
#include "pg/connection/sqlstate.h"
#include "pg_sql.h"

#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum {
  START_TIMEOUT_S = 60,    /* without a sign of life; a recovering server gives one */
  END_TIMEOUT_S = 60,      /* for a postmaster to shut down, ours or that of a dead starter */
  POLL_MS = 50,            /* while waiting for something */
  WATCH_MS = 500,          /* otherwise */
  RESTART_DELAY_MS = 2000, /* after a failed restart */
  START_ATTEMPTS = 5       /* after a kill, because the server's children may hold its shared memory for a moment */
};

#define SUPERUSER "postgres"
#define ROLE      "cch_data" /* owns the databases and runs the archives' SQL; no superuser */
#define DATABASE  "cch"

struct PgCluster {
  ClusterPlace place;
  char *pg_bin_dir;
  char *dsn;
  char *maintenance_dsn; /* of the database that always exists */
  GCancellable *stop;
  GThread *keeper;

  /* Used by the keeper thread only. */
  int lock_fd;              /* -1: another process runs the cluster, or none does yet */
  ChildProcess *postmaster; /* NULL unless we hold the lock */

  GMutex mutex; /* guards the members below */
  GCond changed;
  gboolean is_settled; /* the first attempt has ended */
  gboolean is_new;
  GError *error; /* of the first attempt */
};

static gint64
deadline_in(int seconds)
{
  return g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
}

static ChildOptions
child_options_of(const PgCluster *cluster, const char *const *argv)
{
  return (ChildOptions){
      .argv = argv,
      .directory = cluster->place.base_dir, /* our own may be closed to the cluster's user */
      .uid = cluster->place.uid,
      .gid = cluster->place.gid,
  };
}

/* C.UTF-8 sorts like C and classifies letters beyond ASCII; not every system has it. */
static const char *
locale_argument(void)
{
  locale_t locale = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
  if (locale == (locale_t)0)
    return "--locale=C";
  freelocale(locale);
  return "--locale=C.UTF-8";
}

/* initdb may be killed at any moment, so it works beside the data's place, and the result is moved there. */
static gboolean
make_data(PgCluster *cluster, GError **error)
{
  g_autofree char *initdb = pg_find_program(cluster->pg_bin_dir, "initdb", error);
  if (initdb == NULL)
    return FALSE;
  g_autofree char *new_data_path = cluster_place_new_data_path(&cluster->place);
  const char *const argv[] = {
      initdb,         "--pgdata",        new_data_path,     "--username=" SUPERUSER,
      "--auth=trust", "--encoding=UTF8", locale_argument(), "--data-checksums",
      NULL,
  };
  ChildOptions options = child_options_of(cluster, argv);
  g_autofree char *output = child_process_run(&options, cluster->stop, error);
  if (output == NULL) {
    if (!g_cancellable_is_cancelled(cluster->stop) && error != NULL && (*error)->domain == CCH_ERROR)
      (*error)->code = CCH_ERROR_CLUSTER_FAILED;
    return FALSE;
  }
  if (!cluster_place_adopt(&cluster->place, new_data_path, error))
    return FALSE;
  g_mutex_lock(&cluster->mutex);
  cluster->is_new = TRUE;
  g_mutex_unlock(&cluster->mutex);
  return TRUE;
}

static gboolean
ensure_data(PgCluster *cluster, GError **error)
{
  gboolean has_data = FALSE;
  if (!cluster_place_has_data(&cluster->place, &has_data, error))
    return FALSE;
  cluster_place_sweep(&cluster->place, cluster->stop);
  if (has_data)
    return TRUE;
  if (!cluster->is_settled) /* written by this thread alone */
    return make_data(cluster, error);
  /* It existed when we started: a new, empty cluster in its place would hide the loss. */
  error_set(error, CCH_ERROR_CLUSTER_FAILED, "%s has disappeared", cluster->place.pg_data);
  return FALSE;
}

/* A starter that died leaves a postmaster that is shutting down. */
static gboolean
await_old_postmaster(PgCluster *cluster, GError **error)
{
  gint64 deadline_us = deadline_in(END_TIMEOUT_S);
  for (pid_t pid; (pid = cluster_place_postmaster(&cluster->place)) != 0;) {
    if (g_get_monotonic_time() > deadline_us) {
      error_set(error, CCH_ERROR_CLUSTER_FAILED,
                "another PostgreSQL server (process %d) runs on %s and did not end within %d seconds", (int)pid,
                cluster->place.pg_data, END_TIMEOUT_S);
      return FALSE;
    }
    if (!sleep_ms(POLL_MS, cluster->stop, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
spawn_postmaster(PgCluster *cluster, GError **error)
{
  g_autofree char *version = cluster_place_data_version(&cluster->place);
  g_autofree char *postgres = version != NULL
                                  ? pg_find_program_of_version(cluster->pg_bin_dir, version, "postgres", error)
                                  : pg_find_program(cluster->pg_bin_dir, "postgres", error);
  if (postgres == NULL)
    return FALSE;
  /* The socket directory is relative to PGDATA: an absolute path with commas or quotes would need quoting. The log
   * has one file per weekday, so it cannot grow without limit. */
  const char *const argv[] = {
      postgres,
      "-D",
      cluster->place.pg_data,
      "-p",
      CLUSTER_PORT,
      "-c",
      "listen_addresses=",
      "-c",
      "unix_socket_directories=../socket",
      "-c",
      "unix_socket_permissions=0700",
      "-c",
      "logging_collector=on",
      "-c",
      "log_destination=stderr",
      "-c",
      "log_directory=log",
      "-c",
      "log_filename=postgresql-%a.log",
      "-c",
      "log_file_mode=0600",
      "-c",
      "log_rotation_age=1d",
      "-c",
      "log_rotation_size=0",
      "-c",
      "log_truncate_on_rotation=on",
      "-c",
      "cluster_name=cch-data",
      "-c",
      "cch_data.private_cluster=on", /* pg/migrate/migrate.h */
      NULL,
  };
  ChildOptions options = child_options_of(cluster, argv);
  options.parent_death_signal = SIGINT; /* fast shutdown */
  cluster->postmaster = child_process_spawn(&options, error);
  return cluster->postmaster != NULL;
}

/* Whether a server answers. FALSE without an error if it may answer later; `ret_is_alive` says that it sent a sign
 * of life. */
static gboolean
try_connect(PgCluster *cluster, const char *dsn, PgConnection **ret_connection, gboolean *ret_is_alive,
            char **ret_reason)
{
  g_autoptr(GError) error = NULL;
  PgConnection *connection = pg_connection_open(dsn, "cch-data", cluster->stop, &error);
  *ret_is_alive = connection != NULL || error_has_sqlstate(error, SQLSTATE_CANNOT_CONNECT_NOW);
  g_free(*ret_reason);
  *ret_reason = error != NULL ? g_strdup(error->message) : NULL;
  *ret_connection = connection;
  return connection != NULL;
}

static void
set_start_error(PgCluster *cluster, gint64 since_s, const char *what, GError **error)
{
  g_autofree char *log = cluster_place_log_tail(&cluster->place, since_s);
  g_autofree char *complaint = child_process_stderr(cluster->postmaster);
  /* The server's standard error until its logging collector runs, then its log. */
  error_set(error, CCH_ERROR_CLUSTER_FAILED, "%s: %s%s%s", what, complaint,
            *complaint != '\0' && *log != '\0' ? "\n" : "", log);
}

/* Connects to the server that we have just started. */
static PgConnection *
await_postmaster(PgCluster *cluster, GError **error)
{
  gint64 since_s = g_get_real_time() / G_USEC_PER_SEC - 1;
  gint64 deadline_us = deadline_in(START_TIMEOUT_S);
  g_autofree char *reason = NULL;
  for (;;) {
    PgConnection *connection = NULL;
    gboolean is_alive = FALSE;
    if (try_connect(cluster, cluster->maintenance_dsn, &connection, &is_alive, &reason))
      return connection;
    if (is_alive)
      deadline_us = deadline_in(START_TIMEOUT_S);
    if (!sleep_ms(POLL_MS, cluster->stop, error))
      return NULL;
    if (child_process_wait(cluster->postmaster, 0, NULL)) {
      set_start_error(cluster, since_s, "PostgreSQL ended as soon as it was started", error);
      return NULL;
    }
    if (g_get_monotonic_time() > deadline_us) {
      g_autofree char *what = g_strdup_printf("PostgreSQL does not answer (%s)", reason);
      set_start_error(cluster, since_s, what, error);
      return NULL;
    }
  }
}

/* Shuts our postmaster down; kills it if it does not end. */
static void
end_postmaster(PgCluster *cluster)
{
  if (cluster->postmaster == NULL)
    return;
  child_process_signal(cluster->postmaster, SIGINT);
  if (!child_process_wait(cluster->postmaster, END_TIMEOUT_S * 1000, NULL))
    child_process_signal(cluster->postmaster, SIGQUIT);
  child_process_wait(cluster->postmaster, END_TIMEOUT_S * 1000, NULL);
  child_process_free(g_steal_pointer(&cluster->postmaster));
}

/* "host='/a b/socket' port=…": values are quoted for libpq. */
static char *
make_dsn(const ClusterPlace *place, const char *user, const char *database)
{
  GString *dsn = g_string_new("host='");
  for (const char *p = place->socket_dir; *p != '\0'; p++) {
    if (*p == '\'' || *p == '\\')
      g_string_append_c(dsn, '\\');
    g_string_append_c(dsn, *p);
  }
  g_string_append_printf(dsn, "' port=" CLUSTER_PORT " user=%s dbname=%s", user, database);
  return g_string_free(dsn, FALSE);
}

/* Hands over a cluster of an earlier version, in which the superuser owned the databases, kept ones included. The
 * database itself comes last, so that an interrupted hand-over is repeated. */
static gboolean
hand_over_ownership(PgCluster *cluster, PgConnection *connection, const char *database, GError **error)
{
  g_autofree char *dsn = make_dsn(&cluster->place, SUPERUSER, database);
  g_autofree char *name = pg_quote_identifier(database);
  g_autoptr(PgConnection) inside = pg_connection_open(dsn, "cch-data", cluster->stop, error);
  return inside != NULL && pg_connection_exec(inside, pg_cluster_hand_over_sql, error) &&
         pg_connection_execf(connection, error, "ALTER DATABASE %s OWNER TO " ROLE, name);
}

static gboolean
ensure_role(PgConnection *connection, GError **error)
{
  g_autofree char *found = NULL;
  if (!pg_connection_value(connection, &found, error,
                           "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = '" ROLE "'", 0))
    return FALSE;
  return found != NULL || pg_connection_exec(connection, "CREATE ROLE " ROLE " LOGIN CREATEDB", error);
}

static gboolean
ensure_database(PgCluster *cluster, PgConnection *connection, GError **error)
{
  g_autofree char *found = NULL;
  if (!ensure_role(connection, error) ||
      !pg_connection_value(connection, &found, error,
                           "SELECT datname FROM pg_catalog.pg_database WHERE datname = '" DATABASE "'", 0))
    return FALSE;
  if (found == NULL && !pg_connection_exec(connection, "CREATE DATABASE " DATABASE, error))
    return FALSE;
  g_autoptr(PgResult) databases = pg_connection_query(
      connection, error,
      "SELECT d.datname FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON r.oid = d.datdba "
      "WHERE r.rolname = '" SUPERUSER "' AND d.datallowconn AND NOT d.datistemplate "
      "AND d.datname <> 'postgres'",
      0);
  for (guint row = 0; databases != NULL && row < pg_result_rows(databases); row++)
    if (!hand_over_ownership(cluster, connection, pg_result_text(databases, row, 0), error))
      return FALSE;
  return databases != NULL;
}

static gboolean
start_server_once(PgCluster *cluster, GError **error)
{
  if (!spawn_postmaster(cluster, error))
    return FALSE;
  g_autoptr(PgConnection) connection = await_postmaster(cluster, error);
  if (connection != NULL && ensure_database(cluster, connection, error))
    return TRUE;
  end_postmaster(cluster);
  return FALSE;
}

/* Called with the lock held, so no other starter lives. */
static gboolean
start_server(PgCluster *cluster, GError **error)
{
  if (!await_old_postmaster(cluster, error) || !ensure_data(cluster, error))
    return FALSE;
  gboolean was_killed = cluster_place_has_pid_file(&cluster->place);
  for (int attempt = 1;; attempt++) {
    g_autoptr(GError) failure = NULL;
    if (start_server_once(cluster, &failure))
      return TRUE;
    gboolean is_last = !was_killed || attempt == START_ATTEMPTS || g_cancellable_is_cancelled(cluster->stop);
    if (is_last) {
      g_propagate_error(error, g_steal_pointer(&failure));
      return FALSE;
    }
    if (!sleep_ms(1000, cluster->stop, error))
      return FALSE;
  }
}

/* Becomes the process that runs the cluster, or finds that another one does and that it answers. */
static gboolean
join_or_start(PgCluster *cluster, GError **error)
{
  gint64 deadline_us = deadline_in(START_TIMEOUT_S);
  g_autofree char *reason = NULL;
  for (;;) {
    g_autoptr(GError) failure = NULL;
    if (cluster->lock_fd < 0)
      cluster->lock_fd = cluster_place_try_lock(&cluster->place, &failure);
    if (cluster->lock_fd >= 0)
      return start_server(cluster, error);
    if (failure != NULL) {
      g_propagate_error(error, g_steal_pointer(&failure));
      return FALSE;
    }
    g_autoptr(PgConnection) connection = NULL;
    gboolean is_alive = FALSE;
    if (try_connect(cluster, cluster->dsn, &connection, &is_alive, &reason))
      return TRUE;
    if (is_alive)
      deadline_us = deadline_in(START_TIMEOUT_S);
    if (g_get_monotonic_time() > deadline_us) {
      error_set(error, CCH_ERROR_CLUSTER_FAILED, "another process runs the cluster, but it cannot be reached: %s",
                reason);
      return FALSE;
    }
    if (!sleep_ms(POLL_MS, cluster->stop, error))
      return FALSE;
  }
}

/* Waits until our server has ended, or the process that ran it. FALSE: the cluster is to stop. */
static gboolean
await_change(PgCluster *cluster)
{
  while (sleep_ms(WATCH_MS, cluster->stop, NULL)) {
    if (cluster->postmaster != NULL) {
      if (!child_process_wait(cluster->postmaster, 0, NULL))
        continue;
      child_process_free(g_steal_pointer(&cluster->postmaster));
      return TRUE;
    }
    cluster->lock_fd = cluster_place_try_lock(&cluster->place, NULL);
    if (cluster->lock_fd >= 0)
      return TRUE;
  }
  return FALSE;
}

static void
settle_start(PgCluster *cluster, GError *error)
{
  g_mutex_lock(&cluster->mutex);
  cluster->is_settled = TRUE;
  cluster->error = error;
  g_cond_broadcast(&cluster->changed);
  g_mutex_unlock(&cluster->mutex);
}

/* This thread starts the server and lives as long as it does, because the parent-death signal is sent when the
 * thread ends, not the process. It restarts a killed server, and takes over when the process that ran the server
 * ends. */
static gpointer
keeper_thread(gpointer data)
{
  PgCluster *cluster = data;
  GError *error = NULL;
  gboolean is_up = join_or_start(cluster, &error);
  settle_start(cluster, error);
  while (is_up && await_change(cluster))
    while (!join_or_start(cluster, NULL) && sleep_ms(RESTART_DELAY_MS, cluster->stop, NULL))
      ;
  end_postmaster(cluster);
  if (cluster->lock_fd >= 0)
    close(cluster->lock_fd);
  return NULL;
}

static void
forward_cancel(GCancellable *cancellable, gpointer stop)
{
  (void)cancellable;
  g_cancellable_cancel(stop);
}

PgCluster *
pg_cluster_open(const PgClusterOptions *options, GCancellable *cancellable, GError **error)
{
  g_autoptr(PgCluster) cluster = g_new0(PgCluster, 1);
  g_mutex_init(&cluster->mutex);
  g_cond_init(&cluster->changed);
  cluster->stop = g_cancellable_new();
  cluster->lock_fd = -1;
  if (!cluster_place_prepare(&cluster->place, options->data_dir, options->user, error))
    return NULL;
  cluster->pg_bin_dir = g_strdup(options->pg_bin_dir);
  cluster->dsn = make_dsn(&cluster->place, ROLE, DATABASE);
  cluster->maintenance_dsn = make_dsn(&cluster->place, SUPERUSER, "postgres");
  cluster->keeper = g_thread_try_new("cluster", keeper_thread, cluster, error);
  if (cluster->keeper == NULL)
    return NULL;

  gulong handler = 0;
  if (cancellable != NULL)
    handler = g_cancellable_connect(cancellable, G_CALLBACK(forward_cancel), cluster->stop, NULL);
  g_mutex_lock(&cluster->mutex);
  while (!cluster->is_settled)
    g_cond_wait(&cluster->changed, &cluster->mutex);
  GError *failure = g_steal_pointer(&cluster->error);
  g_mutex_unlock(&cluster->mutex);
  g_cancellable_disconnect(cancellable, handler);
  if (failure == NULL)
    return g_steal_pointer(&cluster);
  g_propagate_error(error, failure);
  return NULL;
}

const char *
pg_cluster_dsn(const PgCluster *cluster)
{
  return cluster->dsn;
}

gboolean
pg_cluster_is_new(const PgCluster *cluster)
{
  return cluster->is_new;
}

void
pg_cluster_close(PgCluster *cluster)
{
  if (cluster == NULL)
    return;
  g_cancellable_cancel(cluster->stop);
  if (cluster->keeper != NULL)
    g_thread_join(cluster->keeper);
  cluster_place_clear(&cluster->place);
  g_clear_error(&cluster->error);
  g_clear_object(&cluster->stop);
  g_mutex_clear(&cluster->mutex);
  g_cond_clear(&cluster->changed);
  g_free(cluster->pg_bin_dir);
  g_free(cluster->dsn);
  g_free(cluster->maintenance_dsn);
  g_free(cluster);
}
