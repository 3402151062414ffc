/* Copies a table's rows by COPY. */
#include "backup/plan/entry_sql.h"
#include "backup/restore/restore_private.h"
#include "base/error.h"

#include <string.h>

#define FROM_STDIN " FROM stdin;\n" /* as pg_dump ends a COPY statement */

enum { PROGRESS_BYTES = 1024 * 1024, FREEZE_MIN_BYTES = 1024 * 1024 };

typedef struct {
  Restore *restore;
  guint64 pending_rows, pending_bytes;
} CopySink;

static guint64
count_lines(const guint8 *data, gsize size)
{
  guint64 lines = 0;
  for (gsize i = 0; i < size; i++)
    lines += data[i] == '\n';
  return lines;
}

static gboolean
send_rows(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  CopySink *sink = user_data;
  if (!pg_connection_copy_in_write(sink->restore->connection, data, size, error))
    return FALSE;
  sink->pending_rows += count_lines(data, size);
  sink->pending_bytes += size;
  if (sink->pending_bytes >= PROGRESS_BYTES) {
    backup_progress_add(sink->restore->progress, sink->pending_rows, sink->pending_bytes);
    sink->pending_rows = sink->pending_bytes = 0;
  }
  return TRUE;
}

gboolean
restore_check_taken(guint64 taken, guint64 sent, GError **error)
{
  if (taken == sent)
    return TRUE;
  error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "the server took %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " rows",
            taken, sent);
  return FALSE;
}

gboolean
restore_end_copy(Restore *restore, guint64 sent, GError **error)
{
  guint64 taken = 0;
  return pg_connection_copy_in_end(restore->connection, &taken, error) && restore_check_taken(taken, sent, error);
}

gboolean
restore_copy_rows(Restore *restore, const TocEntry *entry, const char *copy_sql, guint64 *ret_rows, GError **error)
{
  CopySink sink = {.restore = restore};
  GError *failure = NULL;
  if (!pg_connection_copy_in_begin(restore->connection, copy_sql, error))
    return FALSE;
  if (!archive_reader_read_data(restore->reader, entry, send_rows, NULL, &sink, restore->cancellable, &failure)) {
    /* If the database caused the failure, the COPY is over. If the archive or the caller did, it is still open. */
    if (*error_sqlstate(failure) == '\0' && pg_connection_is_alive(restore->connection))
      pg_connection_copy_in_abort(restore->connection);
    g_propagate_error(error, failure);
    return FALSE;
  }
  if (!pg_connection_copy_in_end(restore->connection, ret_rows, error))
    return FALSE;
  backup_progress_add(restore->progress, sink.pending_rows, sink.pending_bytes);
  return restore_check_taken(*ret_rows, archive_reader_data_info(restore->reader, entry)->rows, error);
}

void
restore_say_table(Restore *restore, const TocEntry *entry)
{
  g_autofree char *name = entry_display_name(entry);
  backup_progress_table(restore->progress, name);
  backup_progress_say(restore->progress, TEXT_IMPORT_TABLE, name);
}

void
restore_say_table_done(Restore *restore, const TocEntry *entry, guint64 rows, guint64 inserted)
{
  g_autofree char *name = entry_display_name(entry);
  backup_progress_table_done(restore->progress, name, rows, inserted);
  backup_progress_say(restore->progress, TEXT_IMPORT_TABLE_DONE, name, rows, inserted, rows - inserted);
  backup_progress_table(restore->progress, NULL);
}

/* ---- Into a new table ---- */

typedef struct {
  const TocEntry *entry;
  guint64 rows;
} CopyJob;

/* FREEZE is possible where the same subtransaction has created or truncated the table. An empty table without triggers,
 * and thus without foreign keys to it, loses nothing by TRUNCATE. */
static gboolean
freeze_copy(Restore *restore, const TocEntry *entry, char **copy, GError **error)
{
  g_autofree char *schema = NULL, *table = NULL, *is_empty = NULL;
  if (!restore->way->freezes_rows || restore->unit != RESTORE_BY_SAVEPOINT ||
      archive_reader_data_info(restore->reader, entry)->data_bytes < FREEZE_MIN_BYTES ||
      !g_str_has_suffix(*copy, FROM_STDIN))
    return TRUE;
  if (!entry_copy_target(entry, &schema, &table, error))
    return FALSE;
  g_autofree char *target = pg_quote_qualified(schema, table);
  if (!pg_connection_value(restore->connection, &is_empty, error,
                           "SELECT 1 FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass($1) "
                           "AND relkind = 'r' AND NOT relhastriggers AND pg_catalog.pg_has_role(relowner, 'USAGE') "
                           "AND pg_catalog.pg_relation_size(oid) = 0",
                           1, target))
    return FALSE;
  if (is_empty == NULL)
    return TRUE;
  if (!pg_connection_execf(restore->connection, error, "TRUNCATE ONLY %s", target))
    return FALSE;
  g_autofree char *plain = g_steal_pointer(copy);
  plain[strlen(plain) - strlen(";\n")] = '\0';
  *copy = g_strconcat(plain, " WITH (FREEZE)", NULL);
  return TRUE;
}

static gboolean
copy_all(Restore *restore, gpointer user_data, GError **error)
{
  CopyJob *job = user_data;
  g_autofree char *copy = entry_copy_statement(job->entry, error);
  return copy != NULL && restore_search(restore, job->entry, error) && freeze_copy(restore, job->entry, &copy, error) &&
         restore_copy_rows(restore, job->entry, copy, &job->rows, error) && restore_search(restore, NULL, error);
}

gboolean
restore_copy_into_new(Restore *restore, const TocEntry *entry, gboolean *ret_is_copied, GError **error)
{
  CopyJob job = {.entry = entry};
  g_autoptr(GError) failure = NULL;
  *ret_is_copied = TRUE;
  if (restore_run(restore, copy_all, &job, &failure)) {
    restore_say_table_done(restore, entry, job.rows, job.rows);
    return TRUE;
  }
  restore_explain_text(restore, entry, &failure);
  if (restore_verdict(restore, entry, failure) != VERDICT_DUPLICATE_KEY)
    return restore_judge(restore, entry, g_steal_pointer(&failure), error);
  *ret_is_copied = FALSE;
  return TRUE;
}

/* ---- Into a table with rows of its own ---- */

#define STAGE "pg_temp.cch_stage"

char *
restore_rows_beyond(const char *stage, const char *live, const char *columns, const char *filter)
{
  return g_strdup_printf("SELECT %2$s FROM ("
                         "SELECT *, ROW(%2$s)::pg_catalog.text AS \"cch row\", pg_catalog.row_number() OVER "
                         "(PARTITION BY ROW(%2$s)::pg_catalog.text) AS \"cch n\" FROM %4$s) AS s "
                         "WHERE NOT EXISTS (SELECT FROM (SELECT ROW(%2$s)::pg_catalog.text AS \"cch row\", "
                         "pg_catalog.count(*) AS \"cch n\" FROM %1$s GROUP BY 1) AS live "
                         "WHERE live.\"cch row\" = s.\"cch row\" AND live.\"cch n\" >= s.\"cch n\")%3$s",
                         live, columns, filter, stage);
}

typedef struct {
  const TocEntry *entry;
  char *target, *columns; /* quoted */
  guint64 rows, added;
} AddJob;

static gboolean
stage_and_add(Restore *restore, gpointer user_data, GError **error)
{
  AddJob *job = user_data;
  if (!pg_connection_execf(restore->connection, error,
                           "CREATE TEMPORARY TABLE cch_stage ON COMMIT DROP AS SELECT %s FROM %s WITH NO DATA",
                           job->columns, job->target) ||
      !restore_copy_rows(restore, job->entry, "COPY " STAGE " FROM stdin", &job->rows, error))
    return FALSE;
  g_autofree char *beyond = restore_rows_beyond(STAGE, job->target, job->columns, "");
  g_autofree char *insert = g_strdup_printf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE %s ON CONFLICT DO NOTHING",
                                            job->target, job->columns, beyond);
  g_autoptr(PgResult) result = pg_connection_query(restore->connection, error, insert, 0);
  if (result == NULL)
    return FALSE;
  job->added = pg_result_affected(result);
  return pg_connection_exec(restore->connection, "DROP TABLE " STAGE, error);
}

gboolean
restore_add_rows(Restore *restore, const TocEntry *entry, guint64 *ret_rows, guint64 *ret_added, GError **error)
{
  g_auto(GStrv) names = NULL;
  if (!entry_copy_columns(entry, &names, error))
    return FALSE;
  g_autoptr(GString) columns = g_string_new(NULL);
  for (char **name = names; *name != NULL; name++) {
    g_autofree char *quoted = pg_quote_identifier(*name);
    g_string_append_printf(columns, "%s%s", name > names ? ", " : "", quoted);
  }
  g_autofree char *target = pg_quote_qualified(entry->namespace_name, entry->tag);
  AddJob job = {.entry = entry, .target = target, .columns = columns->str};
  if (restore_run(restore, stage_and_add, &job, error)) {
    *ret_rows = job.rows;
    *ret_added = job.added;
    return TRUE;
  }
  g_autofree char *name = entry_display_name(entry);
  g_prefix_error(error, "restore %s %s: ", entry->desc, name);
  return FALSE;
}

gboolean
restore_copy_table(Restore *restore, const TocEntry *entry, GError **error)
{
  gboolean is_copied = FALSE;
  guint64 rows = 0, added = 0;
  if (!restore_copy_into_new(restore, entry, &is_copied, error))
    return FALSE;
  if (is_copied)
    return TRUE;
  if (!restore_add_rows(restore, entry, &rows, &added, error))
    return FALSE;
  restore_say_table_done(restore, entry, rows, added);
  return TRUE;
}
