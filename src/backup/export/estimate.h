/* Estimates an export's size and time before it starts. */
#pragma once

#include "archive/packer.h"
#include "pg/connection.h"

typedef struct {
  guint64 relation_bytes; /* of the tables that would be copied, as PostgreSQL counts relations */
  guint64 rows;           /* as of the last ANALYZE */
} EstimateSource;

typedef struct {
  guint64 archive_bytes;
  double seconds;
  guint n_exports; /* earlier exports of this kind that the estimate is based on; 0: on typical figures */
} Estimate;

gboolean estimate_source(PgConnection *connection, gboolean exclude_logs, EstimateSource *ret_source, GError **error);
gboolean estimate_export(PgConnection *connection, const EstimateSource *source, gboolean exclude_logs,
                         ArchiveLevel level, Estimate *ret_estimate, GError **error);
