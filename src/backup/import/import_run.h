/* What the two ways of an import share: import.c has the frame and the way by one transaction, import_swap.c the way by
 * swap. */
#pragma once

#include "backup/import/import.h"
#include "backup/plan/plan.h"
#include "backup/report/progress.h"
#include "pg/connection.h"
#include "pg/migrate.h"

typedef struct {
  ArchiveReader *reader;
  const BackupImportOptions *options;
  BackupLock *lock;
  BackupProgress *progress;
  GCancellable *cancellable;
  PgConnection *connection; /* to the database that is being filled; until the way is chosen, to the live one */
  MigrateResult migrated;
  gboolean is_begun; /* the database has been reached: an error says that it is as before */
  gboolean has_told; /* what the plan leaves out */
} ImportRun;

/* To the live database. */
gboolean import_run_connect(ImportRun *run, GError **error);

/* Of what the archive has for this database; tells what is left out. */
RestorePlan *import_run_plan(ImportRun *run, GError **error);

/* In the transaction of `run->connection`. */
gboolean import_run_migrate(ImportRun *run, GError **error);
gboolean import_run_audit(ImportRun *run, const RestorePlan *plan, BackupMethod method, GError **error);

/* The whole way by swap. IMPORT_SWAP_IMPOSSIBLE, with the reason as message, when it cannot be: nothing has happened
 * then, but that the reader has been scanned. */
gboolean import_by_swap(ImportRun *run, GError **error);
