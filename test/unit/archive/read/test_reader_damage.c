#include "archive/archive_builder.h"
#include "archive/archive_transcript.h"
#include "archive/read/reader.h"
#include "archive/toc/toc_parse.h"
#include "base/error.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

enum { TABLE, USERS, EMPTY, INSERTED, LARGE_OBJECTS }; /* the sample's entries */

/* The error of reading these bytes; NULL on success. */
static GError *
error_of_bytes(const GByteArray *bytes)
{
  GError *error = NULL;
  int fd = builder_open_file(bytes);
  g_autoptr(ArchiveTranscript) transcript = archive_transcript_new(fd, &error);
  close(fd);
  assert_int_equal(transcript == NULL, error != NULL);
  return error;
}

static void
assert_refused(const ArchiveBuilder *builder, ErrorCode code, const char *message)
{
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  g_autoptr(GError) error = error_of_bytes(bytes);
  if (error == NULL)
    fail_msg("accepted, instead of: %s", message);
  if (strstr(error->message, message) == NULL)
    fail_msg("\"%s\" does not contain \"%s\"", error->message, message);
  assert_int_equal(error_code(error), code);
}

static ArchiveBuilder *
sample(void)
{
  return archive_builder_new_sample(16, ARCHIVE_COMPRESSION_GZIP);
}

static BuilderEntry *
entry(ArchiveBuilder *builder, guint index)
{
  return g_ptr_array_index(builder->entries, index);
}

static void
an_archive_cut_at_any_byte_is_refused(void **state)
{
  static const struct {
    guint8 minor;
    ArchiveCompression compression;
  } kinds[] = {{12, ARCHIVE_COMPRESSION_NONE},
               {14, ARCHIVE_COMPRESSION_GZIP},
               {15, ARCHIVE_COMPRESSION_LZ4},
               {16, ARCHIVE_COMPRESSION_ZSTD}};
  for (gsize k = 0; k < G_N_ELEMENTS(kinds); k++) {
    for (int states_offsets = 0; states_offsets <= 1; states_offsets++) {
      g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(kinds[k].minor, kinds[k].compression);
      builder->states_offsets = states_offsets;
      g_autoptr(GByteArray) bytes = archive_builder_build(builder);
      for (guint size = bytes->len; size-- > 0;) {
        g_byte_array_set_size(bytes, size);
        g_autoptr(GError) error = error_of_bytes(bytes);
        assert_non_null(error);
        assert_int_equal(error_code(error), size == 0 ? CCH_ERROR_ARCHIVE_FORMAT : CCH_ERROR_ARCHIVE_CORRUPT);
      }
    }
  }
}

static gboolean
is_archive_error(const GError *error)
{
  ErrorCode code = error_code(error);
  return code == CCH_ERROR_ARCHIVE_FORMAT || code == CCH_ERROR_ARCHIVE_VERSION || code == CCH_ERROR_ARCHIVE_CORRUPT ||
         code == CCH_ERROR_ARCHIVE_UNSUPPORTED;
}

/* The data without the large objects' OIDs, which have no checksum. */
static char *
data_without_oids(const ArchiveTranscript *transcript)
{
  g_autoptr(GRegex) oid = g_regex_new("\\{[0-9]+\\}", 0, 0, NULL);
  return g_regex_replace_literal(oid, transcript->data->str, -1, 0, "{}", 0, NULL);
}

static void
every_flipped_bit_of_a_gzip_archive_is_found_or_leaves_the_data_alone(void **state)
{
  g_autoptr(GError) no_error = NULL;
  g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(14, ARCHIVE_COMPRESSION_GZIP);
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  int whole_fd = builder_open_file(bytes);
  g_autoptr(ArchiveTranscript) whole = archive_transcript_new(whole_fd, &no_error);
  close(whole_fd);
  assert_non_null(whole);
  g_autofree char *whole_data = data_without_oids(whole);

  guint n_found = 0;
  for (gsize bit = 0; bit < (gsize)bytes->len * 8; bit++) {
    g_autoptr(GError) error = NULL;
    bytes->data[bit / 8] ^= (guint8)(1 << bit % 8);
    int fd = builder_open_file(bytes);
    g_autoptr(ArchiveTranscript) transcript = archive_transcript_new(fd, &error);
    close(fd);
    bytes->data[bit / 8] ^= (guint8)(1 << bit % 8);
    if (transcript == NULL) {
      assert_true(is_archive_error(error));
      n_found++;
    } else {
      g_autofree char *data = data_without_oids(transcript);
      assert_string_equal(data, whole_data);
    }
  }
  assert_true(n_found > bytes->len * 3);
}

static void
what_is_not_an_archive_is_told_from_a_damaged_one(void **state)
{
  g_autoptr(ArchiveBuilder) tar = sample();
  tar->format = 3;
  assert_refused(tar, CCH_ERROR_ARCHIVE_FORMAT, "PGDMP");

  g_autoptr(GByteArray) text = g_byte_array_new();
  g_byte_array_append(text, (const guint8 *)"--\n-- PostgreSQL database dump\n--\n", 33);
  g_autoptr(GError) of_text = error_of_bytes(text);
  assert_int_equal(error_code(of_text), CCH_ERROR_ARCHIVE_FORMAT);

  g_autoptr(GError) of_directory = NULL;
  int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_null(archive_reader_open(fd, &of_directory));
  close(fd);
  assert_int_equal(error_code(of_directory), CCH_ERROR_ARCHIVE_FORMAT);
}

static void
other_versions_are_refused_by_name(void **state)
{
  g_autoptr(ArchiveBuilder) builder = sample();
  builder->header.version_minor = 17;
  assert_refused(builder, CCH_ERROR_ARCHIVE_VERSION, "version 1.17");
  builder->header.version_minor = 11;
  assert_refused(builder, CCH_ERROR_ARCHIVE_VERSION, "version 1.11");
  builder->header.version_minor = 14;
  builder->version_major = 2;
  assert_refused(builder, CCH_ERROR_ARCHIVE_VERSION, "version 2.14");
}

static void
nonsense_in_the_header_is_refused(void **state)
{
  g_autoptr(ArchiveBuilder) builder = sample();
  builder->compression_byte = 4;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "unknown compression 4");
  builder->compression_byte = 1;
  builder->created[4] = 12;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "creation time");
  builder->created[4] = 0;
  builder->header.version_minor = 14;
  builder->header.compression_level = 10;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "compression level");
  builder->header.compression_level = -1;
  builder->header.int_size = 33;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "size of integers (33)");
  builder->header.int_size = 0;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "size of integers (0)");
  builder->header.int_size = 4;
  builder->header.offset_size = 0;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "offsets (0)");
}

static void
nonsense_in_a_toc_entry_is_refused(void **state)
{
  g_autoptr(ArchiveBuilder) builder = sample();
  BuilderEntry *table = entry(builder, TABLE);
  table->toc.dump_id = 0;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "dump ID");
  table->toc.dump_id = 21;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "two TOC entries have the dump ID 21");
  table->toc.dump_id = 7;
  table->toc.section = (ArchiveSection)5;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "section");
  table->toc.section = (ArchiveSection)0;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "section");
  table->toc.section = SECTION_PRE_DATA;
  table->toc.had_dumper = 2;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "flag");
  table->toc.had_dumper = FALSE;
  table->catalog_oid_text = "4294967296";
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "OID");
  table->catalog_oid_text = "-1";
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "OID");
  table->catalog_oid_text = NULL;
  table->dependency_text = "2147483648";
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "dependency");
  table->dependency_text = NULL;
  table->with_oids = "perhaps";
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "WITH OIDS");
  table->with_oids = NULL;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "WITH OIDS");
  table->with_oids = "true";
  assert_refused(builder, CCH_ERROR_ARCHIVE_UNSUPPORTED, "TABLE users was created WITH OIDS");
  table->with_oids = "false";
  g_clear_pointer(&table->toc.desc, g_free);
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "without its kind");
}

static void
an_entry_that_contradicts_itself_about_data_is_refused(void **state)
{
  g_autoptr(ArchiveBuilder) builder = sample();
  entry(builder, TABLE)->force_state = OFFSET_NOT_SET;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "both has and has not data");
  entry(builder, TABLE)->force_state = 0;
  entry(builder, USERS)->force_state = OFFSET_NO_DATA;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "both has and has not data");
  entry(builder, USERS)->force_state = (ArchiveOffsetState)4;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "data offset");
}

static void
more_entries_than_the_file_can_hold_are_refused_before_they_are_read(void **state)
{
  g_autoptr(ArchiveBuilder) builder = sample();
  builder->n_entries_error = 100;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "105 TOC entries are more than the file can hold");
  builder->n_entries_error = ARCHIVE_MAX_ENTRIES;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "number of TOC entries");
  builder->n_entries_error = -6;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "number of TOC entries");
  builder->n_entries_error = 1;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "TOC entry 6 of 6");
  builder->n_entries_error = -1;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "");
}

/* Overwrites the four length bytes in front of the first occurrence of `string`. */
static void
set_length(GByteArray *bytes, const char *string, guint8 sign, guint32 length)
{
  guint8 *at = memmem(bytes->data, bytes->len, string, strlen(string));
  assert_non_null(at);
  at[-5] = sign;
  for (int i = 0; i < 4; i++)
    at[i - 4] = (guint8)(length >> (8 * i));
}

static void
string_lengths_are_bounded_before_anything_is_allocated(void **state)
{
  static const struct {
    guint8 sign;
    guint32 length;
    const char *message;
  } cases[] = {
      {0, 0x7fffffff, "more than are allowed"},    {0, 60 * 1024 * 1024, "beyond the end of the file"},
      {0, 0xffffffff, "impossible string length"}, {1, 2, "impossible string length"},
      {1, 0x80000000, "impossible string length"}, {1, 0, "impossible string length"},
      {2, 5, "impossible string length"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(ArchiveBuilder) builder = sample();
    g_autoptr(GByteArray) bytes = archive_builder_build(builder);
    set_length(bytes, "CREATE TABLE", cases[i].sign, cases[i].length);
    g_autoptr(GError) error = error_of_bytes(bytes);
    assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_CORRUPT);
    assert_non_null(strstr(error->message, cases[i].message));
  }
}

static void
a_string_with_a_zero_byte_is_refused(void **state)
{
  g_autoptr(ArchiveBuilder) builder = sample();
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  guint8 *at = memmem(bytes->data, bytes->len, "CREATE TABLE", 12);
  at[6] = '\0';
  g_autoptr(GError) error = error_of_bytes(bytes);
  assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_CORRUPT);
  assert_non_null(strstr(error->message, "zero byte"));
}

static void
all_strings_together_are_bounded(void **state)
{
  g_autofree char *large = g_strnfill(ARCHIVE_MAX_STRING_BYTES - 100, 'x');
  g_autoptr(ArchiveBuilder) builder = archive_builder_new(14, ARCHIVE_COMPRESSION_GZIP);
  for (int i = 1; i <= 5; i++)
    archive_builder_add(builder, i, "TABLE", "t")->toc.defn = g_strdup(large);
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "TOC entry 5 of 5: a string of");
  g_ptr_array_set_size(builder->entries, 4);
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  assert_null(error_of_bytes(bytes));
}

static void
a_missing_block_is_named(void **state)
{
  for (int states_offsets = 0; states_offsets <= 1; states_offsets++) {
    for (guint i = USERS; i <= LARGE_OBJECTS; i++) {
      g_autoptr(ArchiveBuilder) builder = sample();
      builder->states_offsets = states_offsets;
      entry(builder, i)->n_blocks = 0;
      g_autofree char *message =
          g_strdup_printf("the data of %s %s is missing", entry(builder, i)->toc.desc, entry(builder, i)->toc.tag);
      assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, message);
    }
  }
}

static void
a_second_block_of_an_entry_is_refused(void **state)
{
  for (int states_offsets = 0; states_offsets <= 1; states_offsets++) {
    g_autoptr(ArchiveBuilder) builder = sample();
    builder->states_offsets = states_offsets;
    entry(builder, EMPTY)->n_blocks = 2;
    assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "TABLE DATA empty has two data blocks");
  }
}

static void
a_block_of_nothing_or_of_the_wrong_type_is_refused(void **state)
{
  g_autoptr(ArchiveBuilder) builder = sample();
  entry(builder, EMPTY)->block_dump_id = 99;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "belongs to nothing (dump ID 99)");
  entry(builder, EMPTY)->block_dump_id = 7;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "belongs to nothing (dump ID 7)");
  entry(builder, EMPTY)->block_dump_id = 21;
  entry(builder, EMPTY)->block_type = 2;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "type 2, which is not for TABLE DATA");
  entry(builder, EMPTY)->block_type = 3;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "type 3, which is not for TABLE DATA");
  entry(builder, EMPTY)->block_type = 1;
  entry(builder, LARGE_OBJECTS)->block_type = 1;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "type 1, which is not for BLOBS");
}

static void
a_wrong_offset_is_refused(void **state)
{
  g_autoptr(ArchiveBuilder) builder = sample();
  entry(builder, INSERTED)->offset_error = -1;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "the data block of TABLE DATA inserted is at byte");
  entry(builder, INSERTED)->offset_error = 1000 * 1000;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "data offset");
}

static void
what_follows_the_last_block_is_refused_unless_it_is_zero(void **state)
{
  g_autoptr(ArchiveBuilder) builder = sample();
  for (guint extra = 1; extra < 20; extra++) {
    for (int byte = 1; byte <= 3; byte++) {
      g_autoptr(GByteArray) bytes = archive_builder_build(builder);
      guint whole = bytes->len;
      g_byte_array_set_size(bytes, whole + extra);
      memset(bytes->data + whole, byte, extra);
      g_autoptr(GError) error = error_of_bytes(bytes);
      assert_non_null(error);
      assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_CORRUPT);
    }
  }
  for (int states_offsets = 0; states_offsets <= 1; states_offsets++) {
    builder->states_offsets = states_offsets;
    for (guint padding = 1; padding < 300; padding += 23) {
      g_autoptr(GByteArray) bytes = archive_builder_build(builder);
      guint whole = bytes->len;
      g_byte_array_set_size(bytes, whole + padding);
      memset(bytes->data + whole, 0, padding);
      int fd = builder_open_file(bytes);
      g_autoptr(ArchiveReader) reader = archive_reader_open(fd, NULL);
      assert_true(archive_reader_check(reader, NULL, NULL, NULL, NULL));
      assert_int_equal(archive_reader_padding(reader), padding);
      assert_true(archive_reader_scan(reader, NULL, NULL));
      for (guint i = 0; i < archive_reader_n_entries(reader); i++)
        assert_true(archive_reader_read_data(reader, archive_reader_entry(reader, i), NULL, NULL, NULL, NULL, NULL));
      assert_int_equal(archive_reader_padding(reader), padding);
      close(fd);
    }
  }
}

static void
copy_data_without_its_end_marker_is_refused_and_names_the_table(void **state)
{
  g_autoptr(ArchiveBuilder) builder = sample();
  BuilderStream *stream = g_ptr_array_index(entry(builder, USERS)->streams, 0);
  guint whole = stream->data->len;
  g_byte_array_set_size(stream->data, whole - 5);
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "TABLE DATA public.users: the end marker is missing");
  g_byte_array_append(stream->data, (const guint8 *)"\\.\n\n\n4\tlost\n\\.\n\n\n", 17);
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "TABLE DATA public.users: data follows the end marker");
}

static void
a_damaged_stream_names_its_entry(void **state)
{
  g_autoptr(ArchiveBuilder) builder = sample();
  BuilderStream *large_object = g_ptr_array_index(entry(builder, LARGE_OBJECTS)->streams, 0);
  large_object->is_raw = TRUE;
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "BLOBS BLOBS: broken zlib stream");
  g_byte_array_set_size(large_object->data, 0);
  assert_refused(builder, CCH_ERROR_ARCHIVE_CORRUPT, "BLOBS BLOBS: the compressed stream is cut short");
}

static void
a_file_that_changes_after_the_check_is_noticed(void **state)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) of_read = NULL;
  g_autoptr(GError) of_cut = NULL;
  g_autoptr(ArchiveBuilder) builder = sample();
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  int fd = builder_open_file(bytes);
  g_autoptr(ArchiveReader) reader = archive_reader_open(fd, &error);
  assert_non_null(reader);
  assert_true(archive_reader_check(reader, NULL, NULL, NULL, &error));
  const TocEntry *users = archive_reader_find(reader, 20);

  guint64 position = archive_reader_data_info(reader, users)->position;
  assert_int_equal(pwrite(fd, "\1\0\25\0\0\0", 6, (off_t)position), 6); /* dump ID 21 */
  assert_false(archive_reader_read_data(reader, users, NULL, NULL, NULL, NULL, &of_read));
  assert_int_equal(error_code(of_read), CCH_ERROR_ARCHIVE_CORRUPT);

  assert_int_equal(ftruncate(fd, (off_t)position), 0);
  assert_false(archive_reader_read_data(reader, users, NULL, NULL, NULL, NULL, &of_cut));
  assert_int_equal(error_code(of_cut), CCH_ERROR_ARCHIVE_CORRUPT);
  close(fd);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_archive_cut_at_any_byte_is_refused),
      cmocka_unit_test(every_flipped_bit_of_a_gzip_archive_is_found_or_leaves_the_data_alone),
      cmocka_unit_test(what_is_not_an_archive_is_told_from_a_damaged_one),
      cmocka_unit_test(other_versions_are_refused_by_name),
      cmocka_unit_test(nonsense_in_the_header_is_refused),
      cmocka_unit_test(nonsense_in_a_toc_entry_is_refused),
      cmocka_unit_test(an_entry_that_contradicts_itself_about_data_is_refused),
      cmocka_unit_test(more_entries_than_the_file_can_hold_are_refused_before_they_are_read),
      cmocka_unit_test(string_lengths_are_bounded_before_anything_is_allocated),
      cmocka_unit_test(a_string_with_a_zero_byte_is_refused),
      cmocka_unit_test(all_strings_together_are_bounded),
      cmocka_unit_test(a_missing_block_is_named),
      cmocka_unit_test(a_second_block_of_an_entry_is_refused),
      cmocka_unit_test(a_block_of_nothing_or_of_the_wrong_type_is_refused),
      cmocka_unit_test(a_wrong_offset_is_refused),
      cmocka_unit_test(what_follows_the_last_block_is_refused_unless_it_is_zero),
      cmocka_unit_test(copy_data_without_its_end_marker_is_refused_and_names_the_table),
      cmocka_unit_test(a_damaged_stream_names_its_entry),
      cmocka_unit_test(a_file_that_changes_after_the_check_is_noticed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
