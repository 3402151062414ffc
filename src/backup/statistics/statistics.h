/* Planner statistics of a database that has just been filled, in two stages, as by vacuumdb --analyze-in-stages.
 *
 * Without any, queries would be planned as if the tables were nearly empty. Coarse ones, from 300 rows of each table,
 * take a tenth of a second of processor time, and the database goes live with them. The full ones are owed from then
 * on: a record in cch_data, written with the import, outlives whoever collects them. They are collected while the
 * database is in use: ANALYZE lets others read and write, and waits for a lock two seconds at most. Nobody else would
 * collect them, because autovacuum counts the rows that have changed since any ANALYZE. */
#pragma once

#include "pg/connection/connection.h"

#include <gio/gio.h>

/* Collects coarse statistics of all tables that this role may analyze. */
gboolean statistics_collect_coarse(const char *dsn, GCancellable *cancellable, GError **error);

/* Records that this database owes full statistics; in the caller's transaction. Records of databases that are gone are
 * removed. */
gboolean statistics_record_owed(PgConnection *connection, GError **error);

/* Whether the connection's database owes them; FALSE also where nothing can be recorded. */
gboolean statistics_are_owed(PgConnection *connection, gboolean *ret_are_owed, GError **error);

typedef enum {
  STATISTICS_NOT_OWED,
  STATISTICS_IN_WORK, /* by another process */
  STATISTICS_LEFT,    /* of some tables, because others hold locks on them or for lack of resources; still owed */
  STATISTICS_COMPLETE
} StatisticsOutcome;

/* Collects the full ones if they are owed, one table at a time. After a failure they are still owed. A table that
 * is gone by now, or whose own functions fail, is passed over. */
gboolean statistics_complete(const char *dsn, StatisticsOutcome *ret_outcome, GCancellable *cancellable,
                             GError **error);

/* A thread that completes them if they are owed: at once, when woken, and every `interval_s`. Free stops it. */
typedef struct StatisticsKeeper StatisticsKeeper;
StatisticsKeeper *statistics_keeper_start(const char *dsn, guint interval_s);
void statistics_keeper_wake(StatisticsKeeper *keeper);
void statistics_keeper_free(StatisticsKeeper *keeper);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StatisticsKeeper, statistics_keeper_free)
