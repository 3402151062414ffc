/* Reads an archive's header and table of contents from pg_dump for a snapshot: runs pg_dump until its table of contents
 * is complete, then ends it.
 *
 * pg_dump writes the end of its table of contents together with the first rows, so it has begun to read the first
 * table by then. Its memory is limited (EXPORT_PG_DUMP_MEMORY), because it holds whole rows: a larger row ends it,
 * and it writes the buffered rest of the table of contents as it exits. */
#pragma once

#include "archive/toc/toc.h"
#include "backup/export/export_snapshot.h"
#include "pg/programs/client.h"

typedef struct {
  ArchiveHeader header;
  GArray *entries; /* TocEntry */
} ExportSchema;

typedef struct {
  const PgClient *client; /* the pg_dump to run */
  gboolean exclude_logs, ledger_only;
  const char *const *exclude_table_data; /* as in BackupExportOptions */
} ExportSchemaOptions;

/* EXPORT_FAILED with pg_dump's message; `ret_lock_waited` then says whether waiting for a lock may be the cause. */
ExportSchema *export_schema_read(ExportSnapshot *snapshot, const ExportSchemaOptions *options,
                                 GCancellable *cancellable, gboolean *ret_lock_waited, GError **error);
void export_schema_free(ExportSchema *schema);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExportSchema, export_schema_free)
