#include "archive/reader.h"

#include "archive/codec.h"
#include "archive/copy_text.h"
#include "archive/toc_parse.h"
#include "archive/wire.h"
#include "base/error.h"

/* Chunks are as small as a row: their bytes are gathered before they are decompressed. */
#define INPUT_BYTES         (256 * 1024)
#define PROGRESS_STEP_BYTES (1024 * 1024)

#define BLOCK_DATA          1
#define BLOCK_LARGE_OBJECTS 3

struct ArchiveReader {
  ArchiveHeader header;
  WireSource *source;
  guint64 data_start;      /* position of the first block */
  GArray *entries;         /* TocEntry */
  GHashTable *index_by_id; /* dump ID -> index + 1 */
  ArchiveDataInfo *infos;  /* one an entry */
  gboolean is_checked;
  Codec *codec;
  guint8 *input;
};

/* One pass over one block. */
typedef struct {
  ArchiveReader *reader;
  ArchiveDataInfo info; /* what it finds */
  gboolean is_copy_text;
  CopyText copy_text;

  ArchiveSinkFunc sink; /* NULL: nowhere */
  ArchiveLargeObjectFunc large_object;
  gpointer user_data;

  ArchiveProgressFunc progress; /* may be NULL, as may the next */
  gpointer progress_data;
  guint64 *reported; /* bytes */
  GCancellable *cancellable;
} Pass;

static gboolean
index_entries(ArchiveReader *reader, GError **error)
{
  reader->index_by_id = g_hash_table_new(NULL, NULL);
  for (guint i = 0; i < reader->entries->len; i++) {
    int dump_id = archive_reader_entry(reader, i)->dump_id;
    if (!g_hash_table_insert(reader->index_by_id, GINT_TO_POINTER(dump_id), GUINT_TO_POINTER(i + 1))) {
      error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "two TOC entries have the dump ID %d", dump_id);
      return FALSE;
    }
  }
  return TRUE;
}

ArchiveReader *
archive_reader_open(int fd, GError **error)
{
  g_autoptr(ArchiveReader) reader = g_new0(ArchiveReader, 1);
  reader->source = wire_source_new(fd, error);
  if (reader->source == NULL || !toc_parse_header(reader->source, &reader->header, error))
    return NULL;
  reader->entries = toc_parse_entries(reader->source, &reader->header, error);
  if (reader->entries == NULL || !index_entries(reader, error))
    return NULL;
  reader->data_start = wire_source_position(reader->source);
  reader->infos = g_new0(ArchiveDataInfo, reader->entries->len);
  reader->codec = codec_new(reader->header.compression);
  reader->input = g_malloc(INPUT_BYTES);
  return g_steal_pointer(&reader);
}

void
archive_reader_free(ArchiveReader *reader)
{
  if (reader == NULL)
    return;
  archive_header_clear(&reader->header);
  wire_source_free(reader->source);
  g_clear_pointer(&reader->entries, g_array_unref);
  g_clear_pointer(&reader->index_by_id, g_hash_table_unref);
  g_free(reader->infos);
  codec_free(reader->codec);
  g_free(reader->input);
  g_free(reader);
}

const ArchiveHeader *
archive_reader_header(const ArchiveReader *reader)
{
  return &reader->header;
}

guint
archive_reader_n_entries(const ArchiveReader *reader)
{
  return reader->entries->len;
}

const TocEntry *
archive_reader_entry(const ArchiveReader *reader, guint index)
{
  g_return_val_if_fail(index < reader->entries->len, NULL);
  return &g_array_index(reader->entries, TocEntry, index);
}

const TocEntry *
archive_reader_find(const ArchiveReader *reader, int dump_id)
{
  guint index = GPOINTER_TO_UINT(g_hash_table_lookup(reader->index_by_id, GINT_TO_POINTER(dump_id)));
  return index == 0 ? NULL : archive_reader_entry(reader, index - 1);
}

static ArchiveDataInfo *
info_of(const ArchiveReader *reader, const TocEntry *entry)
{
  return &reader->infos[entry - archive_reader_entry(reader, 0)];
}

const ArchiveDataInfo *
archive_reader_data_info(const ArchiveReader *reader, const TocEntry *entry)
{
  return info_of(reader, entry);
}

static gboolean
receive_data(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  Pass *pass = user_data;
  if (g_cancellable_set_error_if_cancelled(pass->cancellable, error))
    return FALSE;
  pass->info.data_bytes += size;
  if (pass->is_copy_text)
    return copy_text_push(&pass->copy_text, data, size, pass->sink, pass->user_data, error);
  return pass->sink == NULL || pass->sink(data, size, pass->user_data, error);
}

static gboolean
decode_input(Pass *pass, gsize size, GError **error)
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

/* Chunks, each an integer length and so many bytes, up to a length of 0: together one stream. */
static gboolean
read_stream(Pass *pass, GError **error)
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
    for (gsize left = (gsize)length; left > 0;) {
      gsize n = MIN(left, INPUT_BYTES - filled);
      if (!wire_read_bytes(reader->source, reader->input + filled, n, error))
        return FALSE;
      filled += n;
      left -= n;
      if (filled == INPUT_BYTES) {
        if (!decode_input(pass, filled, error))
          return FALSE;
        filled = 0;
      }
    }
  }
  return decode_input(pass, filled, error) && codec_finish(reader->codec, error);
}

static gboolean
read_table_data(Pass *pass, const TocEntry *entry, GError **error)
{
  /* pg_dump --inserts stores SQL statements instead, and no COPY statement. */
  pass->is_copy_text = entry->copy_stmt != NULL && entry->copy_stmt[0] != '\0';
  if (!read_stream(pass, error))
    return FALSE;
  if (!pass->is_copy_text)
    return TRUE;
  pass->info.rows = pass->copy_text.rows;
  return copy_text_finish(&pass->copy_text, error);
}

/* Each an OID and a stream, up to an OID of 0. */
static gboolean
read_large_objects(Pass *pass, GError **error)
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

/* Says where an archive is broken. What a sink or the file system says stays as it is. */
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

static gboolean
read_block_body(Pass *pass, const TocEntry *entry, GError **error)
{
  GError *local = NULL;
  gboolean ok = toc_entry_is(entry, "BLOBS") ? read_large_objects(pass, &local) : read_table_data(pass, entry, &local);
  if (!ok)
    propagate_with_entry(error, local, entry);
  return ok;
}

/* A type byte and a dump ID. */
static const TocEntry *
read_block_header(ArchiveReader *reader, GError **error)
{
  guint64 position = wire_source_position(reader->source);
  guint8 type;
  int dump_id;
  if (!wire_read_byte(reader->source, &type, error) || !wire_read_int(reader->source, &dump_id, error))
    return NULL;
  const TocEntry *entry = archive_reader_find(reader, dump_id);
  if (entry == NULL || entry->offset_state == OFFSET_NO_DATA) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT,
              "the block at byte %" G_GUINT64_FORMAT " belongs to nothing (dump ID %d)", position, dump_id);
    return NULL;
  }
  if (type != (toc_entry_is(entry, "BLOBS") ? BLOCK_LARGE_OBJECTS : BLOCK_DATA)) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT,
              "the block at byte %" G_GUINT64_FORMAT " is of type %d, which is not for %s", position, type,
              entry->desc);
    return NULL;
  }
  return entry;
}

static gboolean
check_block(Pass *pass, GError **error)
{
  ArchiveReader *reader = pass->reader;
  guint64 position = wire_source_position(reader->source);
  const TocEntry *entry = read_block_header(reader, error);
  if (entry == NULL)
    return FALSE;
  ArchiveDataInfo *info = info_of(reader, entry);
  if (info->is_present) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "%s %s has two data blocks", entry->desc, entry->tag);
    return FALSE;
  }
  if (entry->offset_state == OFFSET_SET && (guint64)entry->offset != position) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT,
              "the data block of %s %s is at byte %" G_GUINT64_FORMAT ", not at %" G_GINT64_FORMAT, entry->desc,
              entry->tag, position, entry->offset);
    return FALSE;
  }
  if (!read_block_body(pass, entry, error))
    return FALSE;
  *info = pass->info;
  info->is_present = TRUE;
  info->position = position;
  return TRUE;
}

static gboolean
check_none_missing(const ArchiveReader *reader, GError **error)
{
  for (guint i = 0; i < reader->entries->len; i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    if (entry->offset_state != OFFSET_NO_DATA && !reader->infos[i].is_present) {
      error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "the data of %s %s is missing: the file is cut short", entry->desc,
                entry->tag);
      return FALSE;
    }
  }
  return TRUE;
}

gboolean
archive_reader_check(ArchiveReader *reader, ArchiveProgressFunc progress, gpointer user_data, GCancellable *cancellable,
                     GError **error)
{
  guint64 reported = 0;
  reader->is_checked = FALSE;
  for (guint i = 0; i < reader->entries->len; i++)
    reader->infos[i] = (ArchiveDataInfo){0};
  wire_source_seek(reader->source, reader->data_start);
  while (wire_source_remaining(reader->source) > 0) {
    Pass pass = {.reader = reader,
                 .copy_text = COPY_TEXT_INIT,
                 .progress = progress,
                 .progress_data = user_data,
                 .reported = &reported,
                 .cancellable = cancellable};
    if (!check_block(&pass, error))
      return FALSE;
  }
  if (!check_none_missing(reader, error))
    return FALSE;
  reader->is_checked = TRUE;
  if (progress != NULL)
    progress(wire_source_size(reader->source), wire_source_size(reader->source), user_data);
  return TRUE;
}

gboolean
archive_reader_read_data(ArchiveReader *reader, const TocEntry *entry, ArchiveSinkFunc sink,
                         ArchiveLargeObjectFunc large_object, gpointer user_data, GCancellable *cancellable,
                         GError **error)
{
  if (!reader->is_checked) {
    error_set(error, CCH_ERROR_INTERNAL, "the archive has not been checked");
    return FALSE;
  }
  const ArchiveDataInfo *info = info_of(reader, entry);
  if (!info->is_present)
    return TRUE;
  wire_source_seek(reader->source, info->position);
  const TocEntry *found = read_block_header(reader, error);
  if (found == NULL)
    return FALSE;
  if (found != entry) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "%s %s: the file has changed since it was checked", entry->desc,
              entry->tag);
    return FALSE;
  }
  Pass pass = {.reader = reader,
               .copy_text = COPY_TEXT_INIT,
               .sink = sink,
               .large_object = large_object,
               .user_data = user_data,
               .cancellable = cancellable};
  return read_block_body(&pass, entry, error);
}
