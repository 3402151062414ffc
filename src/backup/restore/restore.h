/* A restore in progress on one connection: a plan's steps are applied, each as a unit that fails or succeeds by itself.
 *
 * What overwriting, merging and loading share is here: the session's settings, running an entry's SQL and judging its
 * error, rows by COPY, large objects. What differs is in overwrite.h, merge.h and load.h. */
#pragma once

#include "backup/import/import.h"
#include "backup/plan/plan.h"
#include "backup/report/progress.h"
#include "backup/restore/verdict.h"
#include "pg/connection.h"

typedef struct MergeState MergeState; /* backup/merge/merge.h */

/* How long one attempt at a table lock may take; short, because whoever comes behind us in the queue waits as long. */
#define RESTORE_LOCK_TIMEOUT_MS 2000

/* What undoes a failed step and only that. */
typedef enum {
  RESTORE_BY_SAVEPOINT,  /* inside the one transaction that the caller has begun */
  RESTORE_BY_TRANSACTION /* each step commits; a deadlock is retried; locks are waited for without a limit */
} RestoreUnit;

typedef struct {
  PgConnection *connection;
  ArchiveReader *reader;
  const RestorePlan *plan;
  BackupProgress *progress;
  GCancellable *cancellable;
  RestoreUnit unit; /* as made: by savepoint */
  gboolean is_merge;
  gint64 lock_deadline_us; /* monotonic: when waiting for table locks ends */
  GHashTable *present;     /* dump IDs whose object was there already, or could not be made: what belongs to it is left
                              as it is */
  GHashTable *present_large_objects; /* OIDs likewise */
  GHashTable *created_large_objects; /* OIDs: those that this import made */
  MergeState *merge;
  BackupOnConflict on_conflict; /* of a merge; ON_CONFLICT_SKIP unless the caller sets it */
  GHashTable *kept_extensions;  /* names: extensions that another role owns stay as they are */
  char *default_tablespace;     /* as last set; "" is the database's own */
} Restore;

/* `lock_wait_s`: how long to wait for table locks in all. Nothing is started yet. */
Restore *restore_new(PgConnection *connection, ArchiveReader *reader, const RestorePlan *plan, BackupProgress *progress,
                     GCancellable *cancellable, gboolean is_merge, guint lock_wait_s);
void restore_free(Restore *restore);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Restore, restore_free)

/* What pg_restore sets on its session (_doSetFixedOutputState), and our lock_timeout by the unit. */
gboolean restore_prepare_session(Restore *restore, GError **error);

/* Names that come from the archive are in its encoding: whoever gives them to the server, or compares the server's with
 * them, does so on a connection that speaks it. What comes from us is UTF-8, as every connection is when it is opened.
 */
gboolean restore_speak_archive(PgConnection *connection, const ArchiveReader *reader, GError **error);
gboolean restore_speak_utf8(PgConnection *connection, GError **error);

/* Runs SQL as a unit; while a lock cannot be had, says so and tries again until the deadline. On another error the unit
 * is rolled back and the error returned. */
gboolean restore_run_sql(Restore *restore, const char *sql, GError **error);

/* As above for whatever `func` does inside the unit. */
typedef gboolean (*RestoreFunc)(Restore *restore, gpointer user_data, GError **error);
gboolean restore_run(Restore *restore, RestoreFunc func, gpointer user_data, GError **error);

/* Applies all steps. */
gboolean restore_apply(Restore *restore, GError **error);

/* Applies the steps of one stage in the plan's order. */
gboolean restore_apply_stage(Restore *restore, PlanStage stage, GError **error);

/* Applies one step: TRUE also when it failed and may be gone on after (a warning has been given). */
gboolean restore_apply_step(Restore *restore, const RestoreStep *step, GError **error);

/* Tells that a stage begins. */
void restore_enter_stage(Restore *restore, PlanStage stage);

/* Judges what an entry failed with, and takes it: TRUE to go on (a warning has been given), else the error is passed
 * on, naming the entry. */
gboolean restore_judge(Restore *restore, const TocEntry *entry, GError *failure, GError **error);

/* Tells that a table's rows are worked on; that they are in. */
void restore_say_table(Restore *restore, const TocEntry *entry);
void restore_say_table_done(Restore *restore, const TocEntry *entry, guint64 rows, guint64 inserted);

/* COPY of an entry's rows by the given statement; progress is told. */
gboolean restore_copy_rows(Restore *restore, const TocEntry *entry, const char *copy_sql, guint64 *ret_rows,
                           GError **error);

/* The server ends a COPY at a lone backslash-period wherever it finds one: what it took must be what it was sent, else
 * rows are lost. ARCHIVE_CORRUPT. */
gboolean restore_check_taken(guint64 taken, guint64 sent, GError **error);

/* TRUE when the entry's object, or one that it depends on, was there already. */
gboolean restore_is_present(const Restore *restore, const TocEntry *entry);
void restore_mark_present(Restore *restore, const TocEntry *entry);
