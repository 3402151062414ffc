#include "backup/merge/merge_filter.h"

#include "archive/rows/copy_row.h"
#include "backup/merge/merge_seen.h"
#include "backup/plan/entry_sql.h"
#include "backup_sql.h"
#include "base/error.h"
#include "base/sha256.h"
#include "pg/connection/sqlstate.h"

#include <string.h>

#define KEYS          "pg_temp.cch_keys"
#define NUMBER_COLUMN "\"cch n\""
#define HASH_COLUMN   "\"cch hash\""
#define COPY_TO_STAGE "COPY " MERGE_STAGE " FROM stdin"
#define UNSURE        "pg_temp.cch_unsure" /* rows that are there with another hash */

enum {
  CHUNK_BYTES = 4 * 1024 * 1024,
  CHUNK_ROWS = 16 * 1024,
  UNASKED_CHUNKS = 3 /* staged without a look-up after one of which most rows were staged anyway */
};

typedef enum { ROW_EQUAL, ROW_MISSING, ROW_UNSURE } RowFate;

typedef struct {
  gsize start, size; /* offsets in the text, with the newline */
  RowFate fate;
} Row;

typedef struct {
  Restore *restore;
  const MergeTable *table;
  guint *numbers; /* positions of the shared columns among the archive's, ascending */
  guint *keys_at; /* of these, the identity's, in the archive's order */
  guint n_shared, n_keys;
  CopyField *fields; /* n_shared */
  char *ask; /* selects the rows of KEYS that are not in the live table as they are, and whether they are missing */
  char *count_different; /* of UNSURE */
  Sha256 *sha256;
  GString *row_text;

  guint8 *text; /* CHUNK_BYTES: read and not yet looked up */
  gsize size;
  GArray *rows;        /* Row: rows of the current chunk */
  GString *keys;       /* numbers, hashes and keys of these rows, as COPY text */
  guint n_asked;       /* lines in it */
  gboolean is_passing; /* a row larger than a chunk is being passed to the stage without a look-up, by an open COPY */
  MergeFound found;    /* so far */

  /* Only for merge_stage_unequal. */
  MergeSeen *seen;         /* the identities so far; NULL: different rows are not staged */
  gboolean may_have_twins; /* a key that is not certainly new was read */
  guint n_unasked;         /* so many chunks are staged without a look-up */
  guint64 bytes;           /* read so far */
} Filter;

/* ---- Setting up ---- */

/* Positions of the columns, and the identity's quoted names as a list, in the archive's order. */
static gboolean
find_columns(Filter *filter, char **ret_list, GError **error)
{
  g_auto(GStrv) archived = NULL;
  if (!entry_copy_columns(filter->table->entry, &archived, error))
    return FALSE;
  const char *const *shared = (const char *const *)filter->table->shared;
  const char *const *keys = (const char *const *)filter->table->identity_columns;
  filter->numbers = g_new0(guint, g_strv_length(filter->table->shared));
  filter->fields = g_new0(CopyField, g_strv_length(filter->table->shared));
  filter->keys_at = g_new0(guint, g_strv_length(filter->table->identity_columns));
  GString *list = g_string_new(NULL);
  for (guint i = 0; archived[i] != NULL; i++) {
    if (!g_strv_contains(shared, archived[i]))
      continue;
    if (g_strv_contains(keys, archived[i])) {
      filter->keys_at[filter->n_keys++] = filter->n_shared;
      g_autofree char *quoted = pg_quote_identifier(archived[i]);
      g_string_append_printf(list, ", s.%s", quoted);
    }
    filter->numbers[filter->n_shared++] = i;
  }
  g_assert(filter->n_keys == g_strv_length(filter->table->identity_columns));
  *ret_list = g_string_free(list, FALSE);
  return TRUE;
}

/* OFFSET keeps the planner from a join, which would read the whole table for each chunk. It looks up one key after
 * the other instead. */
static gboolean
begin_filter(Filter *filter, GError **error)
{
  const MergeTable *table = filter->table;
  g_autofree char *key_list = NULL;
  if (!find_columns(filter, &key_list, error))
    return FALSE;
  g_autofree char *differs = merge_differs(table);
  filter->ask = g_strdup_printf("SELECT s." NUMBER_COLUMN ", l.hash IS NULL FROM " KEYS
                                " AS s LEFT JOIN LATERAL (SELECT pg_catalog.sha256("
                                "pg_catalog.convert_to(ROW(%s)::pg_catalog.text, pg_catalog.getdatabaseencoding())) AS "
                                "hash FROM %s AS l WHERE %s "
                                "OFFSET 0) AS l ON true WHERE l.hash IS DISTINCT FROM s." HASH_COLUMN,
                                table->live_list, table->from, table->identity);
  filter->count_different =
      g_strdup_printf("SELECT pg_catalog.count(*) FROM " UNSURE " AS s JOIN %s AS l ON %s WHERE %s", table->from,
                      table->identity, differs);
  filter->text = g_malloc(CHUNK_BYTES);
  filter->rows = g_array_new(FALSE, FALSE, sizeof(Row));
  filter->keys = g_string_new(NULL);
  filter->row_text = g_string_new(NULL);
  filter->sha256 = sha256_new();
  filter->found.is_compared = TRUE;
  return pg_connection_execf(
      restore_connection(filter->restore), error,
      "CREATE TEMPORARY TABLE cch_keys ON COMMIT DROP AS SELECT 0::pg_catalog.int4 AS " NUMBER_COLUMN
      ", ''::pg_catalog.bytea AS " HASH_COLUMN "%s FROM " MERGE_STAGE " AS s WITH NO DATA; "
      "CREATE TEMPORARY TABLE cch_unsure (LIKE " MERGE_STAGE ") ON COMMIT DROP",
      key_list);
}

static void
filter_clear(Filter *filter)
{
  g_free(filter->numbers);
  g_free(filter->keys_at);
  g_free(filter->fields);
  g_free(filter->ask);
  g_free(filter->count_different);
  g_clear_pointer(&filter->sha256, sha256_free);
  if (filter->row_text != NULL)
    g_string_free(filter->row_text, TRUE);
  g_free(filter->text);
  g_clear_pointer(&filter->rows, g_array_unref);
  g_clear_pointer(&filter->seen, merge_seen_free);
  if (filter->keys != NULL)
    g_string_free(filter->keys, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Filter, filter_clear)

/* ---- A chunk of rows ---- */

/* Appends the row's hash as a bytea; nothing, which no hash is equal to, if it cannot be computed. */
static void
append_hash(Filter *filter)
{
  GString *text = g_string_assign(filter->row_text, "(");
  for (guint i = 0; i < filter->n_shared; i++) {
    if (i > 0)
      g_string_append_c(text, ',');
    if (!copy_field_append_record(&filter->fields[i], text))
      return;
  }
  g_string_append_c(text, ')');
  char hash[SHA256_TEXT_BYTES];
  sha256_push(filter->sha256, (const guint8 *)text->str, text->len);
  sha256_take(filter->sha256, hash);
  g_string_append(filter->keys, "\\\\x");
  g_string_append(filter->keys, hash);
}

/* Adds the row to the look-up. A row whose key cannot be parsed is left to the server. */
static void
note_row(Filter *filter, gsize start, gsize size)
{
  guint number = filter->rows->len;
  gboolean is_read = copy_row_find(filter->text + start, size - 1, filter->numbers, filter->n_shared, filter->fields);
  gboolean is_asked = is_read && filter->n_unasked == 0;
  Row row = {.start = start, .size = size, .fate = is_asked ? ROW_EQUAL : ROW_MISSING};
  g_array_append_val(filter->rows, row);
  const CopyField *key = &filter->fields[filter->keys_at[0]];
  if (filter->seen != NULL && !(is_read && merge_seen_add(filter->seen, key->data, key->size)))
    filter->may_have_twins = TRUE;
  if (!is_asked)
    return;
  g_string_append_printf(filter->keys, "%u\t", number);
  append_hash(filter);
  for (guint i = 0; i < filter->n_keys; i++) {
    const CopyField *field = &filter->fields[filter->keys_at[i]];
    g_string_append_c(filter->keys, '\t');
    g_string_append_len(filter->keys, (const char *)field->data, (gssize)field->size);
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
ask_for_fates(Filter *filter, GError **error)
{
  PgConnection *connection = restore_connection(filter->restore);
  if (filter->n_asked == 0)
    return TRUE;
  if (!pg_connection_copy_in_begin(connection, "COPY " KEYS " FROM stdin", error) ||
      !pg_connection_copy_in_write(connection, (const guint8 *)filter->keys->str, filter->keys->len, error) ||
      !end_copy(filter, filter->n_asked, error))
    return FALSE;
  g_autoptr(PgResult) others = pg_connection_query(connection, error, filter->ask, 0);
  if (others == NULL)
    return FALSE;
  for (guint i = 0; i < pg_result_rows(others); i++) {
    guint64 number = (guint64)pg_result_int64(others, i, 0);
    g_assert(number < filter->rows->len);
    g_array_index(filter->rows, Row, number).fate = pg_result_bool(others, i, 1) ? ROW_MISSING : ROW_UNSURE;
  }
  return pg_connection_exec(connection, "TRUNCATE " KEYS, error);
}

/* ---- Writing rows of one fate ---- */

static guint
count_rows(const Filter *filter, RowFate fate)
{
  guint n = 0;
  for (guint i = 0; i < filter->rows->len; i++)
    n += g_array_index(filter->rows, Row, i).fate == fate;
  return n;
}

static gboolean
is_copied(const Filter *filter, guint row, RowFate fate)
{
  RowFate has = g_array_index(filter->rows, Row, row).fate;
  return has == fate || (filter->seen != NULL && has == ROW_UNSURE);
}

/* Writes neighbouring rows at once: those of that fate, and with `seen` the unsure ones, too. */
static gboolean
copy_rows(Filter *filter, RowFate fate, const char *copy, GError **error)
{
  guint n = count_rows(filter, fate) + (filter->seen != NULL ? count_rows(filter, ROW_UNSURE) : 0);
  if (n == 0)
    return TRUE;
  if (!pg_connection_copy_in_begin(restore_connection(filter->restore), copy, error))
    return FALSE;
  for (guint i = 0; i < filter->rows->len; i++) {
    gsize start = g_array_index(filter->rows, Row, i).start, end = start;
    for (; i < filter->rows->len && is_copied(filter, i, fate); i++)
      end += g_array_index(filter->rows, Row, i).size;
    if (end > start &&
        !pg_connection_copy_in_write(restore_connection(filter->restore), filter->text + start, end - start, error))
      return FALSE;
  }
  return end_copy(filter, n, error);
}

/* ---- Comparing whole rows ---- */

static gboolean
compare_unsure(Filter *filter, GError **error)
{
  PgConnection *connection = restore_connection(filter->restore);
  if (!copy_rows(filter, ROW_UNSURE, "COPY " UNSURE " FROM stdin", error))
    return FALSE;
  g_autoptr(PgResult) different = pg_connection_query(connection, error, filter->count_different, 0);
  if (different == NULL)
    return FALSE;
  filter->found.different += (guint64)pg_result_int64(different, 0, 0);
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
count_different(Filter *filter, GError **error)
{
  PgConnection *connection = restore_connection(filter->restore);
  if (filter->seen != NULL || !filter->found.is_compared || count_rows(filter, ROW_UNSURE) == 0)
    return TRUE;
  if (!pg_connection_exec(connection, "SAVEPOINT cch_unsure", error))
    return FALSE;
  g_autoptr(GError) failure = NULL;
  if (compare_unsure(filter, &failure))
    return TRUE;
  if (!says_value_refused(failure)) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  filter->found.is_compared = FALSE;
  return pg_connection_exec(connection, "ROLLBACK TO SAVEPOINT cch_unsure; RELEASE SAVEPOINT cch_unsure", error);
}

/* ---- The text ---- */

static void
count_read(Filter *filter, guint64 rows, gsize bytes)
{
  filter->found.rows += rows;
  filter->bytes += bytes;
  backup_progress_add(restore_progress(filter->restore), rows, bytes);
}

/* Ends the reading, for all rows to be staged: the caller looks at may_have_twins. */
static gboolean
give_up(Filter *filter, GError **error)
{
  filter->may_have_twins = TRUE;
  error_set(error, CCH_ERROR_INTERNAL, "all rows are staged");
  return FALSE;
}

static void
count_equal(Filter *filter)
{
  guint n_equal = count_rows(filter, ROW_EQUAL);
  filter->found.equal += n_equal;
  if (filter->seen == NULL)
    return;
  if (filter->n_unasked > 0)
    filter->n_unasked--;
  else if (n_equal < filter->rows->len / 2)
    filter->n_unasked = UNASKED_CHUNKS;
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
    if (filter->may_have_twins)
      return give_up(filter, error);
    if (!ask_for_fates(filter, error) || !copy_rows(filter, ROW_MISSING, COPY_TO_STAGE, error) ||
        !count_different(filter, error))
      return FALSE;
    count_read(filter, filter->rows->len, end - start);
    count_equal(filter);
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
  if (filter->seen != NULL)
    return give_up(filter, error); /* nobody knows its key */
  filter->size = 0;
  if (!pg_connection_copy_in_begin(restore_connection(filter->restore), COPY_TO_STAGE, error) ||
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
  if (filter->found.rows == expected)
    return TRUE;
  error_set(error, CCH_ERROR_ARCHIVE_CORRUPT,
            "the archive's file has changed: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " rows", filter->found.rows,
            expected);
  return FALSE;
}

gboolean
merge_stage_missing(Restore *restore, const MergeTable *table, MergeFound *ret_found, GError **error)
{
  g_auto(Filter) filter = {.restore = restore, .table = table};
  if (!begin_filter(&filter, error) || !read_all(&filter, error))
    return FALSE;
  *ret_found = filter.found;
  return pg_connection_exec(restore_connection(restore), "DROP TABLE " KEYS ", " UNSURE, error);
}

gboolean
merge_stage_unequal(Restore *restore, const MergeTable *table, MergeFound *ret_found, GError **error)
{
  g_autofree char *is_integer = NULL;
  if (table->identity != NULL && !pg_connection_value(restore_connection(restore), &is_integer, error,
                                                      backup_merge_integer_key_sql, 1, table->identity_index))
    return FALSE;
  if (g_strcmp0(is_integer, "t") == 0) {
    g_auto(Filter) filter = {.restore = restore, .table = table, .seen = merge_seen_new()};
    g_autoptr(GError) failure = NULL;
    if (begin_filter(&filter, &failure) && read_all(&filter, &failure)) {
      *ret_found = filter.found;
      return pg_connection_exec(restore_connection(restore), "DROP TABLE " KEYS ", " UNSURE, error);
    }
    if (!filter.may_have_twins || error_code(failure) != CCH_ERROR_INTERNAL) {
      g_propagate_error(error, g_steal_pointer(&failure));
      return FALSE;
    }
    backup_progress_add(restore_progress(restore), -filter.found.rows, -filter.bytes); /* they are read again */
    if (!pg_connection_exec(restore_connection(restore), "DROP TABLE " KEYS ", " UNSURE "; TRUNCATE " MERGE_STAGE,
                            error))
      return FALSE;
  }
  *ret_found = (MergeFound){.is_compared = TRUE};
  return restore_copy_rows(restore, table->entry, COPY_TO_STAGE, &ret_found->rows, error);
}
