/* The private cluster's files, and what they show without a connection.
 *
 *   <data_dir>/postgresql.lock      flock: held by the process that runs the cluster, as long as it lives
 *   <data_dir>/postgresql/          0700, owned by the user that PostgreSQL runs as
 *     data/                         PGDATA: exists only after a complete initdb
 *     data.new-<random>/            an initdb that is running, or was killed
 *     socket/                       0700 */
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

typedef struct {
  char *base_dir;
  char *pg_data;
  char *socket_dir;
  char *lock_path;
  uid_t uid; /* 0: we are not root, and PostgreSQL runs as our own user */
  gid_t gid;
} ClusterPlace;

#define CLUSTER_PORT "5432" /* only names the socket; set explicitly, because of PGPORT */

/* Creates the directories and checks that PostgreSQL can run there: CONFIG says what to change. `user` is only used
 * if we are root. */
gboolean cluster_place_prepare(ClusterPlace *place, const char *data_dir, const char *user, GError **error);
void cluster_place_clear(ClusterPlace *place);

/* The lock's descriptor; -1 without an error if another process has the lock. Closing it releases the lock. */
int cluster_place_try_lock(const ClusterPlace *place, GError **error);

/* Whether there is a cluster; CLUSTER_FAILED if something else is in its place. */
gboolean cluster_place_has_data(const ClusterPlace *place, gboolean *ret_has_data, GError **error);

/* The major version of the data ("15"), or NULL; free with g_free. */
char *cluster_place_data_version(const ClusterPlace *place);

/* A directory name for a new initdb; free with g_free. */
char *cluster_place_new_data_path(const ClusterPlace *place);

/* Moves the result of a finished initdb to its place, durably. */
gboolean cluster_place_adopt(const ClusterPlace *place, const char *new_data_path, GError **error);

/* Removes the leftovers of killed initdbs. Never removes a directory in which a server has run. */
void cluster_place_sweep(const ClusterPlace *place, GCancellable *cancellable);

/* PID of the postmaster that runs on this data, by whomever it was started; 0: none. */
pid_t cluster_place_postmaster(const ClusterPlace *place);

/* TRUE if the last postmaster did not shut down cleanly, or none has ended yet. */
gboolean cluster_place_has_pid_file(const ClusterPlace *place);

/* The end of the server's log, limited to what was written since `since_s` (Unix time); "" if nothing was. */
char *cluster_place_log_tail(const ClusterPlace *place, gint64 since_s);
