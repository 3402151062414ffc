/* Records an export in the database: an audit row, and the manifest in cch_data.exports. If that fails, for instance
 * on a read-only standby or before the first migration, the export succeeds without a record. */
#pragma once

#include "archive/write/packer.h"
#include "backup/manifest/manifest.h"
#include "pg/connection/connection.h"

typedef struct {
  const char *holder;
  const char *database;
  ArchiveLevel level;
  gboolean exclude_logs;
  const char *const *exclude_table_data; /* tables whose rows were left out by name; NULL: none */
  guint64 bytes;                         /* of the archive, or of the part that was written */
  guint64 duration_ms;
  guint64 relation_bytes;   /* of the tables, as PostgreSQL measures relations */
  const Manifest *manifest; /* NULL: the export did not complete */
} ExportNote;

void export_note_write(PgConnection *connection, const ExportNote *note);
