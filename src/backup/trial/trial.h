/* Restores an archive for a trial: into a new database beside the live one, which is dropped again.
 *
 * When the rows, indexes and constraints are in place, the rows of every table are read back from the new database and
 * compared with the manifest by count, bytes and hash. The live database is only asked for its properties. The caller
 * holds the backup lock: a janitor drops databases beside the live one that nobody works on (backup/side/janitor.h).
 * Such databases go first, because they take room. */
#pragma once

#include "archive/read/reader.h"
#include "backup/manifest/manifest.h"
#include "backup/report/progress.h"

#include <gio/gio.h>

typedef struct {
  const char *dsn;
  const char *holder; /* the actor, for the record of the new database */
  const Manifest *manifest;
  guint jobs; /* connections that load, as LoadOptions has them */
} TrialOptions;

typedef struct {
  guint n_tables; /* compared */
  guint64 rows;   /* in them */
  gint64 load_ms; /* until the database could have been used */
} TrialResult;

/* The reader is freshly opened. Errors: MANIFEST_MISMATCH names the tables that differ; DISK_FULL before anything is
 * made; IMPORT_SWAP_IMPOSSIBLE if this role may make no database, or cannot give it the live one's properties;
 * ARCHIVE_*, DATABASE_*, CANCELLED. Afterwards the new database is gone, or left to the janitor. */
gboolean backup_trial_run(ArchiveReader *reader, const TrialOptions *options, BackupProgress *progress,
                          TrialResult *ret_result, GCancellable *cancellable, GError **error);
