/* Adds imported rows of the log to the hub's ledger, which the hub uses for statistics and limits. The hub fills
 * gaps only when it starts. */
#include "backup/merge/merge_private.h"

#include "backup/plan/plan.h"
#include "backup/restore/way.h"
#include "backup_sql.h"

/* Result columns of merge_ledger.sql. */
enum { LEDGER_HAS_TRIGGER, LEDGER_IS_ALONE, LEDGER_SEQUENCE };

/* The log's rows m that are staged and belong in the ledger; warm-ups and unfinished requests do not. OFFSET makes the
 * server look up each staged row in the ledger. As a join of tables that have just grown it would be planned for a
 * single row, and take time in the square of their sizes. */
#define MISSING                                                                                                        \
  MERGE_STAGE " AS s "                                                                                                 \
              "WHERE m.id = s.id AND m.status_code IS NOT NULL AND m.blocked_by IS DISTINCT FROM 'warmup' "            \
              "AND NOT EXISTS (SELECT FROM public.usage_ledger AS l WHERE l.request_id = s.id OFFSET 0)"

gboolean
merge_is_log(const TocEntry *entry)
{
  return g_strcmp0(entry->namespace_name, "public") == 0 && g_strcmp0(entry->tag, LOG_TABLE) == 0;
}

/* For smaller distances than this, a sequence is moved by nextval. */
enum { MAX_DRAWN = 10000 };

/* Moves the sequence of public.`owner`'s ids past the staged ids in `column`. */
static gboolean
step_over(Restore *restore, const MergeTable *table, const char *column, const char *owner, GError **error)
{
  PgConnection *connection = restore_connection(restore);
  if (!g_strv_contains((const char *const *)table->shared, column))
    return TRUE;
  g_autoptr(PgResult) found = pg_connection_query(connection, error, backup_merge_id_sequence_sql, 1, owner);
  if (found == NULL)
    return FALSE;
  if (pg_result_rows(found) == 0)
    return TRUE;
  const char *sequence = pg_result_text(found, 0, 0);
  g_autofree char *ask =
      g_strdup_printf("SELECT s.m, s.m - q.last_value FROM (SELECT pg_catalog.max(%s) AS m FROM " MERGE_STAGE
                      ") AS s, %s AS q WHERE s.m > q.last_value",
                      column, sequence);
  g_autoptr(PgResult) ahead = pg_connection_query(connection, error, ask, 0);
  if (ahead == NULL)
    return FALSE;
  if (pg_result_rows(ahead) == 0)
    return TRUE;
  g_autofree char *literal = pg_quote_literal(sequence);
  /* setval would undo nextval calls of others since the query. Nobody makes so many in that time. */
  if (pg_result_int64(ahead, 0, 1) > MAX_DRAWN)
    return pg_connection_execf(connection, error, "SELECT pg_catalog.setval(%s, %s)", literal,
                               pg_result_text(ahead, 0, 0));
  return pg_connection_execf(connection, error,
                             "SELECT pg_catalog.count(pg_catalog.nextval(%s)) FROM pg_catalog.generate_series(1, %s)",
                             literal, pg_result_text(ahead, 0, 1));
}

/* The ledger's rows come before the log's, and keep out those that the hub's trigger makes for the same requests. */
gboolean
merge_step_over_ids(Restore *restore, const MergeTable *table, GError **error)
{
  if (merge_is_log(table->entry))
    return step_over(restore, table, "id", LOG_TABLE, error);
  if (g_strcmp0(table->entry->namespace_name, "public") != 0 || g_strcmp0(table->entry->tag, "usage_ledger") != 0)
    return TRUE;
  return step_over(restore, table, "id", "usage_ledger", error) &&
         step_over(restore, table, "request_id", LOG_TABLE, error);
}

/* The trigger draws ids for the ledger, which must lie beyond the archive's. A sequence only moves forward. */
gboolean
merge_ledger_reserve_ids(Restore *restore, GError **error)
{
  PgConnection *connection = restore_connection(restore);
  g_autoptr(PgResult) ledger = pg_connection_query(connection, error, backup_merge_ledger_sql, 0);
  if (ledger == NULL)
    return FALSE;
  const char *sequence = pg_result_rows(ledger) > 0 ? pg_result_text(ledger, 0, LEDGER_SEQUENCE) : NULL;
  if (sequence == NULL || !pg_result_bool(ledger, 0, LEDGER_HAS_TRIGGER))
    return TRUE;
  g_autofree char *literal = pg_quote_literal(sequence);
  return pg_connection_execf(connection, error,
                             "SELECT pg_catalog.setval(%s, m) FROM (SELECT pg_catalog.max(id) AS m FROM "
                             "public.usage_ledger) AS l WHERE m > (SELECT last_value FROM %s)",
                             literal, sequence);
}

static gboolean
count_missing(PgConnection *connection, gint64 *ret_missing, GError **error)
{
  g_autoptr(PgResult) count = pg_connection_query(
      connection, error, "SELECT pg_catalog.count(*) FROM public.message_request AS m, " MISSING, 0);
  if (count == NULL)
    return FALSE;
  *ret_missing = pg_result_int64(count, 0, 0);
  return TRUE;
}

/* Calls the hub's own function, which its trigger calls with the row. Only rows of this import are touched, which
 * nobody else sees yet. */
gboolean
merge_ledger_fill(Restore *restore, const MergeTable *table, GError **error)
{
  PgConnection *connection = restore_connection(restore);
  g_autoptr(PgResult) ledger = pg_connection_query(connection, error, backup_merge_ledger_sql, 0);
  if (ledger == NULL)
    return FALSE;
  gint64 missing = 0, left = 0;
  if (pg_result_rows(ledger) == 0 || !g_strv_contains((const char *const *)table->shared, "id"))
    return TRUE;
  if (!count_missing(connection, &missing, error))
    return FALSE;
  if (missing == 0)
    return TRUE;
  left = missing;
  if (pg_result_bool(ledger, 0, LEDGER_HAS_TRIGGER) && pg_result_bool(ledger, 0, LEDGER_IS_ALONE)) {
    if (!merge_ledger_reserve_ids(restore, error) ||
        !pg_connection_exec(
            connection, "UPDATE public.message_request AS m SET status_code = m.status_code FROM " MISSING, error) ||
        !count_missing(connection, &left, error))
      return FALSE;
    if (left < missing) {
      /* The hub's function does not count the remaining rows, such as requests that only count tokens. */
      backup_progress_say(restore_progress(restore), TEXT_IMPORT_LEDGER_FILLED, (guint64)(missing - left));
      return TRUE;
    }
  }
  backup_progress_warn(restore_progress(restore), TEXT_IMPORT_LEDGER_GAP, (guint64)left);
  return TRUE;
}
