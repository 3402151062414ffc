/* A private PostgreSQL cluster, for those who name no database.
 *
 * It lives in <data_dir>/postgresql: initdb on first use, a Unix socket in a 0700 directory, no TCP port. When we run
 * as root it runs as an unprivileged user who owns that directory. One process runs it; others on the same machine (the
 * command line beside a running service) find it running and use it. When the process that runs it ends, one of the
 * others starts it again, so a connection that then fails is worth another try.
 *
 * Its databases belong to the role cch_data, which is no superuser and may make databases: an archive's SQL runs as
 * that role, and can neither start programs nor read files of the cluster's system user. The superuser is for starting
 * the cluster only; a cluster of an earlier version is handed over when it starts.
 *
 * A server that was killed is started again. After a kill -9 of the process that runs it, the postmaster shuts down by
 * itself (it gets SIGINT as parent-death signal), and the next start waits for that, or recovers what is left. */
#pragma once

#include "pg/programs/program.h"

#include <gio/gio.h>

typedef struct PgCluster PgCluster;

typedef struct {
  const char *data_dir;   /* absolute */
  const char *pg_bin_dir; /* NULL: search */
  const char *user;       /* system user when we are root */
} PgClusterOptions;

/* Finds the running cluster, or makes and starts it. CONFIG when it cannot live there (the message says what to
 * change), CLUSTER_FAILED with the end of its log in the message, CANCELLED. */
PgCluster *pg_cluster_open(const PgClusterOptions *options, GCancellable *cancellable, GError **error);

/* The DSN of its database `cch`; owned by the cluster. */
const char *pg_cluster_dsn(const PgCluster *cluster);

/* TRUE when initdb ran in this open. */
gboolean pg_cluster_is_new(const PgCluster *cluster);

/* Stops the cluster (fast shutdown, waits) if this object runs it; frees. NULL is ignored. */
void pg_cluster_close(PgCluster *cluster);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PgCluster, pg_cluster_close)
