/* A preview in the making, as its modules share it. */
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
  HubLevel newer; /* a merge of an archive of a newer hub: which levels meet */
  Merge *merge;   /* its state: what a merge would do */
  Restore *restore;
  BackupPreview *preview; /* being filled */
  GHashTable *roots;      /* quoted root → BackupPreviewTable of the first partition that is loaded by way of it */
} PreviewRun;

/* Adds a warning. */
void preview_warn(PreviewRun *run, TextId id, ...);
