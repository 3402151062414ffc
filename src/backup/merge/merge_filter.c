#include "backup/merge/merge_filter.h"

#include "archive/rows/copy_row.h"
#include "backup/merge/merge_lookup.h"
#include "backup/merge/merge_seen.h"
#include "backup/plan/entry_sql.h"
#include "backup_sql.h"
#include "base/error.h"
#include "base/sha256.h"

#include <string.h>

#define COPY_TO_STAGE "COPY " MERGE_STAGE " FROM stdin"

enum {
  CHUNK_BYTES = 4 * 1024 * 1024,
  CHUNK_ROWS = 16 * 1024,
  UNASKED_CHUNKS = 3 /* staged without a look-up after one of which most rows were staged anyway */
};

typedef struct {
  Restore *restore;
  const MergeTable *table;
  guint *numbers; /* positions of the shared columns among the archive's, ascending */
  guint *keys_at; /* of these, the identity's, in the archive's order */
  guint n_shared, n_keys;
  CopyField *fields; /* n_shared */
  Sha256 *sha256;
  GString *row_text;

  /* The server looks up one chunk while the next one is read and hashed. */
  guint8 *texts[2]; /* CHUNK_BYTES each */
  guint8 *text;     /* of these, the one that is being read */
  gsize size;       /* of what was read and is not in a chunk yet */
  MergeLookup lookup;
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

static gboolean
begin_filter(Filter *filter, GError **error)
{
  g_autofree char *key_list = NULL;
  if (!find_columns(filter, &key_list, error))
    return FALSE;
  filter->texts[0] = g_malloc(CHUNK_BYTES);
  filter->texts[1] = g_malloc(CHUNK_BYTES);
  filter->text = filter->texts[0];
  filter->row_text = g_string_new(NULL);
  filter->sha256 = sha256_new();
  return merge_lookup_begin(&filter->lookup, filter->restore, filter->table, filter->seen != NULL, key_list, error);
}

static void
filter_clear(Filter *filter)
{
  g_free(filter->numbers);
  g_free(filter->keys_at);
  g_free(filter->fields);
  g_clear_pointer(&filter->sha256, sha256_free);
  if (filter->row_text != NULL)
    g_string_free(filter->row_text, TRUE);
  g_free(filter->texts[0]);
  g_free(filter->texts[1]);
  merge_lookup_clear(&filter->lookup);
  g_clear_pointer(&filter->seen, merge_seen_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Filter, filter_clear)

/* ---- A chunk of rows ---- */

/* Appends the row's hash as a bytea; nothing, which no hash is equal to, if it cannot be computed. */
static void
append_hash(Filter *filter, GString *keys)
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
  g_string_append(keys, "\\\\x");
  g_string_append(keys, hash);
}

/* Adds the row to the look-up. A row whose key cannot be parsed is left to the server. */
static void
note_row(Filter *filter, gsize start, gsize size)
{
  MergeChunk *chunk = filter->lookup.next;
  guint number = chunk->rows->len;
  gboolean is_read = copy_row_find(filter->text + start, size - 1, filter->numbers, filter->n_shared, filter->fields);
  gboolean is_asked = is_read && filter->n_unasked == 0;
  MergeRow row = {.start = start, .size = size, .fate = is_asked ? MERGE_ROW_EQUAL : MERGE_ROW_MISSING};
  g_array_append_val(chunk->rows, row);
  const CopyField *key = &filter->fields[filter->keys_at[0]];
  if (filter->seen != NULL && !(is_read && merge_seen_add(filter->seen, key->data, key->size)))
    filter->may_have_twins = TRUE;
  if (!is_asked)
    return;
  g_string_append_printf(chunk->keys, "%u\t", number);
  append_hash(filter, chunk->keys);
  for (guint i = 0; i < filter->n_keys; i++) {
    const CopyField *field = &filter->fields[filter->keys_at[i]];
    g_string_append_c(chunk->keys, '\t');
    g_string_append_len(chunk->keys, (const char *)field->data, (gssize)field->size);
  }
  g_string_append_c(chunk->keys, '\n');
  chunk->n_asked++;
}

/* Makes the next chunk of the whole rows from `start` on, up to CHUNK_ROWS. */
static void
note_rows(Filter *filter, gsize start)
{
  MergeChunk *chunk = filter->lookup.next;
  chunk->text = filter->text;
  g_array_set_size(chunk->rows, 0);
  g_string_truncate(chunk->keys, 0);
  chunk->n_asked = 0;
  gsize position = start;
  while (chunk->rows->len < CHUNK_ROWS) {
    const guint8 *newline = memchr(filter->text + position, '\n', filter->size - position);
    if (newline == NULL)
      break;
    gsize end = (gsize)(newline - filter->text) + 1;
    note_row(filter, position, end - position);
    position = end;
  }
  chunk->size = position - start;
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
count_equal(Filter *filter, const MergeChunk *chunk)
{
  guint n_equal = merge_chunk_count(chunk, MERGE_ROW_EQUAL);
  filter->found.equal += n_equal;
  if (filter->seen == NULL)
    return;
  if (chunk->n_asked == 0)
    filter->n_unasked -= MIN(filter->n_unasked, 1);
  else if (n_equal < chunk->rows->len / 2)
    filter->n_unasked = UNASKED_CHUNKS;
}

static gboolean
judge_asked(Filter *filter, GError **error)
{
  const MergeChunk *chunk = NULL;
  if (!merge_lookup_judge(&filter->lookup, &chunk, error))
    return FALSE;
  if (chunk == NULL)
    return TRUE;
  count_read(filter, chunk->rows->len, chunk->size);
  count_equal(filter, chunk);
  return TRUE;
}

/* Asks for all whole rows. The rest goes on in the other text, because rows of this one are still being looked up. */
static gboolean
ask_for_text(Filter *filter, GError **error)
{
  gsize start = 0;
  for (;;) {
    note_rows(filter, start);
    if (filter->lookup.next->rows->len == 0)
      break;
    if (filter->may_have_twins)
      return give_up(filter, error);
    start += filter->lookup.next->size;
    if (!judge_asked(filter, error) || !merge_lookup_ask(&filter->lookup, error))
      return FALSE;
  }
  if (start == 0)
    return TRUE;
  guint8 *other = filter->text == filter->texts[0] ? filter->texts[1] : filter->texts[0];
  filter->size -= start;
  memcpy(other, filter->text + start, filter->size);
  filter->text = other;
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
  if (!judge_asked(filter, error) ||
      !pg_connection_copy_in_begin(restore_connection(filter->restore), COPY_TO_STAGE, error) ||
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
      (newline != NULL && !restore_end_copy(filter->restore, 1, error)))
    return 0;
  filter->is_passing = newline == NULL;
  count_read(filter, newline != NULL, part);
  return part;
}

static gsize
gather_rows(Filter *filter, const guint8 *data, gsize size, GError **error)
{
  if (filter->size == CHUNK_BYTES && !ask_for_text(filter, error))
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
                                restore_cancellable(restore), error) ||
      !ask_for_text(filter, error) || !judge_asked(filter, error)) {
    merge_lookup_drop(&filter->lookup);
    if (filter->is_passing && pg_connection_is_alive(restore_connection(restore)))
      pg_connection_copy_in_abort(restore_connection(restore));
    return FALSE;
  }
  guint64 expected = archive_reader_data_info(restore_reader(restore), filter->table->entry)->rows;
  filter->found.different = filter->lookup.different;
  filter->found.is_compared = filter->lookup.is_compared;
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
  return merge_lookup_end(&filter.lookup, error);
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
      return merge_lookup_end(&filter.lookup, error);
    }
    if (!filter.may_have_twins || error_code(failure) != CCH_ERROR_INTERNAL) {
      g_propagate_error(error, g_steal_pointer(&failure));
      return FALSE;
    }
    backup_progress_add(restore_progress(restore), -filter.found.rows, -filter.bytes); /* they are read again */
    if (!merge_lookup_end(&filter.lookup, error) ||
        !pg_connection_exec(restore_connection(restore), "TRUNCATE " MERGE_STAGE, error))
      return FALSE;
  }
  *ret_found = (MergeFound){.is_compared = TRUE};
  return restore_copy_rows(restore, table->entry, COPY_TO_STAGE, &ret_found->rows, error);
}
