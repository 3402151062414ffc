/* What the modules of a preview share among themselves. */
#pragma once

#include "backup/preview/preview.h"
#include "backup/restore/way.h"

typedef struct {
  ArchiveReader *reader;
  const BackupImportOptions *options;
  BackupProgress *progress;
  GCancellable *cancellable;
  PgConnection *connection;
  RestorePlan *plan;
  Restore *restore;
  BackupPreview *preview; /* being filled */
} PreviewRun;

/* Adds a warning. */
void preview_warn(PreviewRun *run, TextId id, ...);

/* Compares one table's rows with the live ones and adds the table; or a live table that gets none. */
gboolean preview_compare(PreviewRun *run, const TocEntry *entry, GError **error);
gboolean preview_count_live(PreviewRun *run, const char *schema, const char *name, GError **error);

/* What is to be said of the archive as a whole; after the tables. */
gboolean preview_warn_of_archive(PreviewRun *run, GError **error);
