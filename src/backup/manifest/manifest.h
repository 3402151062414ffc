/* The manifest of an export: the tables and rows in its archive, and the archive's checksum.
 *
 * Written as JSON ("FILE.dump.manifest.json"; see docs/archive-format.md). The caller fills the public fields; a
 * string may be NULL if its value is unknown. `tables` has the tables with a data block, in the archive's order. */
#pragma once

#include "archive/rows/row_hash.h"

#define MANIFEST_FORMAT    "cch-data manifest"
#define MANIFEST_VERSION   1
#define MANIFEST_SUFFIX    ".manifest.json"
#define MANIFEST_MAX_BYTES (64 * 1024 * 1024)

typedef struct {
  char *schema;
  char *name;
  RowTotals totals;
} ManifestTable;

typedef struct {
  char *archive;         /* file name without a folder */
  guint64 archive_bytes; /* of the whole archive */
  char *archive_sha256;  /* 64 hexadecimal digits */
  char *file;            /* as it is stored, "….dump.age" if encrypted; NULL: the archive itself */
  guint64 file_bytes;    /* likewise; 0: not said */
  char *file_sha256;     /* likewise */
  char *encryption;      /* of the file: "age"; NULL: none */
  char *snapshot_time;   /* when the snapshot was taken, UTC: "2025-01-29T10:30:00.123Z" */
  char *server_version;
  char *pg_dump_version;
  int pg_restore_major;  /* the oldest pg_restore that reads the archive: 12, 16 or 17; 0: unknown */
  char *product_version; /* of cch-data */
  char *database;
  char *time_zone;   /* of the session that read the rows: timestamps are written in it */
  char *compression; /* archive_level_name */
  gboolean excludes_logs;
  gboolean ledger_only;   /* message_request is left out entirely */
  char **excluded_tables; /* tables whose rows are left out, as the caller named them, the log's included; NULL: none */
  gint64 hub_migrations;  /* rows in the hub's record of its migrations; 0: no record */
  char *hub_last_migration; /* "0118_bright_sunspot"; NULL: not known */
  char *hub_version;        /* "v0.9.0–v0.9.2"; likewise */
  GArray *tables;           /* ManifestTable; added by manifest_add_table only */
  GHashTable *index;        /* private */
} Manifest;

Manifest *manifest_new(void);
void manifest_free(Manifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Manifest, manifest_free)

void manifest_add_table(Manifest *manifest, const char *schema, const char *name, const RowTotals *totals);
const ManifestTable *manifest_find(const Manifest *manifest, const char *schema, const char *name);

/* The sum over all tables. */
RowTotals manifest_totals(const Manifest *manifest);

/* One line; free with g_free. Invalid UTF-8 in names is replaced. */
char *manifest_to_json(const Manifest *manifest);

/* Errors: MANIFEST. */
Manifest *manifest_from_json(const char *json, gsize size, GError **error);

/* Errors: MANIFEST, FILE. */
Manifest *manifest_load(const char *path, GError **error);
