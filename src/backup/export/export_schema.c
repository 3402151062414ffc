#include "backup/export/export_schema.h"

#include "archive/toc_parse.h"
#include "backup/plan/plan.h"
#include "base/child.h"
#include "base/error.h"
#include "pg/dsn.h"

#include <signal.h>

enum { END_GRACE_MS = 3000 };

void
export_schema_free(ExportSchema *schema)
{
  if (schema == NULL)
    return;
  archive_header_clear(&schema->header);
  g_clear_pointer(&schema->entries, g_array_unref);
  g_free(schema);
}

static ChildProcess *
spawn_pg_dump(ExportSnapshot *snapshot, const ExportSchemaOptions *options, GError **error)
{
  g_autofree char *connection_string = NULL;
  g_auto(GStrv) secrets = NULL;
  if (!dsn_for_child(snapshot->dsn, &connection_string, &secrets, error))
    return NULL;
  g_autofree char *target = g_strdup_printf("--dbname=%s application_name='cch-data export'", connection_string);
  g_autofree char *lock_wait = g_strdup_printf("--lock-wait-timeout=%d", EXPORT_PG_DUMP_LOCK_WAIT_MS);
  g_autofree char *snapshot_id = g_strdup_printf("--snapshot=%s", snapshot->id);
  g_autofree char *encoding = g_strdup_printf("--encoding=%s", snapshot->encoding);
  const char *argv[] = {options->pg_dump,
                        "--format=custom",
                        "--compress=0",
                        "--no-password",
                        "--exclude-schema=" OWN_SCHEMA,
                        lock_wait,
                        snapshot_id,
                        encoding,
                        target,
                        options->exclude_logs ? "--exclude-table-data=public." LOG_TABLE : NULL,
                        NULL};
  ChildOptions child = {.argv = argv,
                        .environment = (const char *const *)secrets,
                        .capture_stdout = TRUE,
                        .parent_death_signal = SIGTERM};
  return child_process_spawn(&child, error);
}

static gboolean
parse(ExportSchema *schema, int fd, GCancellable *cancellable, GError **error)
{
  g_autoptr(WireSource) source = wire_source_new_pipe(fd, cancellable);
  if (!toc_parse_header(source, &schema->header, error))
    return FALSE;
  schema->entries = toc_parse_entries(source, &schema->header, error);
  return schema->entries != NULL;
}

ExportSchema *
export_schema_read(ExportSnapshot *snapshot, const ExportSchemaOptions *options, GCancellable *cancellable,
                   gboolean *ret_lock_waited, GError **error)
{
  *ret_lock_waited = FALSE;
  g_autoptr(ChildProcess) pg_dump = spawn_pg_dump(snapshot, options, error);
  if (pg_dump == NULL)
    return NULL;
  gint64 start_us = g_get_monotonic_time();
  g_autoptr(ExportSchema) schema = g_new0(ExportSchema, 1);
  g_autoptr(GError) failure = NULL;
  gboolean is_read = parse(schema, child_process_stdout(pg_dump), cancellable, &failure);
  if (is_read || error_code(failure) == CCH_ERROR_CANCELLED) {
    child_process_end(g_steal_pointer(&pg_dump), END_GRACE_MS);
    if (is_read)
      return g_steal_pointer(&schema);
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  /* What is wrong with the archive is that pg_dump gave up. */
  int exit_code = -1;
  child_process_wait(pg_dump, END_GRACE_MS, &exit_code);
  g_autofree char *message = child_process_stderr(pg_dump);
  *ret_lock_waited = g_get_monotonic_time() - start_us >= EXPORT_PG_DUMP_LOCK_WAIT_MS * 1000;
  if (*message != '\0')
    error_set(error, CCH_ERROR_EXPORT_FAILED, "%s", message);
  else
    error_set(error, CCH_ERROR_EXPORT_FAILED, "pg_dump ended with code %d: %s", exit_code, failure->message);
  return NULL;
}
