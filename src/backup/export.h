/* Exports a database as an archive in pg_dump's custom format.
 *
 * Start connects, checks what can be checked beforehand (server version against pg_dump's, permissions), starts
 * pg_dump, and returns once the first bytes of the archive are there. Then read until 0. The lock is held by the export
 * from start to free. What is not read costs no memory: pg_dump waits. */
#pragma once

#include "config/config.h"
#include "lock/lock.h"

#include <gio/gio.h>

typedef struct BackupExport BackupExport;

typedef struct {
  const char *dsn;
  const char *redis_url; /* NULL: none */
  guint lock_ttl_ms;
  const char *pg_bin_dir; /* NULL: search */
  const char *holder;     /* who exports, for the lock and the audit */
  gboolean exclude_logs;  /* leave out the rows of message_request */
} BackupExportOptions;

/* Errors: LOCK_HELD (`ret_holder`, may be NULL, then says who), DATABASE_*, EXPORT_PG_DUMP, EXPORT_FAILED, CANCELLED.
 */
BackupExport *backup_export_start(const BackupExportOptions *options, GCancellable *cancellable,
                                  BackupLockHolder *ret_holder, GError **error);

/* Reads up to `size` bytes of the archive, waiting for at least one. 0: the archive is complete and pg_dump has ended
 * well. -1: an error; what was read before is not a whole archive. */
gssize backup_export_read(BackupExport *export, guint8 *buffer, gsize size, GError **error);

/* "backup_2025-01-29T10-30-00.dump", with "_no-logs" when logs are left out; UTC. */
const char *backup_export_file_name(const BackupExport *export);

/* Bytes of the tables that are exported, as PostgreSQL counts relations: for a progress bar only. */
guint64 backup_export_relation_bytes(const BackupExport *export);

/* Ends pg_dump and its query if they still run, releases the lock. */
void backup_export_free(BackupExport *export);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BackupExport, backup_export_free)

/* The pg_dump that would be used: its path and version (150020); EXPORT_PG_DUMP when there is none. */
gboolean backup_find_pg_dump(const char *pg_bin_dir, char **ret_path, int *ret_version, GError **error);
