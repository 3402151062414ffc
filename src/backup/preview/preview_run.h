/* The state of a preview in progress, shared by its modules. */
#pragma once

#include "backup/hub_level/hub_level.h"
#include "backup/merge/merge.h"
#include "backup/preview/preview.h"
#include "backup/restore/way.h"

typedef struct {
  ArchiveReader *reader;
  const BackupImportOptions *options;
  BackupProgress *progress;
  GCancellable *cancellable;
  PgConnection *connection;
  RestorePlan *plan;
  HubLevel newer; /* both levels, if the archive's hub is newer and this is a merge */
  Merge *merge;   /* the state of the merge that would be done */
  Restore *restore;
  BackupPreview *preview; /* being filled */
  GHashTable *roots; /* quoted root table → BackupPreviewTable of the first partition that is loaded through it */
} PreviewRun;

/* Adds a warning. */
void preview_warn(PreviewRun *run, TextId id, ...);
