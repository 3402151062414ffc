/* Records an export in the database: an audit row, and the manifest in cch_data.exports. A record that cannot be
 * written, say on a read-only standby or before the first migration, is left out; the export succeeds all the same. */
#pragma once

#include "archive/write/packer.h"
#include "backup/manifest/manifest.h"
#include "pg/connection/connection.h"

typedef struct {
  const char *holder;
  const char *database;
  ArchiveLevel level;
  gboolean exclude_logs;
  guint64 bytes; /* of the archive, or of what there was of it */
  guint64 duration_ms;
  guint64 relation_bytes;   /* of the tables, as PostgreSQL counts relations */
  const Manifest *manifest; /* NULL: the export was not completed */
} ExportNote;

void export_note_write(PgConnection *connection, const ExportNote *note);
