/* Loads an archive into a fresh database, over several connections at once.
 *
 * Fast because it is not one transaction: each entry commits by itself, a table's rows are split between connections,
 * indexes are built side by side. So whatever fails or is cancelled leaves a database that is good for nothing but to
 * be dropped; the caller drops it, and makes nobody use it before. Errors are judged as in the single-transaction way
 * (backup/restore/restore.h): what that one goes on after, this one does, with the same warnings. */
#pragma once

#include "archive/rows/row_hash.h"
#include "backup/plan/plan.h"
#include "backup/report/progress.h"

#include <gio/gio.h>

#define LOAD_MAX_JOBS 64

typedef struct {
  const char *dsn;    /* of the fresh database: made from template0 or the like, with nobody else in it */
  guint jobs;         /* connections that work at once, 1 to LOAD_MAX_JOBS; one more leads */
  gboolean hash_rows; /* for comparing with a manifest */
} LoadOptions;

/* What was loaded into one table. */
typedef struct {
  const TocEntry *entry; /* the TABLE DATA; the reader's */
  RowTotals totals;      /* that the archive holds and the server took; the hash where it was asked for */
} LoadedTable;

typedef struct {
  GArray *tables; /* LoadedTable, in the archive's order: those of the plan that have a data block */
} LoadResult;

void load_result_free(LoadResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoadResult, load_result_free)

/* Applies the whole plan. Returns when all connections are closed and none of their statements runs any more; the
 * error is the first that happened, not the cancellations that followed it. Where the reader has only been scanned,
 * damage in a block shows here, as ARCHIVE_CORRUPT.
 *
 * Commits are asynchronous: nothing is safe from a crash of the server until something else has committed
 * synchronously, or a checkpoint has passed. ALTER DATABASE … RENAME does. */
LoadResult *backup_load(ArchiveReader *reader, const RestorePlan *plan, const LoadOptions *options,
                        BackupProgress *progress, GCancellable *cancellable, GError **error);
