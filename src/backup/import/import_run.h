/* Steps that both methods of an import share. */
#pragma once

#include "backup/hub_level/hub_level.h"
#include "backup/import/import.h"
#include "backup/plan/plan.h"
#include "backup/report/progress.h"
#include "pg/connection/connection.h"

typedef struct {
  ArchiveReader *reader;
  const BackupImportOptions *options;
  BackupLock *lock;
  BackupProgress *progress;
  GCancellable *cancellable;
  HubLevel level;      /* before the import */
  gboolean is_begun;   /* the database has been reached: an error message says that it is unchanged */
  gboolean is_swapped; /* the new database is live, with coarse statistics */
  gboolean has_told;   /* what the plan leaves out has been reported */
} ImportRun;

/* Connects to the live database, with client_encoding UTF-8. */
PgConnection *import_run_connect(ImportRun *run, GError **error);

/* Plans the import of the archive into the live database; reports what is left out. */
RestorePlan *import_run_plan(ImportRun *run, PgConnection *live, GError **error);

/* The last steps of an import, in the transaction of `connection`, which is to the filled database. `rows`: the
 * imported rows. If a migration fails, everything is rolled back. */
gboolean import_run_migrate(ImportRun *run, PgConnection *connection, GError **error);
gboolean import_run_audit(ImportRun *run, PgConnection *connection, const RestorePlan *plan, BackupMethod method,
                          guint64 rows, GError **error);
