/* An archive's header and table of contents, as pg_dump writes them for a snapshot: pg_dump is run until its table of
 * contents is complete, and ended. Its own copy of the rows is not waited for. */
#pragma once

#include "archive/toc.h"
#include "backup/export/export_snapshot.h"

typedef struct {
  ArchiveHeader header;
  GArray *entries; /* TocEntry */
} ExportSchema;

typedef struct {
  const char *pg_dump; /* path of the program */
  gboolean exclude_logs;
} ExportSchemaOptions;

/* EXPORT_FAILED with pg_dump's words; `ret_lock_waited` then tells whether it may have been a lock's fault. */
ExportSchema *export_schema_read(ExportSnapshot *snapshot, const ExportSchemaOptions *options,
                                 GCancellable *cancellable, gboolean *ret_lock_waited, GError **error);
void export_schema_free(ExportSchema *schema);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExportSchema, export_schema_free)
