/* Exports a database as an archive in pg_dump's custom format, over several connections at once.
 *
 * Start takes the lock, runs the checks that need no snapshot (server version against pg_dump's, permissions), takes
 * a snapshot with all tables locked, has pg_dump write the table of contents for it, and starts the workers. Then
 * read until 0. The export holds the lock from start to free. Unread output takes at most a few megabytes: the
 * workers wait. */
#pragma once

#include "archive/write/packer.h"
#include "backup/manifest/manifest.h"
#include "base/language.h"
#include "config/config.h"
#include "lock/lock.h"
#include "pg/connection/connection.h"
#include "pg/programs/client.h"

#include <gio/gio.h>

typedef struct BackupExport BackupExport;

#define BACKUP_EXPORT_DEFAULT_LEVEL ARCHIVE_LEVEL_FAST
#define BACKUP_EXPORT_MAX_JOBS      64

typedef struct {
  const char *dsn;
  const char *redis_url; /* NULL: none */
  guint lock_ttl_ms;
  BackupLockWait wait;
  PgClientOptions client; /* where to look for pg_dump */
  const char *holder;     /* the actor, for the lock and the audit log */
  gboolean exclude_logs;  /* leave out the rows of message_request */
  gboolean ledger_only;   /* leave out message_request entirely: the hub's ledger has the data for its statistics */
  const char *const *exclude_table_data; /* tables whose rows are left out, "name" or "schema.name"; NULL: none */
  ArchiveLevel level;                    /* see backup_export_level_fits */
  guint jobs;                            /* connections that copy rows; 0: one per processor that may be used */
} BackupExportOptions;

/* Errors: LOCK_HELD (`ret_holder`, may be NULL, gets the holder), DATABASE_*, EXPORT_PG_DUMP, EXPORT_FAILED,
 * CANCELLED.
 */
BackupExport *backup_export_start(const BackupExportOptions *options, GCancellable *cancellable,
                                  BackupLockHolder *ret_holder, GError **error);

/* Reads up to `size` bytes of the archive, waiting for at least one. 0: the archive is complete. -1: an error; the
 * bytes read so far are not a whole archive. One thread at a time. */
gssize backup_export_read(BackupExport *export, guint8 *buffer, gsize size, GError **error);

/* backup_lock_without_redis of the export's lock. */
const char *backup_export_without_redis(const BackupExport *export);

/* After read has returned 0: what is wrong with the rows in the archive, a sentence for each table; NULL: nothing. Free
 * with g_strfreev. */
char **backup_export_warnings(const BackupExport *export, Language language);

/* Adds to these names (NULL: none) the tables whose rows a hub can do without: bodies kept for replays, and logs of
 * probes. Names that the database lacks are harmless. Free with g_strfreev. */
char **backup_export_with_dispensable(const char *const *names);

/* Checks that these tables exist, because a misspelt name would export the rows that are to be left out.
 * REQUEST_PARAMETER, DATABASE_*. */
gboolean backup_export_check_tables(PgConnection *connection, char *const *names, GError **error);

/* "backup_2025-01-29T10-30-00.dump" in UTC, with "_no-logs" if logs are left out, "_ledger-only" without the log's
 * table. */
const char *backup_export_file_name(const BackupExport *export);
/* What the name of an export begins with that starts now: "backup_2025-01-29T10-30-00". Free with g_free. */
char *backup_export_name_now(void);

typedef struct {
  guint64 rows;       /* in the archive so far */
  guint64 data_bytes; /* of the rows as COPY text, and of large objects */
  guint64 archive_bytes;
  guint64 relation_bytes_done, relation_bytes; /* of the tables, as PostgreSQL measures relations; for the percentage */
  double elapsed_s;                            /* since the workers started */
  double left_s;                               /* negative: unknown */
  gboolean is_complete;
  char table[192]; /* the current table, "public.users"; or "" */
} BackupExportProgress;

/* May be called from any thread, from start's return to free. */
void backup_export_progress(BackupExport *export, BackupExportProgress *ret_progress);

/* The archive's manifest; NULL until read has returned 0. Owned by the export. A caller that keeps the archive under
 * another name, or changes it (backup_export_patch_offsets), corrects `archive` and `archive_sha256` before free,
 * which stores the manifest in the database. For an HTTP trailer, archive_sha256, archive_bytes and manifest_totals
 * are enough. */
Manifest *backup_export_manifest(BackupExport *export);

/* Fills in the data offsets in the archive's table of contents, after read has returned 0. The archive must be a
 * seekable, writable file and begin at its byte 0. This changes its checksum. */
gboolean backup_export_patch_offsets(BackupExport *export, int fd, GError **error);

/* Ends the workers and their queries if they still run, stores the manifest and the audit row, and releases the
 * lock. */
void backup_export_free(BackupExport *export);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BackupExport, backup_export_free)

/* Whether archives of this pg_dump (150020) can be compressed so: LZ4 and zstd need PostgreSQL 16. */
gboolean backup_export_level_fits(ArchiveLevel level, int pg_dump_version);
