/* Splits an export into units of work, from the archive's table of contents: every entry with data, in the archive's
 * order. A large table is split into ranges of its pages; a small one is one unit. */
#pragma once

#include "archive/toc/toc.h"
#include "backup/export/export_snapshot.h"

typedef struct {
  const TocEntry *toc; /* owned by the table of contents */
  gboolean is_large_objects;
  GArray *oids; /* of large objects (guint32); else NULL */
  guint first_unit, n_units;
} ExportEntry;

typedef struct {
  guint entry;            /* index of its ExportEntry */
  char *sql;              /* the COPY statement; NULL for large objects */
  guint64 relation_bytes; /* its share of the table, as PostgreSQL measures relations */
} ExportUnit;

typedef struct {
  GArray *entries; /* ExportEntry */
  GArray *units;   /* ExportUnit, in the order of the entries */
  guint64 relation_bytes;
} ExportUnits;

/* The approximate size of a unit. */
#define EXPORT_UNIT_BYTES (16 * 1024 * 1024)

/* Asks the leader. `toc` (n_entries of it) must outlive the result. EXPORT_FAILED for an entry with data of an
 * unknown kind. */
ExportUnits *export_units_new(ExportSnapshot *snapshot, const TocEntry *toc, guint n_entries, GError **error);
void export_units_free(ExportUnits *units);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExportUnits, export_units_free)
