#include "backup/export.h"

#include "audit/audit.h"
#include "backup/plan.h"
#include "backup_sql.h"
#include "base/child.h"
#include "base/error.h"
#include "pg/cluster.h"
#include "pg/connection.h"
#include "pg/dsn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
  MAGIC_BYTES = 16,
  LOCK_WAIT_MS = 60000, /* how long pg_dump waits for its table locks */
  END_GRACE_MS = 3000
};

struct BackupExport {
  GCancellable *cancellable; /* also triggered when the lock is lost */
  BackupLock *lock;
  PgConnection *connection; /* for what is asked beforehand and the audit afterwards */
  ChildProcess *pg_dump;
  char *file_name;
  char *database;
  char *holder;
  gboolean exclude_logs;
  guint64 relation_bytes;
  guint8 head[MAGIC_BYTES]; /* read by start, not yet by the caller */
  gsize head_size, head_taken;
  guint64 bytes;
  gboolean is_complete;
};

/* "pg_dump (PostgreSQL) 15.20 (Debian …)" → 150020; 0 when it is not that. */
static int
parse_version(const char *text)
{
  const char *number = strstr(text, ") ");
  int major = 0, minor = 0;
  if (number == NULL || sscanf(number + 2, "%d.%d", &major, &minor) < 1)
    return 0;
  return major * 10000 + minor;
}

gboolean
backup_find_pg_dump(const char *pg_bin_dir, char **ret_path, int *ret_version, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autofree char *path = pg_find_program(pg_bin_dir, "pg_dump", &failure);
  const char *const argv[] = {path, "--version", NULL};
  ChildOptions options = {.argv = argv, .capture_stdout = TRUE};
  g_autofree char *output = path != NULL ? child_process_run(&options, NULL, &failure) : NULL;
  int version = output != NULL ? parse_version(output) : 0;
  if (version == 0) {
    error_set(error, CCH_ERROR_EXPORT_PG_DUMP, "%s",
              failure != NULL ? failure->message : "it does not tell its version");
    return FALSE;
  }
  *ret_path = g_steal_pointer(&path);
  *ret_version = version;
  return TRUE;
}

/* pg_dump refuses a server of a newer major version than its own; say so before anything is started. */
static gboolean
check_versions(BackupExport *export, int pg_dump_version, GError **error)
{
  int server = pg_connection_server_version(export->connection) / 10000;
  if (server <= pg_dump_version / 10000)
    return TRUE;
  error_set(error, CCH_ERROR_EXPORT_PG_DUMP,
            "the server is PostgreSQL %d, but pg_dump is version %d: install postgresql-client-%d or set PG_BIN_DIR",
            server, pg_dump_version / 10000, server);
  return FALSE;
}

static gboolean
check_permissions(BackupExport *export, GError **error)
{
  g_autofree char *unreadable = NULL;
  if (!pg_connection_value(export->connection, &unreadable, error, backup_unreadable_tables_sql, 0))
    return FALSE;
  if (unreadable == NULL)
    return TRUE;
  error_set(error, CCH_ERROR_DATABASE_PERMISSION, "SELECT is needed on %s", unreadable);
  return FALSE;
}

static gboolean
read_size(BackupExport *export, GError **error)
{
  g_autofree char *bytes = NULL;
  if (!pg_connection_value(export->connection, &bytes, error,
                           "SELECT coalesce(sum(pg_catalog.pg_table_size(c.oid)), 0)::pg_catalog.int8 "
                           "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                           "WHERE c.relkind IN ('r', 'm') AND n.nspname NOT LIKE 'pg\\_%' "
                           "AND n.nspname NOT IN ('information_schema', '" OWN_SCHEMA "') "
                           "AND NOT ($1::pg_catalog.bool AND n.nspname = 'public' AND c.relname = '" LOG_TABLE "')",
                           1, export->exclude_logs ? "true" : "false"))
    return FALSE;
  export->relation_bytes = bytes != NULL ? g_ascii_strtoull(bytes, NULL, 10) : 0;
  return TRUE;
}

static gboolean
spawn_pg_dump(BackupExport *export, const char *dsn, const char *path, GError **error)
{
  g_autofree char *connection_string = NULL;
  g_auto(GStrv) secrets = NULL;
  if (!dsn_for_child(dsn, &connection_string, &secrets, error))
    return FALSE;
  g_autofree char *target = g_strdup_printf("--dbname=%s application_name='cch-data export'", connection_string);
  g_autofree char *lock_wait = g_strdup_printf("--lock-wait-timeout=%d", LOCK_WAIT_MS);
  const char *argv[] = {path,
                        "--format=custom",
                        "--no-password",
                        "--exclude-schema=" OWN_SCHEMA,
                        lock_wait,
                        target,
                        export->exclude_logs ? "--exclude-table-data=public." LOG_TABLE : NULL,
                        NULL};
  ChildOptions options = {.argv = argv,
                          .environment = (const char *const *)secrets,
                          .capture_stdout = TRUE,
                          .parent_death_signal = SIGTERM};
  export->pg_dump = child_process_spawn(&options, error);
  return export->pg_dump != NULL;
}

/* The failure of a pg_dump that has ended. */
static void
set_pg_dump_error(BackupExport *export, int exit_code, GError **error)
{
  g_autofree char *message = child_process_stderr(export->pg_dump);
  if (backup_lock_is_lost(export->lock))
    error_set(error, CCH_ERROR_LOCK_LOST, "the export was stopped");
  else if (*message != '\0')
    error_set(error, CCH_ERROR_EXPORT_FAILED, "%s", message);
  else
    error_set(error, CCH_ERROR_EXPORT_FAILED, "pg_dump ended with code %d", exit_code);
}

/* Waits until pg_dump's pipe has something to read, or its end. */
static gboolean
wait_readable(BackupExport *export, GError **error)
{
  GPollFD cancel_fd = {.fd = -1};
  gboolean has_cancel = g_cancellable_make_pollfd(export->cancellable, &cancel_fd);
  struct pollfd fds[2] = {{.fd = child_process_stdout(export->pg_dump), .events = POLLIN},
                          {.fd = has_cancel ? cancel_fd.fd : -1, .events = POLLIN}};
  while (poll(fds, 2, -1) < 0 && errno == EINTR)
    ;
  if (has_cancel)
    g_cancellable_release_fd(export->cancellable);
  if (!g_cancellable_is_cancelled(export->cancellable))
    return TRUE;
  if (backup_lock_is_lost(export->lock))
    error_set(error, CCH_ERROR_LOCK_LOST, "the export was stopped");
  else
    error_set(error, CCH_ERROR_CANCELLED, "cancelled");
  return FALSE;
}

static gssize
read_pipe(BackupExport *export, guint8 *buffer, gsize size, GError **error)
{
  for (;;) {
    if (!wait_readable(export, error))
      return -1;
    gssize n = read(child_process_stdout(export->pg_dump), buffer, size);
    if (n > 0)
      return n;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
      continue;
    if (n < 0) {
      error_set_errno(error, errno, "read from pg_dump");
      return -1;
    }
    int exit_code = -1;
    child_process_wait(export->pg_dump, -1, &exit_code);
    if (exit_code == 0)
      return 0;
    set_pg_dump_error(export, exit_code, error);
    return -1;
  }
}

/* The first bytes prove that pg_dump has connected, locked its tables and read the catalog: it writes nothing before.
 */
static gboolean
read_head(BackupExport *export, GError **error)
{
  while (export->head_size < MAGIC_BYTES) {
    gssize n = read_pipe(export, export->head + export->head_size, MAGIC_BYTES - export->head_size, error);
    if (n < 0)
      return FALSE;
    if (n == 0) {
      error_set(error, CCH_ERROR_EXPORT_FAILED, "pg_dump wrote nothing");
      return FALSE;
    }
    export->head_size += (gsize)n;
  }
  return TRUE;
}

static char *
make_file_name(gboolean exclude_logs)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H-%M-%S");
  return g_strdup_printf("backup_%s%s.dump", time, exclude_logs ? "_no-logs" : "");
}

BackupExport *
backup_export_start(const BackupExportOptions *options, GCancellable *cancellable, BackupLockHolder *ret_holder,
                    GError **error)
{
  g_autoptr(BackupExport) export = g_new0(BackupExport, 1);
  g_auto(DsnDisplay) target = {0};
  export->cancellable = cancellable != NULL ? g_object_ref(cancellable) : g_cancellable_new();
  export->exclude_logs = options->exclude_logs;
  export->file_name = make_file_name(options->exclude_logs);
  export->holder = g_strdup(options->holder);
  if (!dsn_parse_display(options->dsn, &target, error))
    return NULL;
  export->database = g_strdup(target.database);

  BackupLockOptions lock_options = {
      .dsn = options->dsn, .redis_url = options->redis_url, .ttl_ms = options->lock_ttl_ms};
  export->lock = backup_lock_acquire(&lock_options, "export", options->holder, export->cancellable, ret_holder, error);
  if (export->lock == NULL)
    return NULL;
  export->connection = pg_connection_open(options->dsn, "cch-data export", export->cancellable, error);
  if (export->connection == NULL)
    return NULL;
  g_autofree char *path = NULL;
  int version = 0;
  if (!backup_find_pg_dump(options->pg_bin_dir, &path, &version, error) || !check_versions(export, version, error) ||
      !check_permissions(export, error) || !read_size(export, error) ||
      !spawn_pg_dump(export, options->dsn, path, error) || !read_head(export, error))
    return NULL;
  return g_steal_pointer(&export);
}

gssize
backup_export_read(BackupExport *export, guint8 *buffer, gsize size, GError **error)
{
  gsize waiting = export->head_size - export->head_taken;
  if (waiting > 0) {
    gsize n = MIN(waiting, size);
    memcpy(buffer, export->head + export->head_taken, n);
    export->head_taken += n;
    export->bytes += n;
    return (gssize)n;
  }
  if (export->is_complete)
    return 0;
  gssize n = read_pipe(export, buffer, size, error);
  if (n == 0)
    export->is_complete = TRUE;
  else if (n > 0)
    export->bytes += (guint64)n;
  return n;
}

const char *
backup_export_file_name(const BackupExport *export)
{
  return export->file_name;
}

guint64
backup_export_relation_bytes(const BackupExport *export)
{
  return export->relation_bytes;
}

/* An export that cannot be noted, say from a read-only standby, is an export all the same. */
static void
note_in_audit(BackupExport *export)
{
  g_autofree char *details = g_strdup_printf("{\"excludeLogs\":%s,\"bytes\":%" G_GUINT64_FORMAT "}",
                                             export->exclude_logs ? "true" : "false", export->bytes);
  AuditEntry entry = {.category = "database",
                      .type = "database.export",
                      .operator_name = export->holder,
                      .target_name = export->database,
                      .details_json = details,
                      .success = export->is_complete,
                      .error_message = export->is_complete ? NULL : "not completed"};
  pg_connection_set_cancellable(export->connection, NULL);
  audit_write(export->connection, &entry, NULL);
}

void
backup_export_free(BackupExport *export)
{
  if (export == NULL)
    return;
  if (export->pg_dump != NULL) {
    child_process_end(export->pg_dump, END_GRACE_MS);
    note_in_audit(export);
  }
  pg_connection_free(export->connection);
  backup_lock_release(export->lock);
  g_clear_object(&export->cancellable);
  g_free(export->file_name);
  g_free(export->database);
  g_free(export->holder);
  g_free(export);
}
