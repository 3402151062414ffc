#include "archive/read/reader_block.h"

#include "base/error.h"

#define PROGRESS_STEP_BYTES (1024 * 1024)

#define BLOCK_DATA          1
#define BLOCK_LARGE_OBJECTS 3

static gboolean
receive_data(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  ReaderPass *pass = user_data;
  if (g_cancellable_set_error_if_cancelled(pass->cancellable, error))
    return FALSE;
  pass->info.data_bytes += size;
  if (pass->is_copy_text)
    return copy_text_push(&pass->copy_text, data, size, pass->sink, pass->user_data, error);
  return pass->sink == NULL || pass->sink(data, size, pass->user_data, error);
}

static gboolean
decode_input(ReaderPass *pass, gsize size, GError **error)
{
  ArchiveReader *reader = pass->reader;
  if (g_cancellable_set_error_if_cancelled(pass->cancellable, error) ||
      !codec_decode(reader->codec, reader->input, size, receive_data, pass, error))
    return FALSE;
  guint64 position = wire_source_position(reader->source);
  if (pass->progress != NULL && position - *pass->reported >= PROGRESS_STEP_BYTES) {
    *pass->reported = position;
    pass->progress(position, wire_source_size(reader->source), pass->progress_data);
  }
  return TRUE;
}

/* Gathers a chunk's bytes in reader->input, `*filled` of which wait there, and decodes them when it is full. */
static gboolean
read_chunk(ReaderPass *pass, gsize size, gsize *filled, GError **error)
{
  ArchiveReader *reader = pass->reader;
  while (size > 0) {
    gsize n = MIN(size, READER_INPUT_BYTES - *filled);
    if (!wire_read_bytes(reader->source, reader->input + *filled, n, error))
      return FALSE;
    *filled += n;
    size -= n;
    if (*filled == READER_INPUT_BYTES) {
      if (!decode_input(pass, *filled, error))
        return FALSE;
      *filled = 0;
    }
  }
  return TRUE;
}

static gboolean
skip_chunk(ReaderPass *pass, gsize size, GError **error)
{
  return !g_cancellable_set_error_if_cancelled(pass->cancellable, error) &&
         wire_skip(pass->reader->source, size, error);
}

/* Reads one stream: chunks of an integer length and so many bytes each, up to a length of 0. */
static gboolean
read_stream(ReaderPass *pass, GError **error)
{
  ArchiveReader *reader = pass->reader;
  gsize filled = 0;
  codec_reset(reader->codec);
  for (;;) {
    int length;
    if (!wire_read_int_in(reader->source, 0, G_MAXINT, "chunk length", &length, error))
      return FALSE;
    if (length == 0)
      break;
    pass->info.stored_bytes += (guint)length;
    if (pass->is_skipped ? !skip_chunk(pass, (gsize)length, error) : !read_chunk(pass, (gsize)length, &filled, error))
      return FALSE;
  }
  return pass->is_skipped || (decode_input(pass, filled, error) && codec_finish(reader->codec, error));
}

static gboolean
read_table_data(ReaderPass *pass, const TocEntry *entry, GError **error)
{
  /* pg_dump --inserts stores SQL statements instead, and no COPY statement. */
  pass->is_copy_text = entry->copy_stmt != NULL && entry->copy_stmt[0] != '\0';
  if (!read_stream(pass, error))
    return FALSE;
  if (!pass->is_copy_text || pass->is_skipped)
    return TRUE;
  pass->info.rows = pass->copy_text.rows;
  return copy_text_finish(&pass->copy_text, error);
}

/* Reads large objects: an OID and a stream each, up to an OID of 0. */
static gboolean
read_large_objects(ReaderPass *pass, GError **error)
{
  for (;;) {
    guint32 oid;
    if (!wire_read_oid(pass->reader->source, &oid, error))
      return FALSE;
    if (oid == 0)
      return TRUE;
    if (pass->large_object != NULL && !pass->large_object(oid, pass->user_data, error))
      return FALSE;
    if (!read_stream(pass, error))
      return FALSE;
    pass->info.rows++;
  }
}

/* Adds the entry's name to ARCHIVE_CORRUPT. Errors of the sink or the file system stay as they are. */
static void
propagate_with_entry(GError **error, GError *local, const TocEntry *entry)
{
  if (g_error_matches(local, CCH_ERROR, CCH_ERROR_ARCHIVE_CORRUPT)) {
    const char *schema = entry->namespace_name;
    g_propagate_prefixed_error(error, local, "%s %s%s%s: ", entry->desc, schema != NULL ? schema : "",
                               schema != NULL ? "." : "", entry->tag);
  } else {
    g_propagate_error(error, local);
  }
}

gboolean
reader_read_block(ReaderPass *pass, const TocEntry *entry, GError **error)
{
  GError *local = NULL;
  pass->info.is_counted = !pass->is_skipped;
  gboolean ok =
      toc_entry_is(entry, TOC_KIND_BLOBS) ? read_large_objects(pass, &local) : read_table_data(pass, entry, &local);
  if (!ok)
    propagate_with_entry(error, local, entry);
  return ok;
}

const TocEntry *
reader_read_block_header(ArchiveReader *reader, GError **error)
{
  guint64 position = wire_source_position(reader->source);
  guint8 type;
  int dump_id;
  if (!wire_read_byte(reader->source, &type, error) || !wire_read_int(reader->source, &dump_id, error))
    return NULL;
  const TocEntry *entry = reader_find(reader, dump_id);
  if (entry == NULL || entry->offset_state == OFFSET_NO_DATA) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT,
              "the block at byte %" G_GUINT64_FORMAT " belongs to nothing (dump ID %d)", position, dump_id);
    return NULL;
  }
  if (type != (toc_entry_is(entry, TOC_KIND_BLOBS) ? BLOCK_LARGE_OBJECTS : BLOCK_DATA)) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT,
              "the block at byte %" G_GUINT64_FORMAT " is of type %d, which is not for %s", position, type,
              entry->desc);
    return NULL;
  }
  return entry;
}
