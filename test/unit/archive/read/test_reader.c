#include "archive/archive_builder.h"
#include "archive/archive_transcript.h"
#include "archive/read/reader.h"
#include "archive/toc/toc_parse.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static const char sample_data[] = "[0:0]"
                                  "[1:3]1\tAda\n2\t\\N\n3\t\\\\.\n"
                                  "[2:0]"
                                  "[3:0]INSERT INTO public.inserted VALUES (1);\n\n\n"
                                  "[4:2]{16400}first{4000000000}";

static ArchiveTranscript *
transcript_of(const ArchiveBuilder *builder)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  int fd = builder_open_file(bytes);
  ArchiveTranscript *transcript = archive_transcript_new(fd, &error);
  close(fd);
  if (transcript == NULL)
    print_error("%s\n", error->message);
  assert_non_null(transcript);
  return transcript;
}

static ArchiveReader *
open_bytes(const GByteArray *bytes, int *ret_fd)
{
  g_autoptr(GError) error = NULL;
  *ret_fd = builder_open_file(bytes);
  ArchiveReader *reader = archive_reader_open(*ret_fd, &error);
  assert_non_null(reader);
  return reader;
}

static void
every_version_and_compression_is_read(void **state)
{
  for (guint8 minor = 12; minor <= 16; minor++) {
    for (int c = ARCHIVE_COMPRESSION_NONE; c <= (minor < 15 ? ARCHIVE_COMPRESSION_GZIP : ARCHIVE_COMPRESSION_ZSTD);
         c++) {
      for (gsize chunk = 1; chunk <= 4096; chunk *= 8) {
        g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(minor, (ArchiveCompression)c);
        builder->chunk_bytes = chunk;
        g_autoptr(ArchiveTranscript) transcript = transcript_of(builder);
        assert_string_equal(transcript->data->str, sample_data);
      }
    }
  }
}

static void
header_and_toc_are_read_as_they_were_written(void **state)
{
  g_autoptr(ArchiveBuilder) old = archive_builder_new_sample(12, ARCHIVE_COMPRESSION_GZIP);
  g_autoptr(ArchiveTranscript) of_old = transcript_of(old);
  assert_string_equal(
      of_old->toc->str,
      "1.12-0 4/8 compression=1 level=-1 created=<2026-01-29T10:30:05> database=<hub> server=<15.1> pg_dump=<15.2>\n"
      "7 1259/4000000000 section=2 desc=<TABLE> tag=<users> defn=<CREATE TABLE public.users (id integer, name text);\n>"
      " drop=<DROP TABLE public.users;\n> schema=<public> tablespace=<> owner=<hub>\n"
      "20+ 0/0 section=3 desc=<TABLE DATA> tag=<users> copy=<COPY public.users (id, name) FROM stdin;\n>"
      " schema=<public> ->7 ->3\n"
      "21+ 0/0 section=3 desc=<TABLE DATA> tag=<empty> copy=<COPY public.empty (id, name) FROM stdin;\n>"
      " schema=<public>\n"
      "22+ 0/0 section=3 desc=<TABLE DATA> tag=<inserted>\n"
      "30+ 0/0 section=3 desc=<BLOBS> tag=<BLOBS>\n");

  g_autoptr(ArchiveBuilder) newest = archive_builder_new_sample(16, ARCHIVE_COMPRESSION_ZSTD);
  g_clear_pointer(&newest->header.database, g_free);
  g_autoptr(ArchiveTranscript) of_newest = transcript_of(newest);
  assert_true(g_str_has_prefix(of_newest->toc->str, "1.16-0 4/8 compression=3 level=0 created=<2026-01-29T10:30:05>"
                                                    " server=<15.1> pg_dump=<15.2>\n"));
  assert_non_null(strstr(of_newest->toc->str, " tablespace=<> am=<heap> owner=<hub> relkind=r\n"));
}

static void
other_platforms_integers_and_offsets_are_read(void **state)
{
  static const guint8 int_sizes[] = {2, 4, 8, 16, 32};
  static const guint8 offset_sizes[] = {2, 4, 8, 32};
  for (gsize i = 0; i < G_N_ELEMENTS(int_sizes); i++) {
    for (gsize o = 0; o < G_N_ELEMENTS(offset_sizes); o++) {
      g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_GZIP);
      builder->header.int_size = int_sizes[i];
      builder->header.offset_size = offset_sizes[o];
      /* Two bytes do not hold the OID 4000000000. */
      if (int_sizes[i] == 2)
        g_ptr_array_set_size(builder->entries, 4);
      g_autoptr(ArchiveTranscript) transcript = transcript_of(builder);
      assert_memory_equal(transcript->data->str, sample_data, 40);
    }
  }
}

static void
an_archive_that_went_through_a_pipe_is_read_without_offsets(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_GZIP);
  builder->states_offsets = FALSE;
  g_autoptr(ArchiveTranscript) transcript = transcript_of(builder);
  assert_string_equal(transcript->data->str, sample_data);
}

static void
an_archive_of_a_schema_alone_is_whole(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_GZIP);
  g_ptr_array_set_size(builder->entries, 1);
  g_autoptr(ArchiveTranscript) one = transcript_of(builder);
  assert_string_equal(one->data->str, "[0:0]");
  g_ptr_array_set_size(builder->entries, 0);
  g_autoptr(ArchiveTranscript) none = transcript_of(builder);
  assert_string_equal(none->data->str, "");
}

static void
entries_are_found_by_their_dump_id(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_GZIP);
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  int fd;
  g_autoptr(ArchiveReader) reader = open_bytes(bytes, &fd);
  assert_int_equal(archive_reader_n_entries(reader), 5);
  assert_ptr_equal(archive_reader_find(reader, 22), archive_reader_entry(reader, 3));
  assert_true(toc_entry_is(archive_reader_find(reader, 30), TOC_KIND_BLOBS));
  assert_false(toc_entry_is(archive_reader_find(reader, 20), TOC_KIND_TABLE));
  assert_null(archive_reader_find(reader, 8));
  assert_null(archive_reader_find(reader, 0));
  close(fd);
}

static void
the_check_tells_sizes_rows_and_positions(void **state)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_NONE);
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  int fd;
  g_autoptr(ArchiveReader) reader = open_bytes(bytes, &fd);
  assert_true(archive_reader_check(reader, NULL, NULL, NULL, &error));

  const TocEntry *users = archive_reader_find(reader, 20);
  const ArchiveDataInfo *info = archive_reader_data_info(reader, users);
  assert_true(info->is_present);
  assert_int_equal(info->rows, 3);
  assert_int_equal(info->data_bytes, strlen("1\tAda\n2\t\\N\n3\t\\\\.\n\\.\n\n\n"));
  assert_int_equal(info->stored_bytes, info->data_bytes);
  assert_int_equal(info->position, users->offset);
  assert_int_equal(bytes->data[info->position], 1);

  const ArchiveDataInfo *large_objects = archive_reader_data_info(reader, archive_reader_find(reader, 30));
  assert_int_equal(large_objects->rows, 2);
  assert_int_equal(large_objects->data_bytes, 5);
  assert_int_equal(bytes->data[large_objects->position], 3);
  assert_false(archive_reader_data_info(reader, archive_reader_find(reader, 7))->is_present);
  close(fd);
}

typedef struct {
  guint calls;
  guint64 last;
  guint64 total;
  GCancellable *cancellable; /* cancelled at the second call */
} Progress;

static void
record_progress(guint64 bytes_done, guint64 bytes_total, gpointer user_data)
{
  Progress *progress = user_data;
  assert_true(bytes_done >= progress->last && bytes_done <= bytes_total);
  progress->last = bytes_done;
  progress->total = bytes_total;
  if (++progress->calls == 2 && progress->cancellable != NULL)
    g_cancellable_cancel(progress->cancellable);
}

/* Five megabytes of rows. */
static GByteArray *
build_large(gsize chunk_bytes)
{
  g_autoptr(GString) rows = g_string_new(NULL);
  for (int i = 0; i < 500000; i++)
    g_string_append_printf(rows, "%09d\n", i);
  g_autoptr(ArchiveBuilder) builder = archive_builder_new(14, ARCHIVE_COMPRESSION_NONE);
  builder->chunk_bytes = chunk_bytes;
  archive_builder_add_table(builder, 5, "numbers", rows->str);
  return archive_builder_build(builder);
}

static void
progress_is_reported_up_to_the_last_byte(void **state)
{
  static const gsize chunks[] = {10, 4096, 10 * 1000 * 1000};
  for (gsize i = 0; i < G_N_ELEMENTS(chunks); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) bytes = build_large(chunks[i]);
    Progress progress = {0};
    int fd;
    g_autoptr(ArchiveReader) reader = open_bytes(bytes, &fd);
    assert_true(archive_reader_check(reader, record_progress, &progress, NULL, &error));
    assert_true(progress.calls > 3 && progress.calls < 20);
    assert_int_equal(progress.last, bytes->len);
    assert_int_equal(progress.total, bytes->len);
    assert_int_equal(archive_reader_data_info(reader, archive_reader_entry(reader, 0))->rows, 500000);
    close(fd);
  }
}

static void
a_cancelled_check_stops_and_may_be_repeated(void **state)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) no_error = NULL;
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  g_autoptr(GByteArray) bytes = build_large(4096);
  Progress progress = {.cancellable = cancellable};
  int fd;
  g_autoptr(ArchiveReader) reader = open_bytes(bytes, &fd);
  assert_false(archive_reader_check(reader, record_progress, &progress, cancellable, &error));
  assert_int_equal(error_code(error), CCH_ERROR_CANCELLED);
  assert_int_equal(progress.calls, 2);
  assert_true(archive_reader_check(reader, NULL, NULL, NULL, &no_error));
  close(fd);
}

static gboolean
refuse(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  error_set(error, CCH_ERROR_DATABASE_QUERY, "no");
  return FALSE;
}

static gboolean
refuse_large_object(guint32 oid, gpointer user_data, GError **error)
{
  return refuse(NULL, 0, NULL, error);
}

static void
an_error_of_the_sink_comes_back_as_it_is(void **state)
{
  g_autoptr(GError) no_error = NULL;
  g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_GZIP);
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  int fd;
  g_autoptr(ArchiveReader) reader = open_bytes(bytes, &fd);
  assert_true(archive_reader_check(reader, NULL, NULL, NULL, &no_error));
  static const int dump_ids[] = {20, 22, 30};
  for (gsize i = 0; i < G_N_ELEMENTS(dump_ids); i++) {
    g_autoptr(GError) error = NULL;
    const TocEntry *entry = archive_reader_find(reader, dump_ids[i]);
    assert_false(archive_reader_read_data(reader, entry, refuse, refuse_large_object, NULL, NULL, &error));
    assert_string_equal(error->message, "no");
  }
  close(fd);
}

static void
data_cannot_be_read_before_the_check(void **state)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_GZIP);
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  int fd;
  g_autoptr(ArchiveReader) reader = open_bytes(bytes, &fd);
  assert_false(archive_reader_read_data(reader, archive_reader_entry(reader, 1), refuse, NULL, NULL, NULL, &error));
  assert_int_equal(error_code(error), CCH_ERROR_INTERNAL);
  close(fd);
}

static void
the_first_bytes_tell_whether_a_file_can_be_an_archive(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_GZIP);
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  for (gsize n = 0; n <= 16; n++)
    assert_true(archive_magic_plausible(bytes->data, n));
  static const gsize telling[] = {0, 1, 2, 3, 4, 5, 10};
  for (gsize i = 0; i < G_N_ELEMENTS(telling); i++) {
    bytes->data[telling[i]] ^= 2;
    for (gsize n = 0; n <= 16; n++)
      assert_int_equal(archive_magic_plausible(bytes->data, n), n <= telling[i]);
    bytes->data[telling[i]] ^= 2;
  }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_version_and_compression_is_read),
      cmocka_unit_test(header_and_toc_are_read_as_they_were_written),
      cmocka_unit_test(other_platforms_integers_and_offsets_are_read),
      cmocka_unit_test(an_archive_that_went_through_a_pipe_is_read_without_offsets),
      cmocka_unit_test(an_archive_of_a_schema_alone_is_whole),
      cmocka_unit_test(entries_are_found_by_their_dump_id),
      cmocka_unit_test(the_check_tells_sizes_rows_and_positions),
      cmocka_unit_test(progress_is_reported_up_to_the_last_byte),
      cmocka_unit_test(a_cancelled_check_stops_and_may_be_repeated),
      cmocka_unit_test(an_error_of_the_sink_comes_back_as_it_is),
      cmocka_unit_test(data_cannot_be_read_before_the_check),
      cmocka_unit_test(the_first_bytes_tell_whether_a_file_can_be_an_archive),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
