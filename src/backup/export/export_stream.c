#include "backup/export/export_stream.h"

#include "archive/write/writer.h"
#include "backup/plan/entry_sql.h"
#include "base/error.h"

#include <string.h>

struct ExportStream {
  const ArchiveHeader *header;
  const GArray *toc_entries;
  const ExportUnits *units;
  ExportQueue *queue;
  ArchiveWriter *writer;
  Sha256 *sha256;
  char sha256_text[SHA256_TEXT_BYTES];
  guint8 *target; /* the reader's buffer, and its free space */
  gsize target_size;
  GByteArray *pending; /* bytes that did not fit into it */
  gsize pending_taken;
  gboolean is_begun, is_finished;
  guint entry; /* the current entry */
  gboolean is_entry_begun;
  guint units_done; /* of the current entry */
  int lane;         /* the worker whose row continues; -1: none */
  GArray *totals;   /* RowTotals of each entry */
  GArray *counted;  /* guint64 of each unit: its part of progress.relation_bytes_done so far */
  gint64 start_us;
  GMutex mutex; /* guards progress */
  BackupExportProgress progress;
};

/* Writes the archive's next bytes to the reader's buffer, and the rest to `pending`. */
static gboolean
take_output(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  (void)error;
  ExportStream *stream = user_data;
  sha256_push(stream->sha256, data, size);
  gsize n = stream->pending->len == 0 ? MIN(size, stream->target_size) : 0;
  if (n > 0) {
    memcpy(stream->target, data, n);
    stream->target += n;
    stream->target_size -= n;
  }
  if (n < size)
    g_byte_array_append(stream->pending, data + n, (guint)(size - n));
  return TRUE;
}

ExportStream *
export_stream_new(const ArchiveHeader *header, const GArray *toc_entries, const ExportUnits *units, ExportQueue *queue,
                  ArchiveLevel level)
{
  ExportStream *stream = g_new0(ExportStream, 1);
  stream->header = header;
  stream->toc_entries = toc_entries;
  stream->units = units;
  stream->queue = queue;
  stream->writer = archive_writer_new(level, take_output, stream);
  stream->sha256 = sha256_new();
  stream->pending = g_byte_array_new();
  stream->lane = -1;
  stream->totals = g_array_new(FALSE, TRUE, sizeof(RowTotals));
  g_array_set_size(stream->totals, units->entries->len);
  stream->counted = g_array_new(FALSE, TRUE, sizeof(guint64));
  g_array_set_size(stream->counted, units->units->len);
  stream->start_us = g_get_monotonic_time();
  g_mutex_init(&stream->mutex);
  stream->progress.relation_bytes = units->relation_bytes;
  return stream;
}

void
export_stream_free(ExportStream *stream)
{
  if (stream == NULL)
    return;
  archive_writer_free(stream->writer);
  sha256_free(stream->sha256);
  g_byte_array_unref(stream->pending);
  g_array_unref(stream->totals);
  g_array_unref(stream->counted);
  g_mutex_clear(&stream->mutex);
  g_free(stream);
}

static const ExportEntry *
current_entry(const ExportStream *stream)
{
  return &g_array_index(stream->units->entries, ExportEntry, stream->entry);
}

static gboolean
begin_entry(ExportStream *stream, GError **error)
{
  const ExportEntry *entry = current_entry(stream);
  g_autofree char *name = entry->is_large_objects ? g_strdup("") : entry_display_name(entry->toc);
  g_mutex_lock(&stream->mutex);
  g_strlcpy(stream->progress.table, name, sizeof stream->progress.table);
  g_mutex_unlock(&stream->mutex);
  stream->is_entry_begun = TRUE;
  stream->units_done = 0;
  return entry->is_large_objects ? archive_writer_begin_large_objects(stream->writer, entry->toc->dump_id, error)
                                 : archive_writer_begin_data(stream->writer, entry->toc->dump_id, error);
}

static gboolean
end_entry(ExportStream *stream, GError **error)
{
  gboolean is_large_objects = current_entry(stream)->is_large_objects;
  stream->is_entry_begun = FALSE;
  stream->entry++;
  return is_large_objects ? archive_writer_end_large_objects(stream->writer, error)
                          : archive_writer_end_data(stream->writer, error);
}

static gboolean
write_piece(ExportStream *stream, const ExportPiece *piece, GError **error)
{
  if (piece->piece.raw_size == 0 && !piece->is_object_start && !piece->is_object_end)
    return TRUE; /* only marks the end of its unit */
  return (!piece->is_object_start || archive_writer_begin_large_object(stream->writer, piece->large_object, error)) &&
         archive_writer_piece(stream->writer, &piece->piece, error) &&
         (!piece->is_object_end || archive_writer_end_large_object(stream->writer, error));
}

/* How much of a unit's relation is done. Its size as text is unknown before its end, so the bytes received count as
 * if it were as large as the relation, up to nine tenths. */
static guint64
count_unit(ExportStream *stream, const ExportUnit *unit, const ExportPiece *piece)
{
  guint64 *counted = &g_array_index(stream->counted, guint64, piece->unit);
  guint64 most = piece->is_unit_end ? unit->relation_bytes : unit->relation_bytes / 10 * 9;
  guint64 now = piece->is_unit_end ? most : MAX(*counted, MIN(*counted + piece->piece.raw_size, most));
  guint64 gained = now - *counted;
  *counted = now;
  return gained;
}

static void
note_progress(ExportStream *stream, const ExportPiece *piece)
{
  const ExportUnit *unit = &g_array_index(stream->units->units, ExportUnit, piece->unit);
  row_totals_add(&g_array_index(stream->totals, RowTotals, stream->entry), &piece->totals);
  g_mutex_lock(&stream->mutex);
  stream->progress.rows += piece->totals.rows;
  stream->progress.data_bytes += piece->piece.raw_size;
  stream->progress.archive_bytes = archive_writer_bytes(stream->writer);
  stream->progress.relation_bytes_done += count_unit(stream, unit, piece);
  g_mutex_unlock(&stream->mutex);
}

static gboolean
write_next_piece(ExportStream *stream, GError **error)
{
  const ExportEntry *entry = current_entry(stream);
  int lane = -1;
  ExportPiece *piece = export_queue_pop(stream->queue, entry->first_unit, entry->n_units, stream->lane, &lane);
  if (piece == NULL) {
    if (!export_queue_failure(stream->queue, error))
      error_set_cancelled(error);
    return FALSE;
  }
  gboolean is_written = write_piece(stream, piece, error);
  if (is_written)
    note_progress(stream, piece);
  stream->lane = piece->is_row_cut ? lane : -1;
  stream->units_done += piece->is_unit_end ? 1 : 0;
  export_queue_return(stream->queue, piece);
  return is_written;
}

static gboolean
finish_archive(ExportStream *stream, GError **error)
{
  if (!archive_writer_finish(stream->writer, error))
    return FALSE;
  sha256_take(stream->sha256, stream->sha256_text);
  stream->is_finished = TRUE;
  g_mutex_lock(&stream->mutex);
  stream->progress.archive_bytes = archive_writer_bytes(stream->writer);
  stream->progress.is_complete = TRUE;
  stream->progress.table[0] = '\0';
  g_mutex_unlock(&stream->mutex);
  return TRUE;
}

/* Writes the next part of the archive. */
static gboolean
write_next(ExportStream *stream, GError **error)
{
  if (!stream->is_begun) {
    stream->is_begun = TRUE;
    return archive_writer_begin(stream->writer, stream->header, (const TocEntry *)(gpointer)stream->toc_entries->data,
                                stream->toc_entries->len, error);
  }
  if (stream->entry == stream->units->entries->len)
    return finish_archive(stream, error);
  if (!stream->is_entry_begun)
    return begin_entry(stream, error);
  if (stream->units_done == current_entry(stream)->n_units)
    return end_entry(stream, error);
  return write_next_piece(stream, error);
}

gssize
export_stream_read(ExportStream *stream, guint8 *buffer, gsize size, GError **error)
{
  gsize waiting = stream->pending->len - stream->pending_taken;
  if (waiting > 0) {
    gsize n = MIN(waiting, size);
    memcpy(buffer, stream->pending->data + stream->pending_taken, n);
    stream->pending_taken += n;
    return (gssize)n;
  }
  g_byte_array_set_size(stream->pending, 0);
  stream->pending_taken = 0;
  stream->target = buffer;
  stream->target_size = size;
  while (stream->target == buffer && !stream->is_finished)
    if (!write_next(stream, error))
      return -1;
  return stream->target - buffer;
}

const RowTotals *
export_stream_totals(const ExportStream *stream, guint entry)
{
  return &g_array_index(stream->totals, RowTotals, entry);
}

guint64
export_stream_bytes(const ExportStream *stream)
{
  return archive_writer_bytes(stream->writer);
}

const char *
export_stream_sha256(const ExportStream *stream)
{
  return stream->is_finished ? stream->sha256_text : NULL;
}

gboolean
export_stream_patch_offsets(const ExportStream *stream, int fd, GError **error)
{
  return archive_writer_patch_offsets(stream->writer, fd, error);
}

void
export_stream_progress(ExportStream *stream, BackupExportProgress *ret_progress)
{
  g_mutex_lock(&stream->mutex);
  *ret_progress = stream->progress;
  g_mutex_unlock(&stream->mutex);
  double done = ret_progress->relation_bytes > 0
                    ? (double)ret_progress->relation_bytes_done / (double)ret_progress->relation_bytes
                    : 0;
  ret_progress->elapsed_s = (double)(g_get_monotonic_time() - stream->start_us) / G_USEC_PER_SEC;
  ret_progress->left_s = done > 0 ? ret_progress->elapsed_s / done * (1 - done) : -1;
}
