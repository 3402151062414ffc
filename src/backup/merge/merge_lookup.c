#include "backup/merge/merge_lookup.h"

#include "base/error.h"
#include "pg/connection/sqlstate.h"

#define KEYS          "pg_temp.cch_keys"
#define NUMBER_COLUMN "\"cch n\""
#define HASH_COLUMN   "\"cch hash\""
#define UNSURE        "pg_temp.cch_unsure" /* rows that are there with another hash */

/* ---- Setting up ---- */

/* OFFSET keeps the planner from a join, which would read the whole table for each chunk. It looks up one key after
 * the other instead. */
gboolean
merge_lookup_begin(MergeLookup *lookup, Restore *restore, const MergeTable *table, gboolean stages_unsure,
                   const char *key_list, GError **error)
{
  lookup->restore = restore;
  lookup->stages_unsure = stages_unsure;
  g_autofree char *differs = merge_differs(table);
  lookup->ask = g_strdup_printf("SELECT s." NUMBER_COLUMN ", l.hash IS NULL FROM " KEYS
                                " AS s LEFT JOIN LATERAL (SELECT pg_catalog.sha256("
                                "pg_catalog.convert_to(ROW(%s)::pg_catalog.text, pg_catalog.getdatabaseencoding())) AS "
                                "hash FROM %s AS l WHERE %s "
                                "OFFSET 0) AS l ON true WHERE l.hash IS DISTINCT FROM s." HASH_COLUMN,
                                table->live_list, table->from, table->identity);
  lookup->count_different =
      g_strdup_printf("SELECT pg_catalog.count(*) FROM " UNSURE " AS s JOIN %s AS l ON %s WHERE %s", table->from,
                      table->identity, differs);
  for (guint i = 0; i < G_N_ELEMENTS(lookup->chunks); i++) {
    lookup->chunks[i].rows = g_array_new(FALSE, FALSE, sizeof(MergeRow));
    lookup->chunks[i].keys = g_string_new(NULL);
  }
  lookup->next = &lookup->chunks[0];
  lookup->is_compared = TRUE;
  return pg_connection_execf(
      restore_connection(restore), error,
      "CREATE TEMPORARY TABLE cch_keys ON COMMIT DROP AS SELECT 0::pg_catalog.int4 AS " NUMBER_COLUMN
      ", ''::pg_catalog.bytea AS " HASH_COLUMN "%s FROM " MERGE_STAGE " AS s WITH NO DATA; "
      "CREATE TEMPORARY TABLE cch_unsure (LIKE " MERGE_STAGE ") ON COMMIT DROP",
      key_list);
}

gboolean
merge_lookup_end(MergeLookup *lookup, GError **error)
{
  return pg_connection_exec(restore_connection(lookup->restore), "DROP TABLE " KEYS ", " UNSURE, error);
}

void
merge_lookup_clear(MergeLookup *lookup)
{
  g_free(lookup->ask);
  g_free(lookup->count_different);
  for (guint i = 0; i < G_N_ELEMENTS(lookup->chunks); i++) {
    g_clear_pointer(&lookup->chunks[i].rows, g_array_unref);
    if (lookup->chunks[i].keys != NULL)
      g_string_free(lookup->chunks[i].keys, TRUE);
  }
}

/* ---- Asking ---- */

gboolean
merge_lookup_ask(MergeLookup *lookup, GError **error)
{
  PgConnection *connection = restore_connection(lookup->restore);
  MergeChunk *chunk = lookup->next;
  if (chunk->n_asked > 0 &&
      (!pg_connection_copy_in_begin(connection, "COPY " KEYS " FROM stdin", error) ||
       !pg_connection_copy_in_write(connection, (const guint8 *)chunk->keys->str, chunk->keys->len, error) ||
       !restore_end_copy(lookup->restore, chunk->n_asked, error) ||
       !pg_connection_query_begin(connection, lookup->ask, error)))
    return FALSE;
  lookup->asked = chunk;
  lookup->next = chunk == &lookup->chunks[0] ? &lookup->chunks[1] : &lookup->chunks[0];
  return TRUE;
}

static gboolean
take_fates(MergeLookup *lookup, MergeChunk *chunk, GError **error)
{
  PgConnection *connection = restore_connection(lookup->restore);
  if (chunk->n_asked == 0)
    return TRUE;
  g_autoptr(PgResult) others = pg_connection_query_end(connection, error);
  if (others == NULL)
    return FALSE;
  for (guint i = 0; i < pg_result_rows(others); i++) {
    guint64 number = (guint64)pg_result_int64(others, i, 0);
    g_assert(number < chunk->rows->len);
    g_array_index(chunk->rows, MergeRow, number).fate =
        pg_result_bool(others, i, 1) ? MERGE_ROW_MISSING : MERGE_ROW_UNSURE;
  }
  return pg_connection_exec(connection, "TRUNCATE " KEYS, error);
}

void
merge_lookup_drop(MergeLookup *lookup)
{
  if (lookup->asked != NULL && lookup->asked->n_asked > 0)
    pg_result_free(pg_connection_query_end(restore_connection(lookup->restore), NULL));
  lookup->asked = NULL;
}

/* ---- Writing rows of one fate ---- */

guint
merge_chunk_count(const MergeChunk *chunk, MergeRowFate fate)
{
  guint n = 0;
  for (guint i = 0; i < chunk->rows->len; i++)
    n += g_array_index(chunk->rows, MergeRow, i).fate == fate;
  return n;
}

static gboolean
is_copied(const MergeLookup *lookup, const MergeChunk *chunk, guint row, MergeRowFate fate)
{
  MergeRowFate has = g_array_index(chunk->rows, MergeRow, row).fate;
  return has == fate || (lookup->stages_unsure && has == MERGE_ROW_UNSURE);
}

/* Writes neighbouring rows at once: those of that fate, and with `stages_unsure` the unsure ones, too. */
static gboolean
copy_rows(MergeLookup *lookup, const MergeChunk *chunk, MergeRowFate fate, const char *copy, GError **error)
{
  guint n = merge_chunk_count(chunk, fate) + (lookup->stages_unsure ? merge_chunk_count(chunk, MERGE_ROW_UNSURE) : 0);
  if (n == 0)
    return TRUE;
  if (!pg_connection_copy_in_begin(restore_connection(lookup->restore), copy, error))
    return FALSE;
  for (guint i = 0; i < chunk->rows->len; i++) {
    gsize start = g_array_index(chunk->rows, MergeRow, i).start, end = start;
    for (; i < chunk->rows->len && is_copied(lookup, chunk, i, fate); i++)
      end += g_array_index(chunk->rows, MergeRow, i).size;
    if (end > start &&
        !pg_connection_copy_in_write(restore_connection(lookup->restore), chunk->text + start, end - start, error))
      return FALSE;
  }
  return restore_end_copy(lookup->restore, n, error);
}

/* ---- Comparing whole rows ---- */

static gboolean
compare_unsure(MergeLookup *lookup, const MergeChunk *chunk, GError **error)
{
  PgConnection *connection = restore_connection(lookup->restore);
  if (!copy_rows(lookup, chunk, MERGE_ROW_UNSURE, "COPY " UNSURE " FROM stdin", error))
    return FALSE;
  g_autoptr(PgResult) different = pg_connection_query(connection, error, lookup->count_different, 0);
  if (different == NULL)
    return FALSE;
  lookup->different += (guint64)pg_result_int64(different, 0, 0);
  return pg_connection_exec(connection, "TRUNCATE " UNSURE "; RELEASE SAVEPOINT cch_unsure", error);
}

/* A value that this table cannot have, which does not matter for a row that is skipped. */
static gboolean
says_value_refused(const GError *error)
{
  const char *sqlstate = error_sqlstate(error);
  return g_str_has_prefix(sqlstate, SQLSTATE_CLASS_DATA) || g_str_has_prefix(sqlstate, SQLSTATE_CLASS_CONSTRAINT);
}

static gboolean
count_different(MergeLookup *lookup, const MergeChunk *chunk, GError **error)
{
  PgConnection *connection = restore_connection(lookup->restore);
  if (lookup->stages_unsure || !lookup->is_compared || merge_chunk_count(chunk, MERGE_ROW_UNSURE) == 0)
    return TRUE;
  if (!pg_connection_exec(connection, "SAVEPOINT cch_unsure", error))
    return FALSE;
  g_autoptr(GError) failure = NULL;
  if (compare_unsure(lookup, chunk, &failure))
    return TRUE;
  if (!says_value_refused(failure)) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  lookup->is_compared = FALSE;
  return pg_connection_exec(connection, "ROLLBACK TO SAVEPOINT cch_unsure; RELEASE SAVEPOINT cch_unsure", error);
}

gboolean
merge_lookup_judge(MergeLookup *lookup, const MergeChunk **ret_chunk, GError **error)
{
  MergeChunk *chunk = g_steal_pointer(&lookup->asked);
  if (chunk != NULL && (!take_fates(lookup, chunk, error) ||
                        !copy_rows(lookup, chunk, MERGE_ROW_MISSING, "COPY " MERGE_STAGE " FROM stdin", error) ||
                        !count_different(lookup, chunk, error)))
    return FALSE;
  *ret_chunk = chunk;
  return TRUE;
}
