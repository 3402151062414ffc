/* For any bytes: the reader does not crash, and returns no data that its check has not seen. Scanning and reading on
 * several threads find what the check finds. The writer's copy reads the same. The beginning of an archive shows the
 * same table of contents as the whole. */
#include "archive/detect/prefix.h"
#include "archive/read/survey.h"
#include "archive/toc/toc_parse.h"
#include "archive_builder.h"
#include "archive_repack.h"
#include "base/error.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
  guint64 bytes;
  guint64 large_objects;
  guint64 newlines;
} Seen;

static gboolean
see_bytes(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  Seen *seen = user_data;
  seen->bytes += size;
  for (gsize i = 0; i < size; i++)
    seen->newlines += data[i] == '\n';
  return TRUE;
}

static gboolean
see_large_object(guint32 oid, gpointer user_data, GError **error)
{
  Seen *seen = user_data;
  seen->large_objects++;
  return TRUE;
}

static void
read_entry(ArchiveReader *reader, const TocEntry *entry)
{
  g_autoptr(GError) error = NULL;
  const ArchiveDataInfo *info = archive_reader_data_info(reader, entry);
  Seen seen = {0};
  g_assert(archive_reader_read_data(reader, entry, see_bytes, see_large_object, &seen, NULL, &error));
  g_assert(info->is_present == (entry->offset_state != OFFSET_NO_DATA));
  if (toc_entry_is(entry, TOC_KIND_BLOBS)) {
    g_assert(seen.bytes == info->data_bytes && seen.large_objects == info->rows);
  } else if (entry->copy_stmt != NULL && entry->copy_stmt[0] != '\0' && info->is_present) {
    /* `\.`, a newline, and possibly more newlines. */
    g_assert(seen.bytes + 3 <= info->data_bytes && seen.newlines == info->rows);
  } else {
    g_assert(seen.bytes == info->data_bytes);
  }
}

static gboolean
survey(int fd, RowTotals **ret_totals)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(ArchiveReader) reader = archive_reader_open(fd, NULL);
  g_assert(reader != NULL);
  g_autofree RowTotals *totals = g_new0(RowTotals, archive_reader_n_entries(reader));
  if (!archive_reader_scan(reader, NULL, &error) || !archive_survey(reader, 1, totals, NULL, NULL, NULL, &error)) {
    g_assert(error_code(error) == CCH_ERROR_ARCHIVE_CORRUPT);
    return FALSE;
  }
  *ret_totals = g_steal_pointer(&totals);
  return TRUE;
}

static void
rewrite(ArchiveReader *reader, const RowTotals *totals)
{
  ArchiveLevel level = (ArchiveLevel)(archive_reader_n_entries(reader) % ARCHIVE_LEVEL_COUNT);
  g_autoptr(GByteArray) written = archive_repack(reader, level, 100, FALSE);
  int fd = builder_open_file(written);
  g_autofree RowTotals *again = NULL;
  g_assert(survey(fd, &again));
  for (guint i = 0; i < archive_reader_n_entries(reader); i++)
    g_assert(row_totals_equal(&again[i], &totals[i]));
  close(fd);
}

/* `reader` is NULL when the whole is not an archive. */
static void
read_prefix(const ArchiveReader *reader, const uint8_t *data, size_t size, size_t cut)
{
  g_autoptr(GByteArray) bytes = g_byte_array_append(g_byte_array_new(), data, (guint)cut);
  int fd = builder_open_file(bytes);
  g_auto(ArchivePrefix) prefix = {0};
  gboolean is_read = archive_prefix_read(fd, size, &prefix, NULL);
  g_autoptr(ArchiveReader) part = archive_reader_open_beginning(fd, size, NULL, NULL);
  close(fd);
  if (reader == NULL)
    return;
  g_assert(is_read && (cut < size || prefix.is_complete));
  g_assert(prefix.entries->len <= archive_reader_n_entries(reader));
  g_assert(!prefix.is_complete || prefix.entries->len == archive_reader_n_entries(reader));
  for (guint i = 0; i < prefix.entries->len; i++)
    g_assert(g_array_index(prefix.entries, TocEntry, i).dump_id == archive_reader_entry(reader, i)->dump_id);
}

static void
read_archive(int fd, const uint8_t *data, size_t size, GError **error)
{
  g_autoptr(ArchiveReader) reader = archive_reader_open(fd, error);
  read_prefix(reader, data, size, size);
  read_prefix(reader, data, size, size > 0 ? data[size / 2] * size / 256 : 0);
  if (reader == NULL)
    return;
  gboolean is_whole = archive_reader_check(reader, NULL, NULL, NULL, error);
  g_autofree RowTotals *totals = NULL;
  g_assert(survey(fd, &totals) == is_whole);
  if (!is_whole)
    return;
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    g_assert(archive_reader_find(reader, entry->dump_id) == entry);
    read_entry(reader, entry);
  }
  rewrite(reader, totals);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  if (size > 0)
    g_byte_array_append(bytes, data, (guint)size);
  int fd = builder_open_file(bytes);
  read_archive(fd, data, size, &error);
  close(fd);
  if (error != NULL) {
    ErrorCode code = error_code(error);
    g_assert(code == CCH_ERROR_ARCHIVE_FORMAT || code == CCH_ERROR_ARCHIVE_VERSION ||
             code == CCH_ERROR_ARCHIVE_CORRUPT || code == CCH_ERROR_ARCHIVE_UNSUPPORTED);
    /* Only bytes that cannot begin an archive are called something else. */
    if (code == CCH_ERROR_ARCHIVE_FORMAT)
      g_assert(size < 16 || !archive_magic_plausible(data, size));
  }
  return 0;
}
