#include "archive/read/reader_state.h"

#include "base/error.h"

#include <string.h>
#include <unistd.h>

guint
reader_n_entries(const ArchiveReader *reader)
{
  return reader->toc->entries->len;
}

const TocEntry *
reader_entry(const ArchiveReader *reader, guint index)
{
  g_return_val_if_fail(index < reader->toc->entries->len, NULL);
  return &g_array_index(reader->toc->entries, TocEntry, index);
}

const TocEntry *
reader_find(const ArchiveReader *reader, int dump_id)
{
  guint index = GPOINTER_TO_UINT(g_hash_table_lookup(reader->toc->index_by_id, GINT_TO_POINTER(dump_id)));
  return index == 0 ? NULL : reader_entry(reader, index - 1);
}

ArchiveDataInfo *
reader_info(const ArchiveReader *reader, const TocEntry *entry)
{
  return &reader->infos[entry - reader_entry(reader, 0)];
}

static gboolean
refuse_rest(const ArchiveReader *reader, guint64 end, GError **error)
{
  guint8 head[5] = {0};
  gboolean is_archive =
      pread(reader->fd, head, sizeof head, (off_t)end) == sizeof head && memcmp(head, "PGDMP", 5) == 0;
  error_set_explained(error, CCH_ERROR_ARCHIVE_CORRUPT, is_archive ? TEXT_ARCHIVE_TWICE : TEXT_ARCHIVE_FOLLOWED,
                      "%" G_GUINT64_FORMAT " bytes follow the archive's end: head -c %" G_GUINT64_FORMAT
                      " FILE > archive.dump",
                      wire_source_size(reader->source) - end, end);
  return FALSE;
}

gboolean
reader_pass_padding(ArchiveReader *reader, GCancellable *cancellable, GError **error)
{
  guint64 end = wire_source_position(reader->source), padding_bytes = wire_source_remaining(reader->source);
  for (guint64 left = padding_bytes; left > 0;) {
    gsize n = (gsize)MIN(left, READER_INPUT_BYTES);
    if (error_if_cancelled(cancellable, error) || !wire_read_bytes(reader->source, reader->input, n, error))
      return FALSE;
    for (gsize i = 0; i < n; i++)
      if (reader->input[i] != 0)
        return refuse_rest(reader, end, error);
    left -= n;
  }
  reader->padding_bytes = padding_bytes;
  return TRUE;
}
