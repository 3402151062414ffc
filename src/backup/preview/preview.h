/* What an import would do, without doing it.
 *
 * The archive is checked whole and its rows are compared with the live ones, table by table, in temporary tables of a
 * transaction that is rolled back. On the live tables it takes ACCESS SHARE only, so that a running hub never waits
 * for it; the counts are of the moment at which a table was read. The caller holds the backup lock as for an import,
 * with "preview" as its operation: an import at the same time would make nonsense of the counts, and both would need
 * the disk. */
#pragma once

#include "backup/import/import.h"
#include "base/json.h"

/* A row that is there with other values. */
typedef struct {
  char *key;     /* "id=5"; the value is left out ("name=...") unless it is a number, UUID, time or the like */
  char *columns; /* the names of the columns that differ: "name, updated_at"; never their contents */
} BackupPreviewExample;

typedef struct {
  char *table;          /* "public.users" */
  guint64 archive_rows; /* that would be imported */
  guint64 live_rows;    /* 0 where the table is not there */
  gboolean is_new;      /* the table is not there, and would be made */
  gboolean is_compared; /* the next four are known; else `problem` says why not */
  guint64 added;        /* of the archive's rows: not there */
  guint64 identical;    /* there with the same values */
  guint64 different;    /* there with other values; without a key there are none */
  guint64 only_live;    /* rows here that the archive does not have: overwriting loses them */
  guint64 conflicting;  /* of `added`: another unique key of theirs belongs to a different row here */
  guint lock_s;         /* of a merge that has to lock the table: for about how long writers wait; 0: they do not */
  char *problem;        /* why the import would fail at this table, or why it was not compared; NULL */
  GPtrArray *examples;  /* BackupPreviewExample: a few of the different rows */
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
  gboolean has_logs;   /* rows of public.message_request */
  /* The live database. */
  char *live_database, *live_server_version;
  gint64 archive_hub_level, live_hub_level; /* the hub's migrations (backup/hub_level/hub_level.h); 0: no record */
  char *live_role;                          /* as whom an import would run the archive's SQL */
  gboolean is_superuser;
  char *trust; /* a sentence in the caller's language: what that means */
  guint64 live_bytes;
  GPtrArray *tables;   /* BackupPreviewTable, in the archive's order */
  guint lock_s;        /* of an overwrite in one transaction: for about how long everybody waits for all tables */
  GPtrArray *warnings; /* char *, in the caller's language */
} BackupPreview;

/* Runs on this thread and reports through `func` (may be NULL) as an import does: the last event is COMPLETE or ERROR,
 * and nothing has changed either way. Uses dsn, clean_first, skip_logs, on_conflict, tables and language of the
 * options. */
BackupPreview *backup_preview_run(ArchiveReader *reader, const BackupImportOptions *options, BackupLock *lock,
                                  BackupEventFunc func, gpointer user_data, GCancellable *cancellable, GError **error);
void backup_preview_free(BackupPreview *preview);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BackupPreview, backup_preview_free)

/* One JSON object (docs/api.md has its members); free with json_decref. */
json_t *backup_preview_to_json(const BackupPreview *preview);
