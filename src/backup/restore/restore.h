/* A restore in progress on one connection: a plan's steps are applied, each as a unit that fails or succeeds by itself.
 *
 * What all ways of applying an archive share is here: the session's settings, units and their retries, an entry's SQL
 * and what its error means, rows by COPY, large objects. What a way does differently is a table of its own
 * (backup/restore/way.h). */
#pragma once

#include "backup/plan/plan.h"
#include "backup/report/progress.h"
#include "pg/connection/connection.h"

/* How long one attempt at a table lock may take; short, because whoever comes behind us in the queue waits as long. */
#define RESTORE_LOCK_TIMEOUT_MS 2000

typedef struct Restore Restore;
typedef struct RestoreWay RestoreWay; /* backup/restore/way.h */

/* What undoes a failed step and only that. */
typedef enum {
  RESTORE_BY_SAVEPOINT,  /* inside the one transaction that the caller has begun */
  RESTORE_BY_TRANSACTION /* each step commits; a deadlock is retried; locks are waited for without a limit */
} RestoreUnit;

/* All are the caller's, and outlive the restore. */
typedef struct {
  PgConnection *connection;
  ArchiveReader *reader;
  const RestorePlan *plan;
  BackupProgress *progress;
  GCancellable *cancellable; /* may be NULL */
  const RestoreWay *way;
  gpointer way_state; /* what the way's functions keep (restore_way_state); may be NULL */
  RestoreUnit unit;
  guint lock_wait_s; /* how long to wait for table locks in all, from now on */
} RestoreOptions;

/* Nothing is started yet. */
Restore *restore_new(const RestoreOptions *options);
void restore_free(Restore *restore);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Restore, restore_free)

/* What pg_restore sets on its session (_doSetFixedOutputState), and our lock_timeout by the unit. */
gboolean restore_prepare_session(Restore *restore, GError **error);

/* Names that come from the archive are in its encoding: whoever gives them to the server, or compares the server's with
 * them, does so on a connection that speaks it. What comes from us is UTF-8, as every connection is when it is opened.
 */
gboolean restore_speak_archive(PgConnection *connection, const ArchiveReader *reader, GError **error);
gboolean restore_speak_utf8(PgConnection *connection, GError **error);

/* SQL of an archive can end the transaction that it runs in, and begin another. So after each unit the connection has
 * to be in the transaction that was begun, by its status and ID: else IMPORT_OUTCOME_UNKNOWN, with what became of that
 * transaction, and nothing is open any more. (Of units inside a caller's transaction this holds during restore_apply.)
 */

/* Runs SQL as a unit; while a lock cannot be had, says so and tries again until the deadline. On another error the unit
 * is rolled back and the error returned. */
gboolean restore_run_sql(Restore *restore, const char *sql, GError **error);

/* As above for whatever `func` does inside the unit. */
typedef gboolean (*RestoreFunc)(Restore *restore, gpointer user_data, GError **error);
gboolean restore_run(Restore *restore, RestoreFunc func, gpointer user_data, GError **error);

/* COPY of an entry's rows by the given statement; progress is told. */
gboolean restore_copy_rows(Restore *restore, const TocEntry *entry, const char *copy_sql, guint64 *ret_rows,
                           GError **error);

/* Of the transaction that restore_apply's units run in; NULL: none was noted. Owned by the restore. */
const char *restore_transaction_id(const Restore *restore);

/* Applies the whole plan by the way, from its beginning to its end. */
gboolean restore_apply(Restore *restore, GError **error);

/* The parts of it: the steps of one stage in the way's order; one step, TRUE also when it failed and may be gone on
 * after (a warning has been given). */
gboolean restore_apply_stage(Restore *restore, PlanStage stage, GError **error);
gboolean restore_apply_step(Restore *restore, const RestoreStep *step, GError **error);

/* Tells that a stage begins. */
void restore_enter_stage(Restore *restore, PlanStage stage);
