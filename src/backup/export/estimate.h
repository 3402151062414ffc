/* Estimates an export's size and time before it starts. */
#pragma once

#include "archive/write/packer.h"
#include "base/json.h"
#include "pg/connection/connection.h"

typedef struct {
  guint64 relation_bytes; /* of the tables to be copied, as PostgreSQL measures relations */
  guint64 rows;           /* as of the last ANALYZE */
} EstimateSource;

typedef struct {
  guint64 archive_bytes;
  double seconds;
  guint n_exports; /* earlier exports of this kind that the estimate is based on; 0: typical figures were used */
} Estimate;

/* The tables whose rows are left out, as a text[] value for the functions below; free with g_free. */
char *estimate_excluded(gboolean exclude_logs, const char *const *exclude_table_data);
gboolean estimate_source(PgConnection *connection, const char *excluded, EstimateSource *ret_source, GError **error);
/* The largest hundred tables: [{table, bytes, rows, excluded}]. */
json_t *estimate_tables(PgConnection *connection, const char *excluded, GError **error);
gboolean estimate_export(PgConnection *connection, const EstimateSource *source, const char *excluded,
                         ArchiveLevel level, Estimate *ret_estimate, GError **error);
