/* Whatever the bytes, the reader neither crashes nor gives data that its own check has not seen. */
#include "archive/reader.h"
#include "archive_builder.h"
#include "base/error.h"

#include <stdint.h>
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
  if (toc_entry_is(entry, "BLOBS")) {
    g_assert(seen.bytes == info->data_bytes && seen.large_objects == info->rows);
  } else if (entry->copy_stmt != NULL && entry->copy_stmt[0] != '\0' && info->is_present) {
    /* `\.`, a newline, and perhaps more of them. */
    g_assert(seen.bytes + 3 <= info->data_bytes && seen.newlines == info->rows);
  } else {
    g_assert(seen.bytes == info->data_bytes);
  }
}

static void
read_archive(int fd, GError **error)
{
  g_autoptr(ArchiveReader) reader = archive_reader_open(fd, error);
  if (reader == NULL || !archive_reader_check(reader, NULL, NULL, NULL, error))
    return;
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    g_assert(archive_reader_find(reader, entry->dump_id) == entry);
    read_entry(reader, entry);
  }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  if (size > 0)
    g_byte_array_append(bytes, data, (guint)size);
  int fd = builder_open_file(bytes);
  read_archive(fd, &error);
  close(fd);
  if (error != NULL) {
    ErrorCode code = error_code(error);
    g_assert(code == CCH_ERROR_ARCHIVE_FORMAT || code == CCH_ERROR_ARCHIVE_VERSION ||
             code == CCH_ERROR_ARCHIVE_CORRUPT || code == CCH_ERROR_ARCHIVE_UNSUPPORTED);
    /* Only bytes that cannot begin an archive are not one. */
    if (code == CCH_ERROR_ARCHIVE_FORMAT)
      g_assert(size < 16 || !archive_magic_plausible(data, size));
  }
  return 0;
}
