#include "archive_repack.h"

#include "archive/write/writer.h"

#include <string.h>

typedef struct {
  ArchiveWriter *writer;
  ArchivePacker *packer;
  ArchivePiece piece;
  GByteArray *raw;
  gsize piece_bytes;
  gboolean is_in_large_object;
} Repack;

static gboolean
append_output(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  g_assert(size > 0);
  g_byte_array_append(user_data, data, (guint)size);
  return TRUE;
}

static gboolean
flush_piece(Repack *repack, GError **error)
{
  gboolean ok = archive_packer_pack(repack->packer, repack->raw->data, repack->raw->len, &repack->piece, error) &&
                archive_writer_piece(repack->writer, &repack->piece, error);
  g_byte_array_set_size(repack->raw, 0);
  return ok;
}

static gboolean
take_data(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  Repack *repack = user_data;
  while (size > 0) {
    gsize n = MIN(size, repack->piece_bytes - repack->raw->len);
    g_byte_array_append(repack->raw, data, (guint)n);
    data += n;
    size -= n;
    if (repack->raw->len == repack->piece_bytes && !flush_piece(repack, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
end_large_object(Repack *repack, GError **error)
{
  gboolean was_in = repack->is_in_large_object;
  repack->is_in_large_object = FALSE;
  return !was_in || (flush_piece(repack, error) && archive_writer_end_large_object(repack->writer, error));
}

static gboolean
take_large_object(guint32 oid, gpointer user_data, GError **error)
{
  Repack *repack = user_data;
  if (!end_large_object(repack, error))
    return FALSE;
  repack->is_in_large_object = TRUE;
  return archive_writer_begin_large_object(repack->writer, oid, error);
}

static gboolean
begin(Repack *repack, const TocEntry *entry, GError **error)
{
  return toc_entry_is(entry, TOC_KIND_BLOBS) ? archive_writer_begin_large_objects(repack->writer, entry->dump_id, error)
                                             : archive_writer_begin_data(repack->writer, entry->dump_id, error);
}

static gboolean
end(Repack *repack, const TocEntry *entry, GError **error)
{
  if (toc_entry_is(entry, TOC_KIND_BLOBS))
    return end_large_object(repack, error) && archive_writer_end_large_objects(repack->writer, error);
  return flush_piece(repack, error) && archive_writer_end_data(repack->writer, error);
}

static gboolean
repack_file(Repack *repack, ArchiveReader *reader, gboolean shuffles, GError **error)
{
  guint n = archive_reader_n_entries(reader);
  for (guint i = 0; i < n; i++) {
    const TocEntry *entry = archive_reader_entry(reader, shuffles ? n - 1 - i : i);
    if (entry->had_dumper &&
        !(begin(repack, entry, error) &&
          archive_reader_read_data(reader, entry, take_data, take_large_object, repack, NULL, error) &&
          end(repack, entry, error)))
      return FALSE;
  }
  return TRUE;
}

GByteArray *
archive_repack(ArchiveReader *reader, ArchiveLevel level, gsize piece_bytes, gboolean shuffles)
{
  g_autoptr(GError) error = NULL;
  GByteArray *out = g_byte_array_new();
  Repack repack = {.writer = archive_writer_new(level, append_output, out),
                   .packer = archive_packer_new(level),
                   .raw = g_byte_array_new(),
                   .piece_bytes = piece_bytes};
  guint n = archive_reader_n_entries(reader);
  gboolean ok = archive_writer_begin(repack.writer, archive_reader_header(reader),
                                     n > 0 ? archive_reader_entry(reader, 0) : NULL, n, &error) &&
                repack_file(&repack, reader, shuffles, &error) && archive_writer_finish(repack.writer, &error);
  if (!ok)
    g_error("%s", error->message);
  g_assert(archive_writer_bytes(repack.writer) == out->len);
  archive_writer_free(repack.writer);
  archive_packer_free(repack.packer);
  archive_piece_clear(&repack.piece);
  g_byte_array_unref(repack.raw);
  return out;
}
