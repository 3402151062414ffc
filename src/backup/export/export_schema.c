#include "backup/export/export_schema.h"

#include "archive/toc/toc_parse.h"
#include "backup/plan/plan.h"
#include "base/error.h"
#include "base/os/child.h"
#include "pg/dsn/dsn.h"

#include <signal.h>
#include <string.h>

enum { END_GRACE_MS = 3000 };

/* Address space of pg_dump: the first limit and the last. */
#define EXPORT_PG_DUMP_MEMORY     (G_GUINT64_CONSTANT(256) * 1024 * 1024)
#define EXPORT_PG_DUMP_MAX_MEMORY (G_GUINT64_CONSTANT(16) * 1024 * 1024 * 1024)

void
export_schema_free(ExportSchema *schema)
{
  if (schema == NULL)
    return;
  archive_header_clear(&schema->header);
  g_clear_pointer(&schema->entries, g_array_unref);
  g_free(schema);
}

/* pg_dump reads names as patterns, in which quotes make every character literal. */
static char *
pattern_of(const char *name)
{
  const char *dot = strchr(name, '.');
  g_autofree char *schema = dot != NULL ? g_strndup(name, (gsize)(dot - name)) : g_strdup("public");
  g_autofree char *quoted_schema = pg_quote_identifier(schema);
  g_autofree char *quoted_table = pg_quote_identifier(dot != NULL ? dot + 1 : name);
  return g_strdup_printf("--exclude-table-data=%s.%s", quoted_schema, quoted_table);
}

static gboolean
describe_connection(const ExportSnapshot *snapshot, const PgClient *client, char **ret_target, char ***ret_secrets,
                    GError **error)
{
  g_autofree char *connection_string = NULL;
  if (!(client->is_command ? dsn_for_remote_child : dsn_for_child)(snapshot->dsn, &connection_string, ret_secrets,
                                                                   error))
    return FALSE;
  *ret_target = g_strdup_printf("--dbname=%s application_name='cch-data export'", connection_string);
  return TRUE;
}

static ChildProcess *
spawn_pg_dump(ExportSnapshot *snapshot, const ExportSchemaOptions *options, guint64 memory_limit, GError **error)
{
  g_autofree char *target = NULL;
  g_auto(GStrv) secrets = NULL;
  if (!describe_connection(snapshot, options->client, &target, &secrets, error))
    return NULL;
  g_autofree char *lock_wait = g_strdup_printf("--lock-wait-timeout=%d", EXPORT_PG_DUMP_LOCK_WAIT_MS);
  g_autofree char *snapshot_id = g_strdup_printf("--snapshot=%s", snapshot->id);
  g_autofree char *encoding = g_strdup_printf("--encoding=%s", snapshot->encoding);
  const char *const arguments[] = {"--format=custom",
                                   "--compress=0",
                                   "--no-password",
                                   "--exclude-schema=" OWN_SCHEMA,
                                   lock_wait,
                                   snapshot_id,
                                   encoding,
                                   target,
                                   NULL};
  g_autoptr(GStrvBuilder) words = g_strv_builder_new();
  g_strv_builder_addv(words, (const char **)options->client->argv);
  g_strv_builder_addv(words, (const char **)arguments);
  if (options->ledger_only)
    g_strv_builder_add(words, "--exclude-table=public." LOG_TABLE);
  else if (options->exclude_logs)
    g_strv_builder_add(words, "--exclude-table-data=public." LOG_TABLE);
  for (const char *const *name = options->exclude_table_data; name != NULL && *name != NULL; name++) {
    g_autofree char *pattern = pattern_of(*name);
    g_strv_builder_add(words, pattern);
  }
  g_auto(GStrv) argv = g_strv_builder_end(words);
  ChildOptions child = {.argv = (const char *const *)argv,
                        .environment = (const char *const *)secrets,
                        .capture_stdout = TRUE,
                        .parent_death_signal = SIGTERM,
                        .memory_limit = memory_limit};
  return child_process_spawn(&child, error);
}

static gboolean
parse_schema(ExportSchema *schema, int fd, GCancellable *cancellable, GError **error)
{
  g_autoptr(WireSource) source = wire_source_new_pipe(fd, cancellable);
  if (!toc_parse_header(source, &schema->header, error))
    return FALSE;
  schema->entries = toc_parse_entries(source, &schema->header, error);
  return schema->entries != NULL;
}

/* Runs pg_dump once; NULL with its messages. */
static ExportSchema *
run_pg_dump(ExportSnapshot *snapshot, const ExportSchemaOptions *options, guint64 memory_limit,
            GCancellable *cancellable, GError **error)
{
  g_autoptr(ChildProcess) pg_dump = spawn_pg_dump(snapshot, options, memory_limit, error);
  if (pg_dump == NULL)
    return NULL;
  g_autoptr(ExportSchema) schema = g_new0(ExportSchema, 1);
  g_autoptr(GError) failure = NULL;
  gboolean is_read = parse_schema(schema, child_process_stdout(pg_dump), cancellable, &failure);
  if (is_read || error_code(failure) == CCH_ERROR_CANCELLED) {
    child_process_end(g_steal_pointer(&pg_dump), END_GRACE_MS);
    if (is_read)
      return g_steal_pointer(&schema);
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  /* The archive is cut short because pg_dump failed. */
  int exit_code = -1;
  child_process_wait(pg_dump, END_GRACE_MS, &exit_code);
  g_autofree char *message = child_process_stderr(pg_dump);
  if (*message != '\0')
    error_set(error, CCH_ERROR_EXPORT_FAILED, "%s", message);
  else
    error_set(error, CCH_ERROR_EXPORT_FAILED, "pg_dump ended with code %d: %s", exit_code, failure->message);
  return NULL;
}

ExportSchema *
export_schema_read(ExportSnapshot *snapshot, const ExportSchemaOptions *options, GCancellable *cancellable,
                   gboolean *ret_lock_waited, GError **error)
{
  gint64 start_us = g_get_monotonic_time();
  *ret_lock_waited = FALSE;
  for (guint64 memory_limit = EXPORT_PG_DUMP_MEMORY;; memory_limit *= 4) {
    g_autoptr(GError) failure = NULL;
    ExportSchema *schema = run_pg_dump(snapshot, options, memory_limit, cancellable, &failure);
    if (schema != NULL)
      return schema;
    /* The schema itself may need more memory, with very many tables. */
    gboolean needs_more = error_code(failure) == CCH_ERROR_EXPORT_FAILED && strstr(failure->message, "out of memory");
    if (needs_more && memory_limit < EXPORT_PG_DUMP_MAX_MEMORY)
      continue;
    *ret_lock_waited = g_get_monotonic_time() - start_us >= EXPORT_PG_DUMP_LOCK_WAIT_MS * 1000;
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
}
