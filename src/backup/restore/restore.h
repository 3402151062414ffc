/* Applies a plan's steps on one connection, each as a unit that fails or succeeds on its own.
 *
 * This module holds what all ways of applying an archive share: the session's settings, units and their retries, an
 * entry's SQL and the meaning of its errors, rows by COPY, large objects. Each way is a table of its differences
 * (backup/restore/way.h). */
#pragma once

#include "backup/plan/plan.h"
#include "backup/report/progress.h"
#include "pg/connection/connection.h"

/* The longest a single attempt at a table lock may take. It is short because everyone who queues behind us waits as
 * long. */
#define RESTORE_LOCK_TIMEOUT_MS 2000

typedef struct Restore Restore;
typedef struct RestoreWay RestoreWay; /* backup/restore/way.h */

/* How a failed step alone is undone. */
typedef enum {
  RESTORE_BY_SAVEPOINT,  /* inside the one transaction that the caller has begun */
  RESTORE_BY_TRANSACTION /* each step commits; a deadlock is retried; locks are waited for without a limit */
} RestoreUnit;

/* The caller owns all of these. They must outlive the restore. */
typedef struct {
  PgConnection *connection;
  ArchiveReader *reader;
  const RestorePlan *plan;
  BackupProgress *progress;
  GCancellable *cancellable; /* may be NULL */
  const RestoreWay *way;
  gpointer way_state; /* the state of the way's functions (restore_way_state); may be NULL */
  RestoreUnit unit;
  guint lock_wait_s; /* total wait for table locks, from now on */
} RestoreOptions;

/* Starts nothing yet. */
Restore *restore_new(const RestoreOptions *options);
void restore_free(Restore *restore);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Restore, restore_free)

/* Sets what pg_restore sets in its session (_doSetFixedOutputState), and our lock_timeout for the kind of unit. */
gboolean restore_prepare_session(Restore *restore, GError **error);

/* Sets client_encoding. SQL_ASCII is no encoding but bytes unchecked: they are taken as, and checked against, the
 * database's encoding. Names from the archive are in the archive's encoding: send them to the server, or compare them
 * with the server's, only on a connection that uses it. Our own texts are UTF-8, the encoding of a new connection.
 */
gboolean restore_speak_archive(PgConnection *connection, const ArchiveReader *reader, GError **error);
gboolean restore_speak_utf8(PgConnection *connection, GError **error);

/* SQL of an archive can end its transaction and begin another. After each unit, the connection must therefore still
 * be in the same transaction, by status and ID. Otherwise: IMPORT_OUTCOME_UNKNOWN, with the outcome of that
 * transaction, and no transaction is open. (Units inside a caller's transaction are checked during restore_apply
 * only.)
 */

/* Runs SQL as a unit. While a lock is not available, reports that and tries again until the deadline. After any
 * other error the unit is rolled back and the error returned. */
gboolean restore_run_sql(Restore *restore, const char *sql, GError **error);

/* The same for `func`, run inside the unit. */
typedef gboolean (*RestoreFunc)(Restore *restore, gpointer user_data, GError **error);
gboolean restore_run(Restore *restore, RestoreFunc func, gpointer user_data, GError **error);

/* Copies an entry's rows by the given COPY statement, with progress. */
gboolean restore_copy_rows(Restore *restore, const TocEntry *entry, const char *copy_sql, guint64 *ret_rows,
                           GError **error);

/* The ID of the transaction of restore_apply's units; NULL if none was noted. Owned by the restore. */
const char *restore_transaction_id(const Restore *restore);

/* TRUE if SQL of restore_run_sql ended a transaction, or went back to a savepoint. Known also when the connection was
 * lost meanwhile. */
gboolean restore_has_sql_ended_transaction(const Restore *restore);

/* Applies the whole plan by the way, from beginning to end. */
gboolean restore_apply(Restore *restore, GError **error);

/* Parts of restore_apply: the steps of one stage, in the way's order; one step. TRUE also if the step failed and the
 * restore can go on (with a warning). */
gboolean restore_apply_stage(Restore *restore, PlanStage stage, GError **error);
gboolean restore_apply_step(Restore *restore, const RestoreStep *step, GError **error);

/* Reports that a stage begins. */
void restore_enter_stage(Restore *restore, PlanStage stage);
