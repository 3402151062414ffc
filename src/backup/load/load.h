/* Loads an archive into a new database, over several connections at once.
 *
 * It is fast because it is not one transaction: each entry commits by itself, a table's rows are split between
 * connections, and indexes are built in parallel. A load that failed or was cancelled therefore leaves an unusable
 * database. The caller drops it, and keeps everyone else out until the load is complete. Errors are judged as in one
 * transaction (backup/restore/restore.h): the same ones are ignored, with the same warnings. */
#pragma once

#include "archive/rows/row_hash.h"
#include "backup/plan/plan.h"
#include "backup/report/progress.h"

#include <gio/gio.h>

#define LOAD_MAX_JOBS 64

typedef struct {
  const char *dsn;    /* of the new database, which has just been created from a template and has no other sessions */
  guint jobs;         /* connections that work in parallel, 1 to LOAD_MAX_JOBS; the leader is one more */
  gboolean hash_rows; /* for comparison with a manifest */
} LoadOptions;

/* The rows loaded into one table. */
typedef struct {
  const TocEntry *entry; /* the TABLE DATA entry; owned by the reader */
  RowTotals totals;      /* rows in the archive, all taken by the server; the hash if requested */
} LoadedTable;

typedef struct {
  GArray *tables; /* LoadedTable for each table of the plan with a data block, in the archive's order */
} LoadResult;

void load_result_free(LoadResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoadResult, load_result_free)

/* Applies the whole plan. Returns when all connections are closed and none of their statements runs. The error is the
 * first failure, not a cancellation that followed it. If the reader was only scanned, a damaged block is found here:
 * ARCHIVE_CORRUPT.
 *
 * Commits are asynchronous. Nothing is safe from a crash of the server until a later synchronous commit or a
 * checkpoint. ALTER DATABASE … RENAME brings one. */
LoadResult *backup_load(ArchiveReader *reader, const RestorePlan *plan, const LoadOptions *options,
                        BackupProgress *progress, GCancellable *cancellable, GError **error);
