/* Shows what an import would do, without doing it.
 *
 * The whole archive is checked. Its rows are compared with the live ones, table by table, in temporary tables of a
 * transaction that is rolled back. Live tables are locked in ACCESS SHARE mode only, so a running hub never waits. A
 * table's counts are from the moment at which it was read. The caller holds the backup lock as for an import, with
 * "preview" as its operation: an import at the same time would falsify the counts, and both need disk space. */
#pragma once

#include "backup/import/import.h"
#include "backup/merge/merge.h"
#include "base/json.h"

/* An existing row with other values. */
typedef struct {
  char *key;     /* "id=5"; without the value ("name=...") unless it is a number, UUID, time or the like */
  char *columns; /* names of the differing columns: "name, updated_at" */
  char *values;  /* the same with their values, as JSON: [{"column": "rpm", "live": "5", "archive": "7"}]; a missing
                    value is NULL, or masked as a possible secret ("liveMasked": true) */
} BackupPreviewExample;

typedef struct {
  char *table;                /* "public.users" */
  guint64 archive_rows;       /* rows to import */
  guint64 live_rows;          /* 0 if the table does not exist */
  gboolean is_new;            /* the table does not exist and would be created */
  gboolean is_compared;       /* the next four counts are valid; otherwise `problem` has the reason */
  guint64 added;              /* rows of the archive that do not exist here */
  guint64 identical;          /* rows that exist with the same values */
  guint64 different;          /* rows that exist with other values; 0 without a key */
  guint64 only_live;          /* live rows that the archive lacks: an overwrite loses them */
  guint64 conflicting;        /* of `added`: another of their unique keys belongs to a different live row */
  MergeLock lock;             /* why a merge has to lock the table for the rows */
  guint lock_s;               /* seconds that others wait if a merge has to lock the table, estimated; 0: none */
  char *problem;              /* why the import would fail at this table, or why it was not compared; or NULL */
  GPtrArray *examples;        /* BackupPreviewExample: some of the differing rows */
  BackupTableResult expected; /* what the import would report */
} BackupPreviewTable;

typedef struct {
  const char *mode; /* "merge", "overwrite" */
  BackupOnConflict on_conflict;
  gboolean skip_logs;
  /* The archive. Strings may be NULL, and are valid UTF-8. */
  char *created, *database, *server_version, *pg_dump_version, *format_version, *compression;
  guint n_tables;
  guint64 rows, bytes; /* of all tables, bytes decompressed */
  gboolean has_logs;   /* rows of public.message_request are included */
  /* The live database. */
  char *live_database, *live_server_version;
  gint64 archive_hub_level, live_hub_level; /* the hub's migrations (backup/hub_level/hub_level.h); 0: no record */
  char *live_role;                          /* the role that an import would run the archive's SQL as */
  gboolean is_superuser;
  char *trust; /* what this means: a sentence in the caller's language */
  guint64 live_bytes;
  GPtrArray *tables;   /* BackupPreviewTable, in the archive's order */
  guint lock_s;        /* seconds that everybody waits for all tables if an overwrite uses one transaction, estimated */
  GPtrArray *warnings; /* char *, in the caller's language */
} BackupPreview;

/* Runs on this thread and reports through `func` (may be NULL) as an import does: the last event is COMPLETE or
 * ERROR, and nothing has changed in either case. Uses dsn, clean_first, skip_logs, on_conflict, tables and language
 * of the options. */
BackupPreview *backup_preview_run(ArchiveReader *reader, const BackupImportOptions *options, BackupLock *lock,
                                  BackupEventFunc func, gpointer user_data, GCancellable *cancellable, GError **error);
void backup_preview_free(BackupPreview *preview);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BackupPreview, backup_preview_free)

/* A JSON object (members: docs/api.md); free with json_decref. */
json_t *backup_preview_to_json(const BackupPreview *preview);
