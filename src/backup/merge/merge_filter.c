#include "backup/merge/merge_filter.h"

#include "archive/rows/copy_row.h"
#include "backup/plan/entry_sql.h"
#include "base/error.h"

#include <string.h>

#define KEYS          "pg_temp.cch_keys"
#define NUMBER_COLUMN "\"cch n\""

enum { CHUNK_BYTES = 4 * 1024 * 1024, CHUNK_ROWS = 16 * 1024 };

typedef struct {
  gsize start, size; /* offsets in the text, with the newline */
  gboolean is_missing;
} Row;

typedef struct {
  Restore *restore;
  const MergeTable *table;
  guint *key_numbers; /* positions of the identity's columns among the archive's, ascending */
  guint n_keys;
  CopyField *fields; /* n_keys */
  char *ask;         /* selects the keys of KEYS that the live table lacks */

  guint8 *text; /* CHUNK_BYTES: read and not yet looked up */
  gsize size;
  GArray *rows;        /* Row: rows of the current chunk */
  GString *keys;       /* keys of these rows, as COPY text */
  guint n_asked;       /* lines in it */
  gboolean is_passing; /* a row larger than a chunk is being passed to the stage without a look-up, by an open COPY */
  guint64 n_rows;      /* rows read */
} Filter;

/* ---- Setting up ---- */

/* Positions of the identity's columns, and their quoted names as a list, in the archive's order. */
static gboolean
find_key_columns(Filter *filter, char **ret_list, GError **error)
{
  g_auto(GStrv) archived = NULL;
  if (!entry_copy_columns(filter->table->entry, &archived, error))
    return FALSE;
  const char *const *keys = (const char *const *)filter->table->identity_columns;
  guint n_keys = g_strv_length(filter->table->identity_columns);
  filter->key_numbers = g_new0(guint, n_keys);
  filter->fields = g_new0(CopyField, n_keys);
  GString *list = g_string_new(NULL);
  for (guint i = 0; archived[i] != NULL && filter->n_keys < n_keys; i++) {
    if (!g_strv_contains(keys, archived[i]))
      continue;
    filter->key_numbers[filter->n_keys++] = i;
    g_autofree char *quoted = pg_quote_identifier(archived[i]);
    g_string_append_printf(list, ", s.%s", quoted);
  }
  g_assert(filter->n_keys == n_keys);
  *ret_list = g_string_free(list, FALSE);
  return TRUE;
}

/* OFFSET keeps the planner from a join, which would read the whole table for each chunk. It looks up one key after
 * the other instead. */
static gboolean
begin_filter(Filter *filter, GError **error)
{
  g_autofree char *key_list = NULL;
  if (!find_key_columns(filter, &key_list, error))
    return FALSE;
  filter->ask = g_strdup_printf("SELECT s." NUMBER_COLUMN " FROM " KEYS " AS s "
                                "WHERE NOT EXISTS (SELECT FROM %s AS l WHERE %s OFFSET 0)",
                                filter->table->from, filter->table->identity);
  filter->text = g_malloc(CHUNK_BYTES);
  filter->rows = g_array_new(FALSE, FALSE, sizeof(Row));
  filter->keys = g_string_new(NULL);
  return pg_connection_execf(restore_connection(filter->restore), error,
                             "CREATE TEMPORARY TABLE cch_keys ON COMMIT DROP AS "
                             "SELECT 0::pg_catalog.int4 AS " NUMBER_COLUMN "%s FROM " MERGE_STAGE " AS s WITH NO DATA",
                             key_list);
}

static void
filter_clear(Filter *filter)
{
  g_free(filter->key_numbers);
  g_free(filter->fields);
  g_free(filter->ask);
  g_free(filter->text);
  g_clear_pointer(&filter->rows, g_array_unref);
  if (filter->keys != NULL)
    g_string_free(filter->keys, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Filter, filter_clear)

/* ---- A chunk of rows ---- */

/* Adds the row's key to the look-up. A row whose key cannot be parsed is left to the server. */
static void
note_row(Filter *filter, gsize start, gsize size)
{
  guint number = filter->rows->len;
  Row row = {.start = start, .size = size};
  row.is_missing = !copy_row_find(filter->text + start, size - 1, filter->key_numbers, filter->n_keys, filter->fields);
  g_array_append_val(filter->rows, row);
  if (row.is_missing)
    return;
  g_string_append_printf(filter->keys, "%u", number);
  for (guint i = 0; i < filter->n_keys; i++) {
    g_string_append_c(filter->keys, '\t');
    g_string_append_len(filter->keys, (const char *)filter->fields[i].data, (gssize)filter->fields[i].size);
  }
  g_string_append_c(filter->keys, '\n');
  filter->n_asked++;
}

/* Finds the whole rows from `start` on, up to CHUNK_ROWS, and returns their end. */
static gsize
note_rows(Filter *filter, gsize start)
{
  g_array_set_size(filter->rows, 0);
  g_string_truncate(filter->keys, 0);
  filter->n_asked = 0;
  while (filter->rows->len < CHUNK_ROWS) {
    const guint8 *newline = memchr(filter->text + start, '\n', filter->size - start);
    if (newline == NULL)
      break;
    gsize end = (gsize)(newline - filter->text) + 1;
    note_row(filter, start, end - start);
    start = end;
  }
  return start;
}

static gboolean
end_copy(Filter *filter, guint64 sent, GError **error)
{
  guint64 taken = 0;
  return pg_connection_copy_in_end(restore_connection(filter->restore), &taken, error) &&
         restore_check_taken(taken, sent, error);
}

static gboolean
ask_for_missing(Filter *filter, GError **error)
{
  PgConnection *connection = restore_connection(filter->restore);
  if (filter->n_asked == 0)
    return TRUE;
  if (!pg_connection_copy_in_begin(connection, "COPY " KEYS " FROM stdin", error) ||
      !pg_connection_copy_in_write(connection, (const guint8 *)filter->keys->str, filter->keys->len, error) ||
      !end_copy(filter, filter->n_asked, error))
    return FALSE;
  g_autoptr(PgResult) missing = pg_connection_query(connection, error, filter->ask, 0);
  if (missing == NULL)
    return FALSE;
  for (guint i = 0; i < pg_result_rows(missing); i++) {
    guint64 number = (guint64)pg_result_int64(missing, i, 0);
    g_assert(number < filter->rows->len);
    g_array_index(filter->rows, Row, number).is_missing = TRUE;
  }
  return pg_connection_exec(connection, "TRUNCATE " KEYS, error);
}

/* ---- Staging ---- */

static gboolean
begin_staging(Filter *filter, GError **error)
{
  return pg_connection_copy_in_begin(restore_connection(filter->restore), "COPY " MERGE_STAGE " FROM stdin", error);
}

static guint
count_missing(const Filter *filter)
{
  guint n = 0;
  for (guint i = 0; i < filter->rows->len; i++)
    n += g_array_index(filter->rows, Row, i).is_missing;
  return n;
}

/* Writes neighbouring rows at once. */
static gboolean
stage_missing(Filter *filter, GError **error)
{
  guint n_missing = count_missing(filter);
  if (n_missing == 0)
    return TRUE;
  if (!begin_staging(filter, error))
    return FALSE;
  for (guint i = 0; i < filter->rows->len; i++) {
    gsize start = g_array_index(filter->rows, Row, i).start, end = start;
    for (; i < filter->rows->len && g_array_index(filter->rows, Row, i).is_missing; i++)
      end += g_array_index(filter->rows, Row, i).size;
    if (end > start &&
        !pg_connection_copy_in_write(restore_connection(filter->restore), filter->text + start, end - start, error))
      return FALSE;
  }
  return end_copy(filter, n_missing, error);
}

/* ---- The text ---- */

static void
count_read(Filter *filter, guint64 rows, gsize bytes)
{
  filter->n_rows += rows;
  backup_progress_add(restore_progress(filter->restore), rows, bytes);
}

/* Handles all whole rows and moves the rest to the front. */
static gboolean
judge_text(Filter *filter, GError **error)
{
  gsize start = 0;
  for (;;) {
    gsize end = note_rows(filter, start);
    if (filter->rows->len == 0)
      break;
    if (!ask_for_missing(filter, error) || !stage_missing(filter, error))
      return FALSE;
    count_read(filter, filter->rows->len, end - start);
    start = end;
  }
  filter->size -= start;
  memmove(filter->text, filter->text + start, filter->size);
  return TRUE;
}

/* The chunk is full with the beginning of one row. */
static gboolean
begin_passing(Filter *filter, GError **error)
{
  gsize size = filter->size;
  filter->size = 0;
  if (!begin_staging(filter, error) ||
      !pg_connection_copy_in_write(restore_connection(filter->restore), filter->text, size, error))
    return FALSE;
  filter->is_passing = TRUE;
  count_read(filter, 0, size);
  return TRUE;
}

/* Passes on the bytes of the large row and returns their number; 0 with an error. */
static gsize
pass_large_row(Filter *filter, const guint8 *data, gsize size, GError **error)
{
  const guint8 *newline = memchr(data, '\n', size);
  gsize part = newline != NULL ? (gsize)(newline - data) + 1 : size;
  filter->is_passing = FALSE; /* a failed COPY is not open */
  if (!pg_connection_copy_in_write(restore_connection(filter->restore), data, part, error) ||
      (newline != NULL && !end_copy(filter, 1, error)))
    return 0;
  filter->is_passing = newline == NULL;
  count_read(filter, newline != NULL, part);
  return part;
}

static gsize
gather_rows(Filter *filter, const guint8 *data, gsize size, GError **error)
{
  if (filter->size == CHUNK_BYTES && !judge_text(filter, error))
    return 0;
  if (filter->size == CHUNK_BYTES)
    return begin_passing(filter, error) ? pass_large_row(filter, data, size, error) : 0;
  gsize part = MIN(size, CHUNK_BYTES - filter->size);
  memcpy(filter->text + filter->size, data, part);
  filter->size += part;
  return part;
}

static gboolean
take_text(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  Filter *filter = user_data;
  while (size > 0) {
    gsize taken = (filter->is_passing ? pass_large_row : gather_rows)(filter, data, size, error);
    if (taken == 0)
      return FALSE;
    data += taken;
    size -= taken;
  }
  return TRUE;
}

static gboolean
read_all(Filter *filter, GError **error)
{
  Restore *restore = filter->restore;
  if (!archive_reader_read_data(restore_reader(restore), filter->table->entry, take_text, NULL, filter,
                                restore_cancellable(restore), error)) {
    if (filter->is_passing && pg_connection_is_alive(restore_connection(restore)))
      pg_connection_copy_in_abort(restore_connection(restore));
    return FALSE;
  }
  if (!judge_text(filter, error))
    return FALSE;
  guint64 expected = archive_reader_data_info(restore_reader(restore), filter->table->entry)->rows;
  if (filter->n_rows == expected)
    return TRUE;
  error_set(error, CCH_ERROR_ARCHIVE_CORRUPT,
            "the archive's file has changed: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " rows", filter->n_rows,
            expected);
  return FALSE;
}

gboolean
merge_stage_missing(Restore *restore, const MergeTable *table, guint64 *ret_rows, GError **error)
{
  g_auto(Filter) filter = {.restore = restore, .table = table};
  if (!begin_filter(&filter, error) || !read_all(&filter, error))
    return FALSE;
  *ret_rows = filter.n_rows;
  return pg_connection_exec(restore_connection(restore), "DROP TABLE " KEYS, error);
}
