#include "backup/export/export.h"

#include "backup/export/export_note.h"
#include "backup/export/export_schema.h"
#include "backup/export/export_stream.h"
#include "backup/export/export_worker.h"
#include "backup/plan/plan.h"
#include "backup_sql.h"
#include "base/error.h"
#include "base/os/processors.h"
#include "pg/dsn/dsn.h"

enum {
  NOTE_TIMEOUT_MS = 2000
}; /* bounds the wait for a server that hangs, because a record of the export is worth no more */

enum {
  OLDEST_SERVER = 12,
  QUEUE_BYTES = 16 * 1024 * 1024, /* compressed pieces that wait, of all workers together */
  MIN_LANE_BYTES = 2 * 1024 * 1024
};

struct BackupExport {
  GCancellable *cancellable; /* the caller's; also cancelled when the lock is lost */
  gulong cancel_handler;
  GCancellable *work; /* of the workers' connections */
  BackupLock *lock;
  char *file_name;
  char *database;
  char *holder;
  ArchiveLevel level;
  gboolean exclude_logs, ledger_only;
  char **exclude_table_data; /* NULL: none */
  int pg_dump_version;       /* 150020 */
  ExportSnapshot *snapshot;
  ExportSchema *schema;
  ExportUnits *units;
  ExportText *text; /* NULL: not checked */
  ExportQueue *queue;
  GPtrArray *workers; /* ExportWorker */
  ExportStream *stream;
  Manifest *manifest; /* once complete */
  gint64 start_us;    /* when the work began, with the lock held */
  gint64 end_us;      /* when the last byte had been read */
};

static const char *const dispensable[] = {"replay_payloads", "provider_endpoint_probe_logs", NULL};

char **
backup_export_with_dispensable(const char *const *names)
{
  g_autoptr(GStrvBuilder) all = g_strv_builder_new();
  for (; names != NULL && *names != NULL; names++)
    g_strv_builder_add(all, *names);
  for (const char *const *name = dispensable; *name != NULL; name++)
    g_strv_builder_add(all, *name);
  return g_strv_builder_end(all);
}

gboolean
backup_export_level_fits(ArchiveLevel level, int pg_dump_version)
{
  ArchiveCompression compression = archive_level_compression(level);
  return compression == ARCHIVE_COMPRESSION_NONE || compression == ARCHIVE_COMPRESSION_GZIP ||
         pg_dump_version >= 160000;
}

static PgConnection *
leader_of(BackupExport *export)
{
  return g_ptr_array_index(export->snapshot->connections, 0);
}

static gboolean
check_server(BackupExport *export, GError **error)
{
  int server = pg_connection_server_version(leader_of(export)) / 10000;
  if (server >= OLDEST_SERVER)
    return TRUE;
  error_set(error, CCH_ERROR_EXPORT_FAILED, "the server is PostgreSQL %d; at least %d is needed", server,
            OLDEST_SERVER);
  return FALSE;
}

gboolean
backup_export_check_tables(PgConnection *connection, char *const *names, GError **error)
{
  for (; names != NULL && *names != NULL; names++) {
    g_autofree char *found = NULL;
    if (!pg_connection_value(
            connection, &found, error,
            "SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON "
            "n.oid = c.relnamespace WHERE n.nspname || '.' || c.relname = CASE WHEN "
            "pg_catalog.strpos($1, '.') > 0 THEN $1 ELSE 'public.' || $1 END AND c.relkind IN ('r', 'p', 'm')",
            1, *names))
      return FALSE;
    if (found != NULL || g_strv_contains(dispensable, *names))
      continue;
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "there is no table %.255s whose rows could be left out", *names);
    return FALSE;
  }
  return TRUE;
}

/* Uses its own connection, because taking the snapshot locks the tables and so needs SELECT on all of them. */
static gboolean
check_permissions(BackupExport *export, const char *dsn, GError **error)
{
  g_autofree char *unreadable = NULL;
  g_autoptr(PgConnection) connection = pg_connection_open(dsn, "cch-data export", export->work, error);
  if (connection == NULL || !pg_connection_value(connection, &unreadable, error, backup_unreadable_tables_sql, 0))
    return FALSE;
  if (unreadable != NULL) {
    error_set(error, CCH_ERROR_DATABASE_PERMISSION, "SELECT is needed on %s", unreadable);
    return FALSE;
  }
  return backup_export_check_tables(connection, export->exclude_table_data, error);
}

/* Makes one attempt at a snapshot, its table of contents, and connections that share it. pg_dump comes before the
 * other connections, because it needs one, too. *ret_in_the_way is set if the attempt failed because a session asked
 * for a stronger lock after the leader had its own: that session waits for the leader, and we wait behind it. */
static gboolean
try_snapshot(BackupExport *export, const BackupExportOptions *options, gboolean *ret_in_the_way, GError **error)
{
  *ret_in_the_way = FALSE;
  guint jobs = options->jobs > 0 ? options->jobs : processors_usable();
  g_auto(PgClient) client = {0};
  export->snapshot = export_snapshot_take(options->dsn, export->work, error);
  if (export->snapshot == NULL || !check_server(export, error) ||
      !pg_client_choose(&options->client, pg_connection_server_version(leader_of(export)), &client, error))
    return FALSE;
  if (!backup_export_level_fits(export->level, client.version)) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER,
              "compression %s needs pg_dump of PostgreSQL 16 or newer; the one for this server is %d.%d",
              archive_level_name(export->level), client.version / 10000, client.version % 10000);
    return FALSE;
  }
  ExportSchemaOptions schema_options = {.client = &client,
                                        .exclude_logs = export->exclude_logs,
                                        .ledger_only = export->ledger_only,
                                        .exclude_table_data = (const char *const *)export->exclude_table_data};
  gboolean lock_waited = FALSE;
  export->schema = export_schema_read(export->snapshot, &schema_options, export->work, &lock_waited, error);
  if (export->schema == NULL) {
    *ret_in_the_way = lock_waited && export_snapshot_is_in_the_way(export->snapshot);
    return FALSE;
  }
  export->pg_dump_version = client.version;
  return export_snapshot_join(export->snapshot, MIN(jobs, BACKUP_EXPORT_MAX_JOBS), export->work, ret_in_the_way, error);
}

/* Releases everything if another session waits for us, so that it gets its lock. */
static gboolean
take_snapshot(BackupExport *export, const BackupExportOptions *options, GError **error)
{
  for (guint attempt = 1;; attempt++) {
    g_autoptr(GError) failure = NULL;
    gboolean in_the_way = FALSE;
    if (try_snapshot(export, options, &in_the_way, &failure))
      return TRUE;
    if (!in_the_way || attempt == EXPORT_MAX_ATTEMPTS) {
      g_propagate_error(error, g_steal_pointer(&failure));
      return FALSE;
    }
    g_clear_pointer(&export->schema, export_schema_free);
    g_clear_pointer(&export->snapshot, export_snapshot_free);
  }
}

static void
start_workers(BackupExport *export)
{
  guint n_workers = MIN(export->snapshot->connections->len, MAX(export->units->units->len, 1));
  export->queue = export_queue_new(n_workers, export->units->units->len, MAX(QUEUE_BYTES / n_workers, MIN_LANE_BYTES));
  export->stream =
      export_stream_new(&export->schema->header, export->schema->entries, export->units, export->queue, export->level);
  export->text = export_text_new(export->units, export->snapshot->encoding);
  export->workers = g_ptr_array_new_with_free_func((GDestroyNotify)export_worker_free);
  for (guint i = 0; i < n_workers; i++)
    g_ptr_array_add(export->workers, export_worker_start(i, g_ptr_array_index(export->snapshot->connections, i),
                                                         export->units, export->queue, export->text, export->level));
  /* The other connections have nothing to do. */
  g_ptr_array_set_size(export->snapshot->connections, (int)n_workers);
}

char *
backup_export_name_now(void)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  return g_date_time_format(now, "backup_%Y-%m-%dT%H-%M-%S");
}

static char *
make_file_name(gboolean exclude_logs, gboolean ledger_only)
{
  g_autofree char *name = backup_export_name_now();
  return g_strdup_printf("%s%s.dump", name, ledger_only ? "_ledger-only" : exclude_logs ? "_no-logs" : "");
}

static void
cancel_work(GCancellable *cancellable, gpointer data)
{
  (void)cancellable;
  g_cancellable_cancel(data);
}

/* Replaces the error by CANCELLED or LOCK_LOST if one of these caused it. */
static void
explain_end(BackupExport *export, GError **error)
{
  if (error == NULL || !g_cancellable_is_cancelled(export->cancellable))
    return;
  g_clear_error(error);
  if (export->lock != NULL && backup_lock_is_lost(export->lock))
    error_set(error, CCH_ERROR_LOCK_LOST, "the export was stopped");
  else
    error_set_cancelled(error);
}

static gboolean
start_export(BackupExport *export, const BackupExportOptions *options, BackupLockHolder *ret_holder, GError **error)
{
  BackupLockOptions lock_options = {
      .dsn = options->dsn, .redis_url = options->redis_url, .ttl_ms = options->lock_ttl_ms, .wait = options->wait};
  export->lock = backup_lock_acquire(&lock_options, "export", options->holder, export->cancellable, ret_holder, error);
  export->start_us = g_get_monotonic_time();
  if (export->lock == NULL || !check_permissions(export, options->dsn, error) || !take_snapshot(export, options, error))
    return FALSE;
  export->units = export_units_new(export->snapshot, (const TocEntry *)(gpointer) export->schema->entries->data,
                                   export->schema->entries->len, error);
  if (export->units == NULL)
    return FALSE;
  start_workers(export);
  return TRUE;
}

BackupExport *
backup_export_start(const BackupExportOptions *options, GCancellable *cancellable, BackupLockHolder *ret_holder,
                    GError **error)
{
  g_autoptr(BackupExport) export = g_new0(BackupExport, 1);
  g_auto(DsnDisplay) target = {0};
  export->cancellable = cancellable != NULL ? g_object_ref(cancellable) : g_cancellable_new();
  export->work = g_cancellable_new();
  export->exclude_logs = options->exclude_logs || options->ledger_only;
  export->ledger_only = options->ledger_only;
  export->exclude_table_data = g_strdupv((char **)options->exclude_table_data);
  export->level = options->level;
  export->file_name = make_file_name(options->exclude_logs, options->ledger_only);
  export->holder = g_strdup(options->holder);
  if (!dsn_parse_display(options->dsn, &target, error))
    return NULL;
  export->database = g_strdup(target.database);
  export->cancel_handler =
      g_cancellable_connect(export->cancellable, G_CALLBACK(cancel_work), g_object_ref(export->work), g_object_unref);
  g_autoptr(GError) failure = NULL;
  if (start_export(export, options, ret_holder, &failure))
    return g_steal_pointer(&export);
  if (error_code(failure) == CCH_ERROR_CANCELLED)
    explain_end(export, &failure);
  g_propagate_error(error, g_steal_pointer(&failure));
  return NULL;
}

static char **
excluded_tables(const BackupExport *export)
{
  g_autoptr(GStrvBuilder) names = g_strv_builder_new();
  if (export->exclude_logs)
    g_strv_builder_add(names, LOG_TABLE);
  for (char **name = export->exclude_table_data; name != NULL && *name != NULL; name++)
    g_strv_builder_add(names, *name);
  return g_strv_builder_end(names);
}

static void
make_manifest(BackupExport *export)
{
  const ArchiveHeader *header = &export->schema->header;
  Manifest *manifest = manifest_new();
  manifest->archive = g_strdup(export->file_name);
  manifest->archive_bytes = export_stream_bytes(export->stream);
  manifest->archive_sha256 = g_strdup(export_stream_sha256(export->stream));
  manifest->snapshot_time = g_strdup(export->snapshot->time);
  manifest->server_version = g_strdup(header->server_version);
  manifest->pg_dump_version = g_strdup(header->pg_dump_version);
  manifest->pg_restore_major = pg_client_oldest_reader(export->pg_dump_version);
  manifest->product_version = g_strdup(CCH_VERSION);
  manifest->database = g_strdup(header->database);
  manifest->time_zone = g_strdup(export->snapshot->time_zone);
  manifest->compression = g_strdup(archive_level_name(export->level));
  manifest->excludes_logs = export->exclude_logs;
  manifest->ledger_only = export->ledger_only;
  manifest->excluded_tables = excluded_tables(export);
  for (guint i = 0; i < export->units->entries->len; i++) {
    const ExportEntry *entry = &g_array_index(export->units->entries, ExportEntry, i);
    if (!entry->is_large_objects)
      manifest_add_table(manifest, entry->toc->namespace_name, entry->toc->tag,
                         export_stream_totals(export->stream, i));
  }
  const ManifestTable *record = manifest_find(manifest, BOOKKEEPING_SCHEMA, HUB_RECORD_TABLE);
  if (record != NULL) {
    manifest->hub_migrations = (gint64)record->totals.rows;
    const HubRelease *release = plan_hub_release(manifest->hub_migrations);
    manifest->hub_last_migration = release != NULL ? g_strdup(release->last_migration) : NULL;
    manifest->hub_version = release != NULL ? g_strdup(release->version) : NULL;
  }
  export->manifest = manifest;
  export->end_us = g_get_monotonic_time();
}

gssize
backup_export_read(BackupExport *export, guint8 *buffer, gsize size, GError **error)
{
  g_autoptr(GError) failure = NULL;
  gssize n = export_stream_read(export->stream, buffer, size, &failure);
  if (n == 0 && export->manifest == NULL)
    make_manifest(export);
  if (n < 0) {
    explain_end(export, &failure);
    g_propagate_error(error, g_steal_pointer(&failure));
  }
  return n;
}

const char *
backup_export_without_redis(const BackupExport *export)
{
  return backup_lock_without_redis(export->lock);
}

char **
backup_export_warnings(const BackupExport *export, Language language)
{
  return export_text_warnings(export->text, language);
}

const char *
backup_export_file_name(const BackupExport *export)
{
  return export->file_name;
}

void
backup_export_progress(BackupExport *export, BackupExportProgress *ret_progress)
{
  export_stream_progress(export->stream, ret_progress);
}

Manifest *
backup_export_manifest(BackupExport *export)
{
  return export->manifest;
}

gboolean
backup_export_patch_offsets(BackupExport *export, int fd, GError **error)
{
  return export_stream_patch_offsets(export->stream, fd, error);
}

/* Uses a new connection: the workers' may be lost, or in the middle of a statement. */
static void
note_export(BackupExport *export)
{
  ExportNote what = {.holder = export->holder,
                     .database = export->database,
                     .level = export->level,
                     .exclude_logs = export->exclude_logs,
                     .exclude_table_data = (const char *const *)export->exclude_table_data,
                     .bytes = export_stream_bytes(export->stream),
                     .duration_ms = (guint64)MAX(export->end_us - export->start_us, 0) / 1000,
                     .relation_bytes = export->units->relation_bytes,
                     .manifest = export->manifest};
  g_autoptr(PgConnection) connection =
      pg_connection_open_within(export->snapshot->dsn, "cch-data export", NOTE_TIMEOUT_MS, NULL, NULL);
  if (connection != NULL)
    export_note_write(connection, &what);
}

static void
end_work(BackupExport *export)
{
  if (export->queue != NULL)
    export_queue_stop(export->queue, NULL);
  if (export->manifest == NULL)
    g_cancellable_cancel(export->work);
  g_clear_pointer(&export->workers, g_ptr_array_unref);
}

void
backup_export_free(BackupExport *export)
{
  if (export == NULL)
    return;
  g_cancellable_disconnect(export->cancellable, export->cancel_handler);
  end_work(export);
  if (export->stream != NULL)
    note_export(export);
  g_clear_pointer(&export->stream, export_stream_free);
  g_clear_pointer(&export->queue, export_queue_free);
  g_clear_pointer(&export->text, export_text_free);
  g_clear_pointer(&export->units, export_units_free);
  g_clear_pointer(&export->schema, export_schema_free);
  g_clear_pointer(&export->snapshot, export_snapshot_free);
  g_clear_pointer(&export->manifest, manifest_free);
  backup_lock_release(export->lock);
  g_clear_object(&export->work);
  g_clear_object(&export->cancellable);
  g_free(export->file_name);
  g_free(export->database);
  g_free(export->holder);
  g_strfreev(export->exclude_table_data);
  g_free(export);
}
