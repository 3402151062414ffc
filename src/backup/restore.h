/* A restore in progress: one transaction on one connection, in which a plan's steps are applied, each under a
 * savepoint.
 *
 * What overwriting and merging share is here: the session's settings, running an entry's SQL and judging its error,
 * rows by COPY, large objects. What differs is in overwrite.h and merge.h. */
#pragma once

#include "backup/import.h"
#include "backup/plan.h"
#include "backup/progress.h"
#include "backup/verdict.h"
#include "pg/connection.h"

typedef struct MergeState MergeState; /* backup/merge.h */

/* How long one attempt at a table lock may take; short, because whoever comes behind us in the queue waits as long. */
#define RESTORE_LOCK_TIMEOUT_MS 2000

typedef struct {
  PgConnection *connection;
  ArchiveReader *reader;
  const RestorePlan *plan;
  BackupProgress *progress;
  GCancellable *cancellable;
  gboolean is_merge;
  gint64 lock_deadline_us; /* monotonic: when waiting for table locks ends */
  GHashTable *present;     /* dump IDs whose object was there already, or could not be made: what belongs to it is left
                              as it is */
  GHashTable *present_large_objects; /* OIDs likewise */
  GHashTable *created_large_objects; /* OIDs: those that this import made */
  MergeState *merge;
  GHashTable *kept_extensions; /* names: extensions that another role owns stay as they are */
  char *default_tablespace;    /* as last set; "" is the database's own */
} Restore;

/* `lock_wait_s`: how long to wait for table locks in all. Nothing is started yet. */
Restore *restore_new(PgConnection *connection, ArchiveReader *reader, const RestorePlan *plan, BackupProgress *progress,
                     GCancellable *cancellable, gboolean is_merge, guint lock_wait_s);
void restore_free(Restore *restore);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Restore, restore_free)

/* What pg_restore sets on its session (_doSetFixedOutputState), and our lock_timeout. */
gboolean restore_prepare_session(Restore *restore, GError **error);

/* Runs SQL under a savepoint; while a lock cannot be had, says so and tries again until the deadline. On another error
 * the savepoint is rolled back and the error returned. */
gboolean restore_run_sql(Restore *restore, const char *sql, GError **error);

/* As above for whatever `func` does inside the savepoint. */
typedef gboolean (*RestoreFunc)(Restore *restore, gpointer user_data, GError **error);
gboolean restore_run(Restore *restore, RestoreFunc func, gpointer user_data, GError **error);

/* Applies all steps. */
gboolean restore_apply(Restore *restore, GError **error);

/* COPY of an entry's rows by the given statement; progress is told. */
gboolean restore_copy_rows(Restore *restore, const TocEntry *entry, const char *copy_sql, guint64 *ret_rows,
                           GError **error);

/* TRUE when the entry's object, or one that it depends on, was there already. */
gboolean restore_is_present(const Restore *restore, const TocEntry *entry);
void restore_mark_present(Restore *restore, const TocEntry *entry);
