/* A private PostgreSQL cluster, for users who name no database.
 *
 * It is in <data_dir>/postgresql: initdb on first use, a Unix socket in a 0700 directory, no TCP port. If we run as
 * root, it runs as an unprivileged user who owns that directory. One process runs it. Others on the same machine (the
 * command line beside a running service) find and use it. When the process that runs it ends, another one starts it
 * again, so a failed connection is worth another attempt.
 *
 * Its databases belong to the role cch_data, which is no superuser and may create databases. An archive's SQL runs as
 * that role, and can neither start programs nor read files of the cluster's system user. The superuser is only used to
 * start the cluster; a cluster of an earlier version is handed over when it starts.
 *
 * A killed server is started again. After a kill -9 of the process that runs it, the postmaster shuts down by itself
 * (SIGINT is its parent-death signal). The next start waits for that, or recovers what is left. */
#pragma once

#include "pg/programs/program.h"

#include <gio/gio.h>

typedef struct PgCluster PgCluster;

typedef struct {
  const char *data_dir;   /* absolute */
  const char *pg_bin_dir; /* NULL: search */
  const char *user;       /* system user if we are root */
} PgClusterOptions;

/* Finds the running cluster, or creates and starts it. Errors: CONFIG if it cannot run there (the message says what
 * to change), CLUSTER_FAILED with the end of its log, CANCELLED. */
PgCluster *pg_cluster_open(const PgClusterOptions *options, GCancellable *cancellable, GError **error);

/* The DSN of its database `cch`; owned by the cluster. */
const char *pg_cluster_dsn(const PgCluster *cluster);

/* TRUE if this open ran initdb. */
gboolean pg_cluster_is_new(const PgCluster *cluster);

/* Stops the cluster (fast shutdown, waits) if this object runs it; frees. NULL is ignored. */
void pg_cluster_close(PgCluster *cluster);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PgCluster, pg_cluster_close)
