/* Finding blocks without a check: scan, clones, and the survey that uses them. */
#include "archive/archive_builder.h"
#include "archive/archive_transcript.h"
#include "archive/read/survey.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static ArchiveReader *
open_builder(const ArchiveBuilder *builder, int *ret_fd)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  *ret_fd = builder_open_file(bytes);
  ArchiveReader *reader = archive_reader_open(*ret_fd, &error);
  assert_non_null(reader);
  return reader;
}

static char *
read_all(ArchiveReader *reader, GError **error)
{
  g_autoptr(GString) data = g_string_new(NULL);
  for (guint i = archive_reader_n_entries(reader); i-- > 0;) {
    if (!archive_transcript_append_data(reader, archive_reader_entry(reader, i), data, error))
      return NULL;
  }
  return g_strdup(data->str);
}

static const char sample_backwards[] = "{16400}first{4000000000}INSERT INTO public.inserted VALUES (1);\n\n\n"
                                       "1\tAda\n2\t\\N\n3\t\\\\.\n";

static void
a_scan_finds_what_the_check_finds(void **state)
{
  for (int c = ARCHIVE_COMPRESSION_NONE; c <= ARCHIVE_COMPRESSION_ZSTD; c++) {
    for (int states = 0; states < 2; states++) {
      g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(16, (ArchiveCompression)c);
      builder->states_offsets = states == 1;
      int fd;
      g_autoptr(ArchiveReader) reader = open_builder(builder, &fd);
      assert_null(read_all(reader, NULL)); /* neither checked nor scanned */
      assert_true(archive_reader_scan(reader, NULL, NULL));
      g_autofree char *data = read_all(reader, NULL);
      assert_string_equal(data, sample_backwards);
      ArchiveDataInfo scanned[8];
      for (guint i = 0; i < archive_reader_n_entries(reader); i++)
        scanned[i] = *archive_reader_data_info(reader, archive_reader_entry(reader, i));
      assert_true(archive_reader_check(reader, NULL, NULL, NULL, NULL));
      for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
        const ArchiveDataInfo *checked = archive_reader_data_info(reader, archive_reader_entry(reader, i));
        assert_memory_equal(checked, &scanned[i], sizeof *checked);
      }
      close(fd);
    }
  }
}

static void
a_scan_by_walking_knows_the_stored_bytes(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new(14, ARCHIVE_COMPRESSION_NONE);
  g_autoptr(GString) rows = g_string_new(NULL);
  for (int i = 0; i < 200000; i++)
    g_string_append_printf(rows, "%d\tx\n", i);
  archive_builder_add_table(builder, 20, "large", rows->str);
  archive_builder_add_table(builder, 21, "small", "1\ty\n");
  builder->states_offsets = FALSE;
  for (builder->chunk_bytes = 10; builder->chunk_bytes < 10000000; builder->chunk_bytes *= 50) {
    int fd;
    g_autoptr(ArchiveReader) reader = open_builder(builder, &fd);
    assert_true(archive_reader_scan(reader, NULL, NULL));
    const ArchiveDataInfo *info = archive_reader_data_info(reader, archive_reader_find(reader, 20));
    assert_int_equal(info->stored_bytes, rows->len + 5);
    assert_false(info->is_counted);
    close(fd);
  }
}

/* A scan or the reading after it refuses everything that a check refuses. Each archive is damaged at every fourth byte;
 * together the archives cover all bytes. */
static void
scan_and_reading_together_are_as_strict_as_the_check(void **state)
{
  for (int c = ARCHIVE_COMPRESSION_NONE; c <= ARCHIVE_COMPRESSION_ZSTD; c++) {
    for (int states = 0; states < 2; states++) {
      g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(16, (ArchiveCompression)c);
      builder->states_offsets = states == 1;
      g_autoptr(GByteArray) bytes = archive_builder_build(builder);
      guint refused = 0;
      for (gsize i = (gsize)c; i < (gsize)bytes->len * 2; i += 4) {
        g_autoptr(GByteArray) damaged = g_byte_array_new();
        g_byte_array_append(damaged, bytes->data, bytes->len);
        if (i < bytes->len)
          damaged->data[i] ^= (guint8)(1 << i % 8);
        else
          g_byte_array_set_size(damaged, (guint)(i - bytes->len));
        int fd = builder_open_file(damaged);
        g_autoptr(ArchiveReader) checked = archive_reader_open(fd, NULL);
        g_autoptr(ArchiveReader) scanned = archive_reader_open(fd, NULL);
        g_autoptr(GError) error = NULL;
        gboolean check = checked != NULL && archive_reader_check(checked, NULL, NULL, NULL, NULL);
        g_autofree char *data =
            scanned != NULL && archive_reader_scan(scanned, NULL, &error) ? read_all(scanned, &error) : NULL;
        assert_int_equal(check, data != NULL);
        if (error != NULL)
          assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_CORRUPT);
        refused += !check;
        close(fd);
      }
      assert_true(refused > bytes->len / 4);
    }
  }
}

static void
wrong_offsets_are_refused_by_the_scan(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_GZIP);
  ((BuilderEntry *)builder->entries->pdata[1])->offset_error = 3;
  int fd;
  g_autoptr(GError) error = NULL;
  g_autoptr(ArchiveReader) reader = open_builder(builder, &fd);
  assert_false(archive_reader_scan(reader, NULL, &error));
  assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_CORRUPT);
  close(fd);
}

static gpointer
read_in_thread(gpointer user_data)
{
  g_autoptr(ArchiveReader) reader = user_data;
  for (int i = 0; i < 50; i++) {
    g_autofree char *data = read_all(reader, NULL);
    if (g_strcmp0(data, sample_backwards) != 0)
      return NULL;
  }
  return GINT_TO_POINTER(TRUE);
}

static void
clones_read_at_the_same_time_and_outlive_their_original(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(15, ARCHIVE_COMPRESSION_LZ4);
  int fd;
  ArchiveReader *reader = open_builder(builder, &fd);
  assert_true(archive_reader_scan(reader, NULL, NULL));
  GThread *threads[4];
  for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
    ArchiveReader *clone = archive_reader_clone(reader);
    assert_ptr_equal(archive_reader_entry(clone, 0), archive_reader_entry(reader, 0));
    threads[i] = g_thread_new("reader", read_in_thread, clone);
  }
  archive_reader_free(reader);
  for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
    assert_true(GPOINTER_TO_INT(g_thread_join(threads[i])));
  close(fd);
}

static void
a_survey_counts_and_hashes_every_table(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_GZIP);
  for (int id = 50; id < 80; id++)
    archive_builder_add_table(builder, id, "more", "2\t\\N\n3\t\\\\.\n1\tAda\n");
  for (guint n_threads = 0; n_threads < 5; n_threads++) {
    int fd;
    g_autoptr(GError) error = NULL;
    g_autoptr(ArchiveReader) reader = open_builder(builder, &fd);
    g_autofree RowTotals *totals = g_new(RowTotals, archive_reader_n_entries(reader));
    assert_true(archive_reader_scan(reader, NULL, &error));
    assert_true(archive_survey(reader, n_threads, totals, NULL, NULL, NULL, &error));
    assert_int_equal(totals[0].rows, 0); /* TABLE */
    assert_int_equal(totals[1].rows, 3);
    assert_int_equal(totals[1].bytes, 17);
    assert_int_equal(totals[2].rows, 0);
    assert_int_equal(totals[3].bytes, 0); /* SQL */
    for (guint i = 5; i < archive_reader_n_entries(reader); i++)
      assert_true(row_totals_equal(&totals[i], &totals[1])); /* in another order */
    assert_true(archive_reader_data_info(reader, archive_reader_find(reader, 22))->is_counted);
    close(fd);
  }
}

static void
a_survey_reports_damage(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new(14, ARCHIVE_COMPRESSION_GZIP);
  for (int id = 50; id < 60; id++)
    archive_builder_add_table(builder, id, "fine", "1\tAda\n");
  BuilderEntry *entry = archive_builder_add_table(builder, 60, "torn", "1\tAda\n");
  ((BuilderStream *)entry->streams->pdata[0])->is_raw = TRUE;
  int fd;
  g_autoptr(GError) error = NULL;
  g_autoptr(ArchiveReader) reader = open_builder(builder, &fd);
  RowTotals totals[16];
  assert_true(archive_reader_scan(reader, NULL, &error));
  assert_false(archive_survey(reader, 3, totals, NULL, NULL, NULL, &error));
  assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_CORRUPT);
  assert_non_null(strstr(error->message, "torn"));
  close(fd);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_scan_finds_what_the_check_finds),
      cmocka_unit_test(a_scan_by_walking_knows_the_stored_bytes),
      cmocka_unit_test(scan_and_reading_together_are_as_strict_as_the_check),
      cmocka_unit_test(wrong_offsets_are_refused_by_the_scan),
      cmocka_unit_test(clones_read_at_the_same_time_and_outlive_their_original),
      cmocka_unit_test(a_survey_counts_and_hashes_every_table),
      cmocka_unit_test(a_survey_reports_damage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
