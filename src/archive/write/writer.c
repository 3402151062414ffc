#include "archive/write/writer.h"

#include "archive/write/toc_write.h"
#include "base/error.h"
#include "base/os/write_all.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define BUFFER_BYTES (64 * 1024)

#define BLOCK_DATA          1
#define BLOCK_LARGE_OBJECTS 3

/* For the compression level of archives up to 1.14, where every value but 0 is informative only. */
static const int stated_levels[ARCHIVE_LEVEL_COUNT] = {
    [ARCHIVE_LEVEL_FAST] = 1,
    [ARCHIVE_LEVEL_BALANCED] = 3,
    [ARCHIVE_LEVEL_SMALL] = 6,
};

static const guint8 end_marker[] = {'\\', '.', '\n', '\n', '\n'};

/* 32 KB window, no dictionary, fastest algorithm (RFC 1950); readers need only the first byte. */
static const guint8 zlib_header[] = {0x78, 0x01};

typedef struct {
  int dump_id;
  gboolean has_copy_text;
  gboolean has_large_objects;
  guint64 offset_position; /* of its offset in the TOC */
  guint64 position;        /* of its block; 0: not written yet */
} Entry;

typedef enum { STATE_NEW, STATE_BETWEEN, STATE_DATA, STATE_LARGE_OBJECTS, STATE_LARGE_OBJECT, STATE_FINISHED } State;

struct ArchiveWriter {
  ArchiveLevel level;
  ArchiveOutputFunc output;
  gpointer user_data;
  ArchiveHeader header; /* only its numbers are set */
  Entry *entries;       /* those with data */
  guint n_entries;
  GHashTable *index_by_id; /* dump ID -> index + 1 */
  State state;
  Entry *entry; /* the current entry */
  guint32 adler32;
  gboolean has_pieces; /* of the current stream */
  ArchivePacker *packer;
  ArchivePiece piece; /* the compressed end marker */
  GByteArray *buffer;
  guint64 bytes;
};

ArchiveWriter *
archive_writer_new(ArchiveLevel level, ArchiveOutputFunc output, gpointer user_data)
{
  ArchiveWriter *writer = g_new0(ArchiveWriter, 1);
  writer->level = level;
  writer->output = output;
  writer->user_data = user_data;
  writer->index_by_id = g_hash_table_new(NULL, NULL);
  writer->packer = archive_packer_new(level);
  writer->buffer = g_byte_array_sized_new(BUFFER_BYTES);
  return writer;
}

void
archive_writer_free(ArchiveWriter *writer)
{
  if (writer == NULL)
    return;
  g_free(writer->entries);
  g_hash_table_unref(writer->index_by_id);
  archive_packer_free(writer->packer);
  archive_piece_clear(&writer->piece);
  g_byte_array_unref(writer->buffer);
  g_free(writer);
}

/* Passes on the gathered bytes. */
static gboolean
flush_buffer(ArchiveWriter *writer, GError **error)
{
  guint size = writer->buffer->len;
  if (size == 0)
    return TRUE;
  gboolean ok = writer->output(writer->buffer->data, size, writer->user_data, error);
  g_byte_array_set_size(writer->buffer, 0);
  return ok;
}

static gboolean
put(ArchiveWriter *writer, const guint8 *data, gsize size, GError **error)
{
  if (writer->buffer->len + size > BUFFER_BYTES && !flush_buffer(writer, error))
    return FALSE;
  writer->bytes += size;
  if (size >= BUFFER_BYTES)
    return writer->output(data, size, writer->user_data, error);
  g_byte_array_append(writer->buffer, data, (guint)size);
  return TRUE;
}

static gboolean
put_int(ArchiveWriter *writer, gint64 value, GError **error)
{
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  toc_write_int(bytes, &writer->header, value);
  return put(writer, bytes->data, bytes->len, error);
}

static gboolean
put_chunk(ArchiveWriter *writer, const guint8 *data, gsize size, GError **error)
{
  return put_int(writer, (gint64)size, error) && put(writer, data, size, error);
}

static gboolean
expect(const ArchiveWriter *writer, State state, GError **error)
{
  if (writer->state == state)
    return TRUE;
  error_set(error, CCH_ERROR_INTERNAL, "the archive's writer is used in a wrong order (%d, not %d)", writer->state,
            state);
  return FALSE;
}

static ArchiveHeader
make_header(const ArchiveHeader *from, ArchiveLevel level)
{
  ArchiveHeader header = *from;
  header.compression = archive_level_compression(level);
  gboolean needs_algorithm =
      header.compression == ARCHIVE_COMPRESSION_LZ4 || header.compression == ARCHIVE_COMPRESSION_ZSTD;
  if (needs_algorithm && header.version_minor < TOC_VERSION_COMPRESSION_ALGORITHM) {
    header.version_minor = TOC_VERSION_COMPRESSION_ALGORITHM;
    header.version_revision = 0;
  }
  header.compression_level = header.version_minor < TOC_VERSION_COMPRESSION_ALGORITHM ? stated_levels[level] : 0;
  return header;
}

static void
remember_entries(ArchiveWriter *writer, const TocEntry *entries, guint n_entries, const guint64 *offset_positions)
{
  writer->entries = g_new0(Entry, n_entries);
  for (guint i = 0; i < n_entries; i++) {
    if (!entries[i].had_dumper)
      continue;
    writer->entries[writer->n_entries++] = (Entry){
        .dump_id = entries[i].dump_id,
        .has_copy_text = entries[i].copy_stmt != NULL && entries[i].copy_stmt[0] != '\0',
        .has_large_objects = toc_entry_is(&entries[i], TOC_KIND_BLOBS),
        .offset_position = offset_positions[i],
    };
    g_hash_table_insert(writer->index_by_id, GINT_TO_POINTER(entries[i].dump_id), GUINT_TO_POINTER(writer->n_entries));
  }
}

gboolean
archive_writer_begin(ArchiveWriter *writer, const ArchiveHeader *header, const TocEntry *entries, guint n_entries,
                     GError **error)
{
  if (!expect(writer, STATE_NEW, error))
    return FALSE;
  ArchiveHeader ours = make_header(header, writer->level);
  g_autofree guint64 *offset_positions = g_new(guint64, n_entries);
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  toc_write_header(bytes, &ours);
  toc_write_entries(bytes, &ours, entries, n_entries, offset_positions);
  remember_entries(writer, entries, n_entries, offset_positions);
  ours.created = ours.database = ours.server_version = ours.pg_dump_version = NULL; /* owned by the caller */
  writer->header = ours;
  writer->state = STATE_BETWEEN;
  return put(writer, bytes->data, bytes->len, error) && flush_buffer(writer, error);
}

static gboolean
begin_stream(ArchiveWriter *writer, GError **error)
{
  writer->adler32 = 1;
  writer->has_pieces = FALSE;
  return writer->header.compression != ARCHIVE_COMPRESSION_GZIP ||
         put_chunk(writer, zlib_header, sizeof zlib_header, error);
}

static gboolean
begin_block(ArchiveWriter *writer, guint8 type, int dump_id, GError **error)
{
  if (!expect(writer, STATE_BETWEEN, error))
    return FALSE;
  guint index = GPOINTER_TO_UINT(g_hash_table_lookup(writer->index_by_id, GINT_TO_POINTER(dump_id)));
  Entry *entry = index > 0 ? &writer->entries[index - 1] : NULL;
  if (entry == NULL || entry->position != 0 || entry->has_large_objects != (type == BLOCK_LARGE_OBJECTS)) {
    error_set(error, CCH_ERROR_INTERNAL, "the archive has no place for a block of type %d with dump ID %d", type,
              dump_id);
    return FALSE;
  }
  entry->position = writer->bytes;
  writer->entry = entry;
  return put(writer, &type, 1, error) && put_int(writer, dump_id, error);
}

gboolean
archive_writer_begin_data(ArchiveWriter *writer, int dump_id, GError **error)
{
  if (!begin_block(writer, BLOCK_DATA, dump_id, error))
    return FALSE;
  writer->state = STATE_DATA;
  return begin_stream(writer, error);
}

/* A frame must be a chunk: pg_restore 16 and newer loses what follows a zstd frame's end in its chunk. */
static gboolean
put_piece(ArchiveWriter *writer, const ArchivePiece *piece, GError **error)
{
  if (piece->size == 0)
    return TRUE;
  writer->has_pieces = TRUE;
  writer->adler32 = (guint32)adler32_combine(writer->adler32, piece->adler32, (z_off_t)piece->raw_size);
  return put_chunk(writer, piece->data, piece->size, error);
}

gboolean
archive_writer_piece(ArchiveWriter *writer, const ArchivePiece *piece, GError **error)
{
  if (writer->state != STATE_LARGE_OBJECT && !expect(writer, STATE_DATA, error))
    return FALSE;
  return piece->raw_size == 0 || put_piece(writer, piece, error);
}

static gboolean
end_zlib_stream(ArchiveWriter *writer, GError **error)
{
  guint32 adler = writer->adler32;
  const guint8 end[] = {
      0x01,
      0x00,
      0x00,
      0xff,
      0xff, /* an empty stored block, the final one */
      (guint8)(adler >> 24),
      (guint8)(adler >> 16),
      (guint8)(adler >> 8),
      (guint8)adler,
  };
  return put_chunk(writer, end, sizeof end, error);
}

static gboolean
put_packed(ArchiveWriter *writer, const guint8 *data, gsize size, GError **error)
{
  return archive_packer_pack(writer->packer, data, size, &writer->piece, error) &&
         put_piece(writer, &writer->piece, error);
}

static gboolean
end_stream(ArchiveWriter *writer, gboolean has_end_marker, GError **error)
{
  if (has_end_marker && !put_packed(writer, end_marker, sizeof end_marker, error))
    return FALSE;
  if (!writer->has_pieces && !put_packed(writer, end_marker, 0, error)) /* an empty frame, for formats with frames */
    return FALSE;
  if (writer->header.compression == ARCHIVE_COMPRESSION_GZIP && !end_zlib_stream(writer, error))
    return FALSE;
  return put_int(writer, 0, error);
}

gboolean
archive_writer_end_data(ArchiveWriter *writer, GError **error)
{
  if (!expect(writer, STATE_DATA, error) || !end_stream(writer, writer->entry->has_copy_text, error))
    return FALSE;
  writer->state = STATE_BETWEEN;
  return TRUE;
}

gboolean
archive_writer_begin_large_objects(ArchiveWriter *writer, int dump_id, GError **error)
{
  if (!begin_block(writer, BLOCK_LARGE_OBJECTS, dump_id, error))
    return FALSE;
  writer->state = STATE_LARGE_OBJECTS;
  return TRUE;
}

gboolean
archive_writer_begin_large_object(ArchiveWriter *writer, guint32 oid, GError **error)
{
  if (!expect(writer, STATE_LARGE_OBJECTS, error))
    return FALSE;
  if (oid == 0) {
    error_set(error, CCH_ERROR_INTERNAL, "a large object without an OID");
    return FALSE;
  }
  writer->state = STATE_LARGE_OBJECT;
  return put_int(writer, (gint32)oid, error) && begin_stream(writer, error);
}

gboolean
archive_writer_end_large_object(ArchiveWriter *writer, GError **error)
{
  if (!expect(writer, STATE_LARGE_OBJECT, error) || !end_stream(writer, FALSE, error))
    return FALSE;
  writer->state = STATE_LARGE_OBJECTS;
  return TRUE;
}

gboolean
archive_writer_end_large_objects(ArchiveWriter *writer, GError **error)
{
  if (!expect(writer, STATE_LARGE_OBJECTS, error))
    return FALSE;
  writer->state = STATE_BETWEEN;
  return put_int(writer, 0, error);
}

gboolean
archive_writer_finish(ArchiveWriter *writer, GError **error)
{
  if (!expect(writer, STATE_BETWEEN, error))
    return FALSE;
  for (guint i = 0; i < writer->n_entries; i++) {
    if (writer->entries[i].position == 0) {
      error_set(error, CCH_ERROR_INTERNAL, "the archive lacks the data with dump ID %d", writer->entries[i].dump_id);
      return FALSE;
    }
  }
  writer->state = STATE_FINISHED;
  return flush_buffer(writer, error);
}

guint64
archive_writer_bytes(const ArchiveWriter *writer)
{
  return writer->bytes;
}

gboolean
archive_writer_patch_offsets(const ArchiveWriter *writer, int fd, GError **error)
{
  if (!expect(writer, STATE_FINISHED, error))
    return FALSE;
  guint8 bytes[1 + G_MAXUINT8] = {OFFSET_SET};
  for (guint i = 0; i < writer->n_entries; i++) {
    const Entry *entry = &writer->entries[i];
    for (guint byte = 0; byte < MIN(writer->header.offset_size, 8); byte++)
      bytes[1 + byte] = (guint8)(entry->position >> (8 * byte));
    if (!write_all_at(fd, bytes, 1 + (gsize)writer->header.offset_size, entry->offset_position, "the archive's offsets",
                      error))
      return FALSE;
  }
  return TRUE;
}
