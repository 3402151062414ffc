/* What the two ways of an import share. */
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
  HubLevel level;    /* before the import */
  gboolean is_begun; /* the database has been reached: an error says that it is as before */
  gboolean has_told; /* what the plan leaves out */
} ImportRun;

/* To the live database; the connection speaks UTF-8. */
PgConnection *import_run_connect(ImportRun *run, GError **error);

/* Of what the archive has for the live database; tells what is left out. */
RestorePlan *import_run_plan(ImportRun *run, PgConnection *live, GError **error);

/* The last parts of an import, in the transaction of `connection`, which is to the database that was filled. `rows`:
 * that it has got. If a migration fails, nothing has happened. */
gboolean import_run_migrate(ImportRun *run, PgConnection *connection, GError **error);
gboolean import_run_audit(ImportRun *run, PgConnection *connection, const RestorePlan *plan, BackupMethod method,
                          guint64 rows, GError **error);
