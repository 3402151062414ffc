/* Reading an archive while its file is still arriving. */
#include "archive/archive_builder.h"
#include "archive/archive_transcript.h"
#include "archive/read/reader.h"
#include "archive/toc/wire.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

/* A file of which the first bytes are there. The others are wrong until they arrive: a piece each time that somebody
 * waits for them. */
typedef struct {
  GByteArray *bytes;
  gsize piece_bytes, arrived, breaks_at;
  int fd;
} Arriving;

static void
arriving_put(Arriving *file, gsize end)
{
  gsize n = end - file->arrived;
  assert_int_equal(pwrite(file->fd, file->bytes->data + file->arrived, n, (off_t)file->arrived), n);
  file->arrived = end;
}

static void
arriving_begin(Arriving *file, const ArchiveBuilder *builder, gsize first_bytes, gsize piece_bytes)
{
  g_autoptr(GByteArray) noise = g_byte_array_new();
  *file = (Arriving){.bytes = archive_builder_build(builder), .piece_bytes = piece_bytes, .breaks_at = G_MAXSIZE};
  for (gsize i = 0; i < file->bytes->len; i++)
    g_byte_array_append(noise, &(guint8){0xA5}, 1);
  file->fd = builder_open_file(noise);
  arriving_put(file, MIN(first_bytes, file->bytes->len));
}

static void
arriving_end(Arriving *file)
{
  close(file->fd);
  g_byte_array_unref(file->bytes);
}

static gboolean
wait_for_bytes(gpointer user_data, guint64 position, guint64 *ret_arrived, GError **error)
{
  Arriving *file = user_data;
  gsize next = MIN(MIN(file->arrived + file->piece_bytes, file->bytes->len), file->breaks_at);
  if (file->arrived <= position && next == file->arrived) {
    error_set(error, CCH_ERROR_UPLOAD_STALLED, "nothing more");
    return FALSE;
  }
  if (file->arrived <= position)
    arriving_put(file, next);
  *ret_arrived = file->arrived;
  return TRUE;
}

static ArchiveReader *
arriving_open(Arriving *file, GError **error)
{
  const ArchiveArrival arrival = {.size = file->bytes->len, .wait = wait_for_bytes, .user_data = file};
  return archive_reader_open_arriving(file->fd, &arrival, NULL, error);
}

static const char sample_data[] = "1\tAda\n2\t\\N\n3\t\\\\.\n"
                                  "INSERT INTO public.inserted VALUES (1);\n\n\n"
                                  "{16400}first{4000000000}";

static char *
read_all(ArchiveReader *reader, gboolean is_backwards, GError **error)
{
  g_autoptr(GString) data = g_string_new(NULL);
  guint n = archive_reader_n_entries(reader);
  for (guint i = 0; i < n; i++) {
    g_autoptr(GString) piece = g_string_new(NULL);
    const TocEntry *entry = archive_reader_entry(reader, is_backwards ? n - 1 - i : i);
    if (!archive_transcript_append_data(reader, entry, piece, error))
      return NULL;
    g_string_insert_len(data, is_backwards ? 0 : -1, piece->str, (gssize)piece->len);
  }
  return g_strdup(data->str);
}

static gboolean
follow(Arriving *file, char **ret_data, GError **error)
{
  g_autoptr(ArchiveReader) reader = arriving_open(file, error);
  g_autofree char *data = NULL;
  if (reader == NULL || !archive_reader_scan(reader, NULL, error) || (data = read_all(reader, FALSE, error)) == NULL ||
      !archive_reader_await_end(reader, NULL, error))
    return FALSE;
  assert_false(archive_reader_is_arriving(reader));
  *ret_data = g_steal_pointer(&data);
  return TRUE;
}

static void
each_piece_is_read_when_it_is_there(void **state)
{
  static const gsize pieces[] = {1, 7, 100, 100000};
  for (int c = ARCHIVE_COMPRESSION_NONE; c <= ARCHIVE_COMPRESSION_ZSTD; c++) {
    for (int i = 0; i < 16; i++) {
      g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(16, (ArchiveCompression)c);
      builder->states_offsets = (i & 1) != 0;
      g_autoptr(GError) error = NULL;
      g_autofree char *data = NULL;
      Arriving file;
      arriving_begin(&file, builder, (i & 2) != 0 ? 0 : 40, pieces[i / 4]);
      g_autoptr(ArchiveReader) reader = arriving_open(&file, &error);
      assert_non_null(reader);
      gsize arrived = file.arrived;
      assert_true(archive_reader_scan(reader, NULL, &error));
      if (archive_reader_is_arriving(reader))
        assert_int_equal(file.arrived, arrived);
      data = read_all(reader, (i & 2) != 0, &error);
      assert_non_null(data);
      assert_string_equal(data, sample_data);
      assert_true(archive_reader_await_end(reader, NULL, &error));
      assert_int_equal(file.arrived, file.bytes->len);
      arriving_end(&file);
    }
  }
}

static void
the_toc_says_which_entries_have_data(void **state)
{
  for (int states = 0; states < 2; states++) {
    g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_GZIP);
    builder->states_offsets = states == 1;
    Arriving file;
    arriving_begin(&file, builder, 0, 1);
    g_autoptr(ArchiveReader) reader = arriving_open(&file, NULL);
    assert_true(archive_reader_scan(reader, NULL, NULL));
    gboolean before[8], after[8];
    guint n = archive_reader_n_entries(reader);
    for (guint i = 0; i < n; i++)
      before[i] = archive_reader_data_info(reader, archive_reader_entry(reader, i))->is_present;
    assert_true(archive_reader_await_end(reader, NULL, NULL));
    for (guint i = 0; i < n; i++)
      after[i] = archive_reader_data_info(reader, archive_reader_entry(reader, i))->is_present;
    assert_memory_equal(before, after, n * sizeof *before);
    arriving_end(&file);
  }
}

static void
a_break_anywhere_is_reported_and_never_success(void **state)
{
  for (int states = 0; states < 2; states++) {
    g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_GZIP);
    builder->states_offsets = states == 1;
    g_autoptr(GByteArray) whole = archive_builder_build(builder);
    for (gsize at = 0; at < whole->len; at++) {
      g_autoptr(GError) error = NULL;
      g_autofree char *data = NULL;
      Arriving file;
      arriving_begin(&file, builder, 0, 64);
      file.breaks_at = at;
      assert_false(follow(&file, &data, &error));
      assert_int_equal(error_code(error), CCH_ERROR_UPLOAD_STALLED);
      arriving_end(&file);
    }
  }
}

/* With stated offsets it is found by whoever reads the last block, as in a file that was there from the beginning. */
static void
what_follows_the_archive_is_found(void **state)
{
  for (int i = 0; i < 8; i++) {
    gboolean states = (i & 1) != 0, is_padding = (i & 2) != 0, reads_all = (i & 4) != 0;
    g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_GZIP);
    builder->states_offsets = states;
    g_autoptr(GError) error = NULL;
    g_autofree char *data = NULL;
    Arriving file;
    arriving_begin(&file, builder, 0, 64);
    for (int n = 0; n < 50; n++)
      g_byte_array_append(file.bytes, &(guint8){is_padding ? 0 : 'x'}, 1);
    g_autoptr(ArchiveReader) reader = arriving_open(&file, &error);
    assert_true(archive_reader_scan(reader, NULL, &error));
    gboolean is_whole = (!reads_all || (data = read_all(reader, FALSE, &error)) != NULL) &&
                        archive_reader_await_end(reader, NULL, &error);
    assert_int_equal(is_whole, is_padding || (states && !reads_all));
    if (!is_whole)
      assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_CORRUPT);
    if (is_padding)
      assert_int_equal(archive_reader_padding(reader), 50);
    arriving_end(&file);
  }
}

static void
a_wrong_offset_is_found_where_it_leads(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_GZIP);
  ((BuilderEntry *)builder->entries->pdata[2])->offset_error = 1;
  g_autoptr(GError) error = NULL;
  g_autofree char *data = NULL;
  Arriving file;
  arriving_begin(&file, builder, 0, 64);
  assert_false(follow(&file, &data, &error));
  assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_CORRUPT);
  arriving_end(&file);
}

static void
the_check_waits_for_the_whole_file(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_GZIP);
  g_autoptr(GError) error = NULL;
  Arriving file;
  arriving_begin(&file, builder, 0, 64);
  g_autoptr(ArchiveReader) reader = arriving_open(&file, &error);
  assert_true(archive_reader_check(reader, NULL, NULL, NULL, &error));
  assert_int_equal(file.arrived, file.bytes->len);
  assert_false(archive_reader_is_arriving(reader));
  assert_true(archive_reader_await_end(reader, NULL, &error));
  arriving_end(&file);
}

static void
nobody_waits_after_stop_waiting_or_a_cancellation(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_GZIP);
  g_autoptr(GError) stopped = NULL, cancelled = NULL;
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  Arriving file;
  arriving_begin(&file, builder, 0, 1);
  g_autoptr(ArchiveReader) reader = arriving_open(&file, NULL);
  assert_true(archive_reader_scan(reader, NULL, NULL));
  g_cancellable_cancel(cancellable);
  assert_false(archive_reader_await_end(reader, cancellable, &cancelled));
  assert_int_equal(error_code(cancelled), CCH_ERROR_CANCELLED);
  archive_reader_stop_waiting(reader);
  assert_false(archive_reader_check(reader, NULL, NULL, NULL, &stopped));
  assert_int_equal(error_code(stopped), CCH_ERROR_UPLOAD_INCOMPLETE);
  assert_true(file.arrived < file.bytes->len);
  arriving_end(&file);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_piece_is_read_when_it_is_there),
      cmocka_unit_test(the_toc_says_which_entries_have_data),
      cmocka_unit_test(a_break_anywhere_is_reported_and_never_success),
      cmocka_unit_test(what_follows_the_archive_is_found),
      cmocka_unit_test(a_wrong_offset_is_found_where_it_leads),
      cmocka_unit_test(the_check_waits_for_the_whole_file),
      cmocka_unit_test(nobody_waits_after_stop_waiting_or_a_cancellation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
