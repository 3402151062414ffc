/* The connections of an export, which share one snapshot.
 *
 * The first one, the leader, locks every table in ACCESS SHARE mode and then takes its snapshot, so nobody can
 * change the catalog that it sees. The others import that snapshot and lock the tables, too, at once and without
 * waiting. A later lock could queue behind a session that waits for the leader, and no deadlock detector would see
 * that the leader waits for the others. Each session has pg_dump's settings, so that rows look as pg_dump writes
 * them. */
#pragma once

#include "pg/connection/connection.h"

typedef struct {
  GPtrArray *connections; /* PgConnection; the first is the leader */
  char *dsn;              /* the server that the leader is connected to */
  char *id;               /* for SET TRANSACTION SNAPSHOT; valid during the leader's transaction */
  char *time;             /* UTC, "2026-01-29T10:30:00.123Z" */
  char *encoding;         /* of the database, and of everything read from it */
  char *time_zone;        /* in which timestamps are written */
  char *lock_sql;         /* locks all tables; NULL if there are none */
  guint n_tables;
} ExportSnapshot;

/* Opens the leader and takes the snapshot. `cancellable` belongs to all the connections from now on. Waits up to a
 * minute for the table locks, then DATABASE_LOCK_TIMEOUT. */
ExportSnapshot *export_snapshot_take(const char *dsn, GCancellable *cancellable, GError **error);

/* Opens connections up to a total of `jobs`, the leader included. Opens fewer if the server has no room for more, or
 * for their locks. FALSE with *ret_lock_waited if another session waits for a lock that the leader holds: start
 * over.
 */
gboolean export_snapshot_join(ExportSnapshot *snapshot, guint jobs, GCancellable *cancellable,
                              gboolean *ret_lock_waited, GError **error);

/* TRUE if another session waits for a lock that the leader holds. */
gboolean export_snapshot_is_in_the_way(ExportSnapshot *snapshot);

void export_snapshot_free(ExportSnapshot *snapshot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExportSnapshot, export_snapshot_free)

/* How long the leader and pg_dump wait for locks. If pg_dump has to wait at all, another session has come between it
 * and the leader, and everything starts over. */
#define EXPORT_LOCK_WAIT_MS         60000
#define EXPORT_PG_DUMP_LOCK_WAIT_MS 5000
#define EXPORT_MAX_ATTEMPTS         5
