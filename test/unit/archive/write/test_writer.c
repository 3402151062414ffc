#include "archive/write/writer.h"

#include "archive/archive_builder.h"
#include "archive/archive_repack.h"
#include "archive/archive_transcript.h"
#include "archive/write/toc_write.h"
#include "base/error.h"
#include "base/os/child.h"
#include "pg/programs/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static ArchiveReader *
read_bytes(const GByteArray *bytes, int *ret_fd)
{
  g_autoptr(GError) error = NULL;
  *ret_fd = builder_open_file(bytes);
  ArchiveReader *reader = archive_reader_open(*ret_fd, &error);
  if (reader == NULL || !archive_reader_check(reader, NULL, NULL, NULL, &error))
    fail_msg("%s", error->message);
  return reader;
}

/* Checks an archive's data with the reader. */
static char *
data_of(const GByteArray *bytes)
{
  g_autoptr(GError) error = NULL;
  int fd = builder_open_file(bytes);
  g_autoptr(ArchiveTranscript) transcript = archive_transcript_new(fd, &error);
  close(fd);
  if (transcript == NULL)
    fail_msg("%s", error->message);
  return g_strndup(transcript->data->str, transcript->data->len);
}

/* The script that stock pg_restore makes of an archive, without the lines that differ each time; NULL if it refuses.
 * Needs no terminal and no server. */
static char *
restore_script(const GByteArray *bytes, const char *option, GError **error)
{
  g_autofree char *pg_restore = pg_find_program(NULL, "pg_restore", NULL);
  assert_non_null(pg_restore);
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp("cch-writer-XXXXXX", &path, NULL);
  assert_int_equal(write(fd, bytes->data, bytes->len), bytes->len);
  close(fd);
  const char *argv[] = {pg_restore, option, "--file=-", path, NULL};
  const ChildOptions options = {.argv = argv};
  g_autofree char *script = child_process_run(&options, NULL, error);
  unlink(path);
  if (script == NULL)
    return NULL;
  g_autoptr(GString) kept = g_string_new(NULL);
  g_auto(GStrv) lines = g_strsplit(script, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    if (!g_str_has_prefix(*line, "\\restrict") && !g_str_has_prefix(*line, "\\unrestrict") &&
        !g_str_has_prefix(*line, ";     Compression:"))
      g_string_append_printf(kept, "%s\n", *line);
  }
  return g_strndup(kept->str, kept->len);
}

static ArchiveBuilder *
builder_with_many_rows(void)
{
  ArchiveBuilder *builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_NONE);
  g_autoptr(GString) rows = g_string_new(NULL);
  for (int i = 0; i < 3000; i++)
    g_string_append_printf(rows, "%d\tname \\\\. %d\n", i, i % 17);
  archive_builder_add_table(builder, 40, "many", rows->str);
  archive_builder_add_table(builder, 41, "one", "1\tlonely\n");
  return builder;
}

static void
header_and_toc_are_written_as_they_were_read(void **state)
{
  for (guint8 minor = 12; minor <= 16; minor++) {
    g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(minor, ARCHIVE_COMPRESSION_NONE);
    builder->states_offsets = FALSE;
    builder->header.int_size = (guint8)(minor == 13 ? 8 : 4);
    g_autoptr(GByteArray) bytes = archive_builder_build(builder);
    int fd;
    g_autoptr(ArchiveReader) reader = read_bytes(bytes, &fd);
    g_autoptr(GByteArray) written = g_byte_array_new();
    guint64 positions[8];
    toc_write_header(written, archive_reader_header(reader));
    toc_write_entries(written, archive_reader_header(reader), archive_reader_entry(reader, 0),
                      archive_reader_n_entries(reader), positions);
    assert_memory_equal(written->data, bytes->data, written->len);
    assert_int_equal(archive_reader_data_info(reader, archive_reader_find(reader, 20))->position, written->len);
    close(fd);
  }
}

static void
what_is_written_at_any_level_is_read_again(void **state)
{
  static const gsize pieces[] = {1, 7, 1000, 1 << 20};
  g_autoptr(ArchiveBuilder) builder = builder_with_many_rows();
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  g_autofree char *expected = data_of(bytes);
  int fd;
  g_autoptr(ArchiveReader) reader = read_bytes(bytes, &fd);
  for (ArchiveLevel level = 0; level < ARCHIVE_LEVEL_COUNT; level++) {
    for (gsize p = 0; p < G_N_ELEMENTS(pieces); p++) {
      g_autoptr(GByteArray) written = archive_repack(reader, level, pieces[p], p % 2 == 1);
      g_autofree char *data = data_of(written);
      assert_string_equal(data, expected);
    }
  }
  close(fd);
}

static void
stock_pg_restore_reads_what_is_written(void **state)
{
  static const ArchiveLevel levels[] = {ARCHIVE_LEVEL_NONE, ARCHIVE_LEVEL_FAST, ARCHIVE_LEVEL_BALANCED,
                                        ARCHIVE_LEVEL_SMALL};
  static const char *const options[] = {"--no-owner", "--list"};
  g_autoptr(ArchiveBuilder) builder = builder_with_many_rows();
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  int fd;
  g_autoptr(ArchiveReader) reader = read_bytes(bytes, &fd);
  for (gsize o = 0; o < G_N_ELEMENTS(options); o++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *expected = restore_script(bytes, options[o], &error);
    assert_non_null(expected);
    for (gsize l = 0; l < G_N_ELEMENTS(levels); l++) {
      g_autoptr(GByteArray) written = archive_repack(reader, levels[l], 5000, TRUE);
      g_autofree char *script = restore_script(written, options[o], &error);
      if (script == NULL)
        fail_msg("%s", error->message);
      assert_string_equal(script, expected);
    }
  }
  close(fd);
}

/* Validates the test above: our reader refuses what stock pg_restore complains about. */
static void
stock_pg_restore_notices_a_wrong_checksum(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new(14, ARCHIVE_COMPRESSION_NONE);
  archive_builder_add_table(builder, 20, "users", "1\tAda\n");
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  int fd;
  g_autoptr(ArchiveReader) reader = read_bytes(bytes, &fd);
  g_autoptr(GByteArray) written = archive_repack(reader, ARCHIVE_LEVEL_SMALL, 1000, FALSE);
  close(fd);
  g_autoptr(GError) error = NULL;
  written->data[written->len - 6] ^= 1; /* the last byte of the checksum; the last chunk's length follows */
  assert_null(restore_script(written, "--data-only", &error));
  assert_non_null(strstr(error->message, "incorrect data check"));

  g_clear_error(&error);
  fd = builder_open_file(written);
  g_autoptr(ArchiveReader) damaged = archive_reader_open(fd, &error);
  assert_non_null(damaged);
  assert_false(archive_reader_check(damaged, NULL, NULL, NULL, &error));
  assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_CORRUPT);
  close(fd);
}

static void
lz4_and_zstd_raise_the_version_and_the_others_keep_it(void **state)
{
  for (guint8 minor = 12; minor <= 16; minor += 2) {
    g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(minor, ARCHIVE_COMPRESSION_NONE);
    g_autoptr(GByteArray) bytes = archive_builder_build(builder);
    int fd;
    g_autoptr(ArchiveReader) reader = read_bytes(bytes, &fd);
    for (ArchiveLevel level = 0; level < ARCHIVE_LEVEL_COUNT; level++) {
      g_autoptr(GByteArray) written = archive_repack(reader, level, 1000, FALSE);
      int written_fd;
      g_autoptr(ArchiveReader) again = read_bytes(written, &written_fd);
      const ArchiveHeader *header = archive_reader_header(again);
      guint at_least = level == ARCHIVE_LEVEL_LZ4 || level == ARCHIVE_LEVEL_ZSTD ? 15 : 0;
      assert_int_equal(header->version_minor, MAX(minor, at_least));
      assert_int_equal(header->compression, archive_level_compression(level));
      assert_string_equal(header->created, "2026-01-29T10:30:05");
      close(written_fd);
    }
    close(fd);
  }
}

static gboolean
append(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  g_byte_array_append(user_data, data, (guint)size);
  return TRUE;
}

static void
offsets_that_are_filled_in_afterwards_are_right(void **state)
{
  g_autoptr(GError) error = NULL;
  TocEntry entries[] = {
      {.dump_id = 3, .tag = (char *)"a", .desc = (char *)"TABLE", .section = SECTION_PRE_DATA},
      {.dump_id = 5, .had_dumper = TRUE, .tag = (char *)"a", .desc = (char *)"TABLE DATA", .section = SECTION_DATA},
      {.dump_id = 4, .had_dumper = TRUE, .tag = (char *)"b", .desc = (char *)"TABLE DATA", .section = SECTION_DATA},
  };
  ArchiveHeader header = {
      .version_minor = 14, .int_size = 4, .offset_size = 8, .created_fields = {5, 30, 10, 29, 0, 126, 0}};
  g_autoptr(GByteArray) out = g_byte_array_new();
  g_autoptr(ArchiveWriter) writer = archive_writer_new(ARCHIVE_LEVEL_FAST, append, out);
  assert_true(archive_writer_begin(writer, &header, entries, G_N_ELEMENTS(entries), &error));
  assert_int_equal(out->len, archive_writer_bytes(writer)); /* header and TOC are out at once */
  for (int dump_id = 4; dump_id <= 5; dump_id++) {
    assert_true(archive_writer_begin_data(writer, dump_id, &error));
    assert_true(archive_writer_end_data(writer, &error));
  }
  assert_false(archive_writer_patch_offsets(writer, -1, &error));
  g_clear_error(&error);
  assert_true(archive_writer_finish(writer, &error));
  int fd = builder_open_file(out);
  assert_true(archive_writer_patch_offsets(writer, fd, &error));
  g_autoptr(ArchiveReader) reader = archive_reader_open(fd, &error);
  assert_non_null(reader);
  assert_true(archive_reader_check(reader, NULL, NULL, NULL, &error));
  for (guint i = 1; i < G_N_ELEMENTS(entries); i++)
    assert_int_equal(archive_reader_entry(reader, i)->offset_state, OFFSET_SET);
  assert_int_equal(archive_reader_entry(reader, 0)->offset_state, OFFSET_NO_DATA);
  assert_true(archive_reader_entry(reader, 1)->offset > archive_reader_entry(reader, 2)->offset);
  close(fd);
}

static void
a_wrong_order_of_use_is_refused(void **state)
{
  g_autoptr(GError) error = NULL;
  TocEntry entries[] = {
      {.dump_id = 5, .had_dumper = TRUE, .tag = (char *)"a", .desc = (char *)"TABLE DATA", .section = SECTION_DATA},
      {.dump_id = 6, .had_dumper = TRUE, .tag = (char *)"-", .desc = (char *)"BLOBS", .section = SECTION_DATA},
      {.dump_id = 7, .tag = (char *)"a", .desc = (char *)"TABLE", .section = SECTION_PRE_DATA},
  };
  ArchiveHeader header = {.version_minor = 14, .int_size = 4, .offset_size = 8};
  ArchivePiece piece = {0};
  g_autoptr(GByteArray) out = g_byte_array_new();
  g_autoptr(ArchiveWriter) writer = archive_writer_new(ARCHIVE_LEVEL_NONE, append, out);
  assert_false(archive_writer_begin_data(writer, 5, NULL));
  assert_true(archive_writer_begin(writer, &header, entries, G_N_ELEMENTS(entries), &error));
  assert_false(archive_writer_begin_data(writer, 6, NULL));          /* large objects */
  assert_false(archive_writer_begin_large_objects(writer, 5, NULL)); /* none */
  assert_false(archive_writer_begin_data(writer, 7, NULL));          /* without data */
  assert_false(archive_writer_begin_data(writer, 8, NULL));          /* unknown */
  assert_false(archive_writer_piece(writer, &piece, NULL));
  assert_true(archive_writer_begin_data(writer, 5, &error));
  assert_false(archive_writer_begin_large_object(writer, 1, NULL));
  assert_true(archive_writer_end_data(writer, &error));
  assert_false(archive_writer_begin_data(writer, 5, NULL)); /* twice */
  assert_false(archive_writer_finish(writer, &error));      /* without 6 */
  assert_int_equal(error_code(error), CCH_ERROR_INTERNAL);
  g_clear_error(&error);
  assert_true(archive_writer_begin_large_objects(writer, 6, &error));
  assert_false(archive_writer_begin_large_object(writer, 0, NULL));
  assert_true(archive_writer_end_large_objects(writer, &error));
  assert_true(archive_writer_finish(writer, &error));
}

typedef struct {
  gsize left;
} Disk;

static gboolean
fill_disk(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  Disk *disk = user_data;
  if (size > disk->left) {
    error_set(error, CCH_ERROR_DISK_FULL, "full");
    return FALSE;
  }
  disk->left -= size;
  return TRUE;
}

static void
an_error_of_the_output_comes_back(void **state)
{
  g_autoptr(GError) error = NULL;
  TocEntry entry = {
      .dump_id = 5, .had_dumper = TRUE, .tag = (char *)"a", .desc = (char *)"TABLE DATA", .section = SECTION_DATA};
  ArchiveHeader header = {.version_minor = 14, .int_size = 4, .offset_size = 8};
  g_autoptr(ArchivePacker) packer = archive_packer_new(ARCHIVE_LEVEL_NONE);
  g_autofree guint8 *data = g_malloc0(100000);
  g_auto(ArchivePiece) piece = {0};
  assert_true(archive_packer_pack(packer, data, 100000, &piece, &error));
  Disk disk = {150000};
  g_autoptr(ArchiveWriter) writer = archive_writer_new(ARCHIVE_LEVEL_NONE, fill_disk, &disk);
  assert_true(archive_writer_begin(writer, &header, &entry, 1, &error));
  assert_true(archive_writer_begin_data(writer, 5, &error));
  assert_true(archive_writer_piece(writer, &piece, &error));
  assert_false(archive_writer_piece(writer, &piece, &error));
  assert_int_equal(error_code(error), CCH_ERROR_DISK_FULL);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(header_and_toc_are_written_as_they_were_read),
      cmocka_unit_test(what_is_written_at_any_level_is_read_again),
      cmocka_unit_test(stock_pg_restore_reads_what_is_written),
      cmocka_unit_test(stock_pg_restore_notices_a_wrong_checksum),
      cmocka_unit_test(lz4_and_zstd_raise_the_version_and_the_others_keep_it),
      cmocka_unit_test(offsets_that_are_filled_in_afterwards_are_right),
      cmocka_unit_test(a_wrong_order_of_use_is_refused),
      cmocka_unit_test(an_error_of_the_output_comes_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
