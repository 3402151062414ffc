/* The private cluster's files, and what they tell without a connection.
 *
 *   <data_dir>/postgresql.lock      flock: held by the process that runs the cluster, for as long as it lives
 *   <data_dir>/postgresql/          0700, of the user that PostgreSQL runs as
 *     data/                         PGDATA: there only once initdb has ended well
 *     data.new-<random>/            an initdb that runs, or was killed
 *     socket/                       0700 */
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

typedef struct {
  char *base_dir;
  char *pg_data;
  char *socket_dir;
  char *lock_path;
  uid_t uid; /* 0: we are not root, PostgreSQL runs as ourselves */
  gid_t gid;
} ClusterPlace;

#define CLUSTER_PORT "5432" /* only names the socket; given explicitly, so that PGPORT does not matter */

/* Makes the directories and checks that PostgreSQL can live there: CONFIG says what to change. `user` matters only when
 * we are root. */
gboolean cluster_place_prepare(ClusterPlace *place, const char *data_dir, const char *user, GError **error);
void cluster_place_clear(ClusterPlace *place);

/* The lock's descriptor, or -1: with no error set when another process has it. Closing it releases the lock. */
int cluster_place_try_lock(const ClusterPlace *place, GError **error);

/* Whether there is a cluster; CLUSTER_FAILED when something else is in its place. */
gboolean cluster_place_has_data(const ClusterPlace *place, gboolean *ret_has_data, GError **error);

/* The major version that the data belongs to ("15"), or NULL; free with g_free. */
char *cluster_place_data_version(const ClusterPlace *place);

/* A name for a new initdb; free with g_free. */
char *cluster_place_new_data_path(const ClusterPlace *place);

/* Moves a finished initdb to its place, durably. */
gboolean cluster_place_adopt(const ClusterPlace *place, const char *new_data_path, GError **error);

/* Removes what killed initdbs left. Never a directory in which a server has ever run. */
void cluster_place_sweep(const ClusterPlace *place, GCancellable *cancellable);

/* PID of the postmaster that runs on this data, whoever started it; 0: none. */
pid_t cluster_place_postmaster(const ClusterPlace *place);

/* TRUE when the last postmaster did not shut down in order, or none has ended yet. */
gboolean cluster_place_has_pid_file(const ClusterPlace *place);

/* The end of the server's log, as far as it was written since `since_s` (Unix time); "" when nothing was. */
char *cluster_place_log_tail(const ClusterPlace *place, gint64 since_s);
