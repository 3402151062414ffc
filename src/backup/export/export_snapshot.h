/* The connections of an export, which all see the database at one instant.
 *
 * The first one, the leader, locks every table in ACCESS SHARE mode, and only then takes its snapshot: what it sees in
 * the catalog nobody can change any more. The others take over that snapshot and lock the tables too, at once and
 * without waiting: a lock that they ask for later could queue behind somebody who waits for the leader's, and no
 * deadlock detector would see that the leader waits for them. Each session is set up as pg_dump sets up its own, so
 * that the rows come out as pg_dump's would. */
#pragma once

#include "pg/connection/connection.h"

typedef struct {
  GPtrArray *connections; /* PgConnection; the first is the leader */
  char *dsn;              /* of the very server that the leader is connected to */
  char *id;               /* for SET TRANSACTION SNAPSHOT; good while the leader's transaction lasts */
  char *time;             /* UTC, "2026-01-29T10:30:00.123Z" */
  char *encoding;         /* the database's, in which all of this is read */
  char *lock_sql;         /* locks all tables; NULL: there are none */
  guint n_tables;
} ExportSnapshot;

/* Opens the leader and takes the snapshot. `cancellable` is the connections' from now on. Waits up to a minute for the
 * tables' locks, then DATABASE_LOCK_TIMEOUT. */
ExportSnapshot *export_snapshot_take(const char *dsn, GCancellable *cancellable, GError **error);

/* Adds connections until there are `jobs` of them, the leader included; fewer where the server has no room for more, or
 * for their locks. FALSE with *ret_lock_waited when somebody is waiting for a lock that the leader holds: start over.
 */
gboolean export_snapshot_join(ExportSnapshot *snapshot, guint jobs, GCancellable *cancellable,
                              gboolean *ret_lock_waited, GError **error);

/* TRUE when another session waits for a lock that the leader holds. */
gboolean export_snapshot_is_in_the_way(ExportSnapshot *snapshot);

void export_snapshot_free(ExportSnapshot *snapshot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExportSnapshot, export_snapshot_free)

/* How long the leader, and how long pg_dump, wait for locks. Where pg_dump has to wait at all, somebody else has come
 * between it and the leader, and everything starts over. */
#define EXPORT_LOCK_WAIT_MS         60000
#define EXPORT_PG_DUMP_LOCK_WAIT_MS 5000
#define EXPORT_MAX_ATTEMPTS         5
