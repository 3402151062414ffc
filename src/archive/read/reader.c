#include "archive/read/reader.h"

#include "archive/detect/foreign.h"
#include "archive/read/reader_block.h"
#include "archive/toc/toc_parse.h"
#include "base/error.h"

#include <string.h>

static void
toc_clear(ArchiveToc *toc)
{
  archive_header_clear(&toc->header);
  g_clear_pointer(&toc->entries, g_array_unref);
  g_clear_pointer(&toc->index_by_id, g_hash_table_unref);
}

static gboolean
index_entries(ArchiveToc *toc, GError **error)
{
  toc->index_by_id = g_hash_table_new(NULL, NULL);
  for (guint i = 0; i < toc->entries->len; i++) {
    int dump_id = g_array_index(toc->entries, TocEntry, i).dump_id;
    if (!g_hash_table_insert(toc->index_by_id, GINT_TO_POINTER(dump_id), GUINT_TO_POINTER(i + 1))) {
      error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "two TOC entries have the dump ID %d", dump_id);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
read_toc(ArchiveReader *reader, GError **error)
{
  ArchiveToc *toc = reader->toc = g_atomic_rc_box_new0(ArchiveToc);
  if (!toc_parse_header(reader->source, &toc->header, error))
    return FALSE;
  toc->entries = toc_parse_entries(reader->source, &toc->header, error);
  if (toc->entries == NULL || !index_entries(toc, error))
    return FALSE;
  toc->data_start = wire_source_position(reader->source);
  return TRUE;
}

static void
prepare(ArchiveReader *reader)
{
  reader->infos = g_new0(ArchiveDataInfo, reader->toc->entries->len);
  reader->codec = codec_new(reader->toc->header.compression);
  reader->input = g_malloc(READER_INPUT_BYTES);
}

/* Takes ownership of the source, which is NULL after a failure. */
static ArchiveReader *
open_source(int fd, WireSource *source, GError *failure, GError **error)
{
  g_autoptr(ArchiveReader) reader = g_new0(ArchiveReader, 1);
  reader->fd = fd;
  reader->source = source;
  if (source == NULL || !read_toc(reader, &failure)) {
    foreign_explain(fd, failure, error);
    return NULL;
  }
  prepare(reader);
  return g_steal_pointer(&reader);
}

ArchiveReader *
archive_reader_open(int fd, GError **error)
{
  GError *failure = NULL;
  WireSource *source = wire_source_new(fd, &failure);
  return open_source(fd, source, failure, error);
}

ArchiveReader *
archive_reader_open_beginning(int fd, guint64 size, GCancellable *cancellable, GError **error)
{
  ArchiveReader *reader = open_source(fd, wire_source_new_prefix(fd, size), NULL, error);
  if (reader != NULL)
    reader_locate_beginning(reader, cancellable);
  return reader;
}

ArchiveReader *
archive_reader_open_arriving(int fd, const ArchiveArrival *arrival, GCancellable *cancellable, GError **error)
{
  WireSource *source = wire_source_new_arriving(fd, arrival);
  wire_source_set_cancellable(source, cancellable);
  ArchiveReader *reader = open_source(fd, source, NULL, error);
  if (reader != NULL)
    reader->is_expecting = TRUE;
  return reader;
}

gboolean
archive_reader_is_arriving(const ArchiveReader *reader)
{
  return reader->is_expecting;
}

gboolean
archive_reader_await_end(ArchiveReader *reader, GCancellable *cancellable, GError **error)
{
  if (!reader->is_expecting)
    return TRUE;
  wire_source_set_cancellable(reader->source, cancellable);
  return wire_source_await_end(reader->source, error) && archive_reader_scan(reader, cancellable, error);
}

void
archive_reader_stop_waiting(ArchiveReader *reader)
{
  wire_source_stop_waiting(reader->source);
}

ArchiveReader *
archive_reader_clone(const ArchiveReader *reader)
{
  ArchiveReader *clone = g_new0(ArchiveReader, 1);
  clone->fd = reader->fd;
  clone->source = wire_source_clone(reader->source);
  clone->toc = g_atomic_rc_box_acquire(reader->toc);
  prepare(clone);
  clone->is_located = reader->is_located;
  clone->is_expecting = reader->is_expecting;
  clone->walked_to = reader->walked_to;
  clone->padding_bytes = reader->padding_bytes;
  memcpy(clone->infos, reader->infos, sizeof *clone->infos * clone->toc->entries->len);
  return clone;
}

void
archive_reader_free(ArchiveReader *reader)
{
  if (reader == NULL)
    return;
  if (reader->toc != NULL)
    g_atomic_rc_box_release_full(reader->toc, (GDestroyNotify)toc_clear);
  wire_source_free(reader->source);
  g_free(reader->infos);
  codec_free(reader->codec);
  g_free(reader->input);
  g_free(reader);
}

const ArchiveHeader *
archive_reader_header(const ArchiveReader *reader)
{
  return &reader->toc->header;
}

guint
archive_reader_n_entries(const ArchiveReader *reader)
{
  return reader_n_entries(reader);
}

const TocEntry *
archive_reader_entry(const ArchiveReader *reader, guint index)
{
  return reader_entry(reader, index);
}

const TocEntry *
archive_reader_find(const ArchiveReader *reader, int dump_id)
{
  return reader_find(reader, dump_id);
}

const ArchiveDataInfo *
archive_reader_data_info(const ArchiveReader *reader, const TocEntry *entry)
{
  return reader_info(reader, entry);
}

static gboolean
check_end(ArchiveReader *reader, const TocEntry *entry, GCancellable *cancellable, GError **error)
{
  ArchiveDataInfo *info = reader_info(reader, entry);
  guint64 position = wire_source_position(reader->source);
  if (reader->is_expecting && info->end_position == 0)
    reader->walked_to = info->end_position = position;
  if (position == info->end_position)
    return TRUE;
  if (info->end_position == wire_source_size(reader->source))
    return reader_pass_padding(reader, cancellable, error);
  error_set(error, CCH_ERROR_ARCHIVE_CORRUPT,
            "the data of %s %s ends at byte %" G_GUINT64_FORMAT ", not at %" G_GUINT64_FORMAT, entry->desc, entry->tag,
            position, info->end_position);
  return FALSE;
}

static void
remember_counts(ArchiveDataInfo *info, const ArchiveDataInfo *found)
{
  info->is_counted = TRUE;
  info->stored_bytes = found->stored_bytes;
  info->data_bytes = found->data_bytes;
  info->rows = found->rows;
}

gboolean
archive_reader_read_data(ArchiveReader *reader, const TocEntry *entry, ArchiveSinkFunc sink,
                         ArchiveLargeObjectFunc large_object, gpointer user_data, GCancellable *cancellable,
                         GError **error)
{
  if (!reader->is_located) {
    error_set(error, CCH_ERROR_INTERNAL, "the archive has been neither checked nor scanned");
    return FALSE;
  }
  ArchiveDataInfo *info = reader_info(reader, entry);
  if (!info->is_present)
    return TRUE;
  if (cancellable != NULL)
    wire_source_set_cancellable(reader->source, cancellable);
  if (info->position == 0 && !reader_walk_to(reader, entry, cancellable, error))
    return FALSE;
  wire_source_seek(reader->source, info->position);
  const TocEntry *found = reader_read_block_header(reader, error);
  if (found == NULL)
    return FALSE;
  if (found != entry) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "%s %s: the file has changed since it was checked", entry->desc,
              entry->tag);
    return FALSE;
  }
  ReaderPass pass = {.reader = reader,
                     .copy_text = COPY_TEXT_INIT,
                     .sink = sink,
                     .large_object = large_object,
                     .user_data = user_data,
                     .cancellable = cancellable};
  GError *failure = NULL;
  if (!reader_read_block(&pass, entry, &failure) || !check_end(reader, entry, cancellable, &failure)) {
    foreign_explain(reader->fd, failure, error);
    return FALSE;
  }
  remember_counts(info, &pass.info);
  return TRUE;
}

guint64
archive_reader_position(const ArchiveReader *reader)
{
  return wire_source_position(reader->source);
}

guint64
archive_reader_size(const ArchiveReader *reader)
{
  return wire_source_size(reader->source);
}

guint64
archive_reader_padding(const ArchiveReader *reader)
{
  return reader->padding_bytes;
}
