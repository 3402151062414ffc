/* An archive's header and table of contents, as pg_dump writes them for a snapshot: pg_dump is run until its table of
 * contents is complete, and ended.
 *
 * pg_dump writes the end of its table of contents together with the first rows, so that it has begun to read the first
 * table by then. Its memory is limited meanwhile (EXPORT_PG_DUMP_MEMORY), because it holds whole rows: one that is
 * larger ends it, and what it had written of the table of contents comes out as it ends. */
#pragma once

#include "archive/toc/toc.h"
#include "backup/export/export_snapshot.h"
#include "pg/programs/client.h"

typedef struct {
  ArchiveHeader header;
  GArray *entries; /* TocEntry */
} ExportSchema;

typedef struct {
  const PgClient *client; /* the pg_dump that is run */
  gboolean exclude_logs, ledger_only;
  const char *const *exclude_table_data; /* as in BackupExportOptions */
} ExportSchemaOptions;

/* EXPORT_FAILED with pg_dump's words; `ret_lock_waited` then tells whether waiting for a lock may have been the cause.
 */
ExportSchema *export_schema_read(ExportSnapshot *snapshot, const ExportSchemaOptions *options,
                                 GCancellable *cancellable, gboolean *ret_lock_waited, GError **error);
void export_schema_free(ExportSchema *schema);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExportSchema, export_schema_free)
