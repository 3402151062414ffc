#include "archive/detect/foreign.h"
#include "archive/read/reader.h"
#include "archive/read/reader_block.h"
#include "base/error.h"

#include <string.h>
#include <unistd.h>

/* Reads the header of a block met in passing, which must be its entry's only one. May be the one that was met last. */
static const TocEntry *
meet_block(ArchiveReader *reader, GError **error)
{
  guint64 position = wire_source_position(reader->source);
  const TocEntry *entry = reader_read_block_header(reader, error);
  if (entry == NULL)
    return NULL;
  ArchiveDataInfo *info = reader_info(reader, entry);
  if (info->position != 0 && info->position != position) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "%s %s has two data blocks", entry->desc, entry->tag);
    return NULL;
  }
  if (entry->offset_state == OFFSET_SET && (guint64)entry->offset != position) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT,
              "the data block of %s %s is at byte %" G_GUINT64_FORMAT ", not at %" G_GINT64_FORMAT, entry->desc,
              entry->tag, position, entry->offset);
    return NULL;
  }
  info->is_present = TRUE;
  info->position = position;
  return entry;
}

static gboolean
refuse_missing(const ArchiveReader *reader, GError **error)
{
  for (guint i = 0; i < reader_n_entries(reader); i++) {
    const TocEntry *entry = reader_entry(reader, i);
    if (entry->offset_state != OFFSET_NO_DATA && reader->infos[i].position == 0) {
      error_set_explained(error, CCH_ERROR_ARCHIVE_CORRUPT, TEXT_ARCHIVE_CUT,
                          "the data of %s %s is missing: the file is cut short", entry->desc, entry->tag);
      break;
    }
  }
  return FALSE;
}

static void
begin_locating(ArchiveReader *reader)
{
  reader->is_located = reader->is_expecting = FALSE;
  reader->padding_bytes = 0;
  for (guint i = 0; i < reader_n_entries(reader); i++)
    reader->infos[i] = (ArchiveDataInfo){0};
  wire_source_seek(reader->source, reader->toc->data_start);
}

/* The pass is for one block: a copy of `pattern` is made for each. */
static gboolean
walk(ArchiveReader *reader, const ReaderPass *pattern, GError **error)
{
  guint n_left = 0;
  for (guint i = 0; i < reader_n_entries(reader); i++)
    n_left += reader_entry(reader, i)->offset_state != OFFSET_NO_DATA;
  for (; n_left > 0 && wire_source_remaining(reader->source) > 0; n_left--) {
    ReaderPass pass = *pattern;
    const TocEntry *entry = meet_block(reader, error);
    if (entry == NULL || !reader_read_block(&pass, entry, error))
      return FALSE;
    ArchiveDataInfo *info = reader_info(reader, entry);
    pass.info.is_present = TRUE;
    pass.info.position = info->position;
    pass.info.end_position = wire_source_position(reader->source);
    *info = pass.info;
  }
  return n_left > 0 ? refuse_missing(reader, error) : reader_pass_padding(reader, pattern->cancellable, error);
}

gboolean
archive_reader_check(ArchiveReader *reader, ArchiveProgressFunc progress, gpointer user_data, GCancellable *cancellable,
                     GError **error)
{
  guint64 reported = 0;
  ReaderPass pattern = {.reader = reader,
                        .copy_text = COPY_TEXT_INIT,
                        .progress = progress,
                        .progress_data = user_data,
                        .reported = &reported,
                        .cancellable = cancellable};
  wire_source_set_cancellable(reader->source, cancellable);
  begin_locating(reader);
  GError *failure = NULL;
  if (!walk(reader, &pattern, &failure)) {
    foreign_explain(reader->fd, failure, error);
    return FALSE;
  }
  reader->is_located = TRUE;
  if (progress != NULL)
    progress(wire_source_size(reader->source), wire_source_size(reader->source), user_data);
  return TRUE;
}

static gint
compare_offsets(gconstpointer a, gconstpointer b)
{
  gint64 one = (*(const TocEntry *const *)a)->offset, other = (*(const TocEntry *const *)b)->offset;
  return one < other ? -1 : one > other;
}

/* The entries with data by their stated offsets; NULL if not all are stated. */
static GPtrArray *
sort_by_offset(const ArchiveReader *reader)
{
  g_autoptr(GPtrArray) entries = g_ptr_array_new();
  for (guint i = 0; i < reader_n_entries(reader); i++) {
    const TocEntry *entry = reader_entry(reader, i);
    if (entry->offset_state == OFFSET_NOT_SET)
      return NULL;
    if (entry->offset_state == OFFSET_SET)
      g_ptr_array_add(entries, (gpointer)entry);
  }
  g_ptr_array_sort(entries, compare_offsets);
  return g_steal_pointer(&entries);
}

/* More zero bytes than any block ends with. */
static gboolean
may_be_padded(const ArchiveReader *reader)
{
  static const guint8 zeros[32];
  guint8 tail[sizeof zeros];
  guint64 size = wire_source_size(reader->source);
  return size >= sizeof tail &&
         pread(reader->fd, tail, sizeof tail, (off_t)(size - sizeof tail)) == (gssize)sizeof tail &&
         memcmp(tail, zeros, sizeof tail) == 0;
}

/* TRUE if a block of its entry begins at each stated offset, and the data part at the first, and the file ends with the
 * last one as far as can be seen. */
static gboolean
try_offsets(ArchiveReader *reader, const GPtrArray *entries)
{
  guint64 size = wire_source_size(reader->source);
  guint64 first = entries->len > 0 ? (guint64)((const TocEntry *)entries->pdata[0])->offset : size;
  if (first != reader->toc->data_start || may_be_padded(reader))
    return FALSE;
  for (guint i = 0; i < entries->len; i++) {
    const TocEntry *entry = entries->pdata[i];
    gboolean is_last = i + 1 == entries->len;
    ArchiveDataInfo info = {
        .is_present = TRUE,
        .position = (guint64)entry->offset,
        .end_position = is_last ? size : (guint64)((const TocEntry *)entries->pdata[i + 1])->offset,
    };
    wire_source_seek(reader->source, info.position);
    if (reader_read_block_header(reader, NULL) != entry || wire_source_position(reader->source) > info.end_position)
      return FALSE;
    info.stored_bytes = info.end_position - wire_source_position(reader->source);
    *reader_info(reader, entry) = info;
  }
  return TRUE;
}

/* Of a file that is still arriving: the blocks that the TOC announces, with the offsets that it states. */
static void
expect_blocks(ArchiveReader *reader)
{
  begin_locating(reader);
  g_autoptr(GPtrArray) entries = sort_by_offset(reader);
  for (guint i = 0; i < reader_n_entries(reader); i++)
    reader->infos[i].is_present = reader_entry(reader, i)->offset_state != OFFSET_NO_DATA;
  for (guint i = 0; entries != NULL && i < entries->len; i++) {
    const TocEntry *entry = entries->pdata[i];
    gboolean is_last = i + 1 == entries->len;
    ArchiveDataInfo *info = reader_info(reader, entry);
    info->position = (guint64)entry->offset;
    info->end_position =
        is_last ? wire_source_size(reader->source) : (guint64)((const TocEntry *)entries->pdata[i + 1])->offset;
    info->stored_bytes = info->end_position - info->position;
  }
  reader->walked_to = reader->toc->data_start;
  reader->is_located = reader->is_expecting = TRUE;
}

gboolean
reader_walk_to(ArchiveReader *reader, const TocEntry *entry, GCancellable *cancellable, GError **error)
{
  const ReaderPass pattern = {.reader = reader, .is_skipped = TRUE, .cancellable = cancellable};
  for (;;) {
    wire_source_seek(reader->source, reader->walked_to);
    if (wire_source_remaining(reader->source) == 0)
      return refuse_missing(reader, error);
    ReaderPass pass = pattern;
    const TocEntry *met = meet_block(reader, error);
    if (met == NULL || met == entry)
      return met != NULL;
    if (!reader_read_block(&pass, met, error))
      return FALSE;
    reader->walked_to = reader_info(reader, met)->end_position = wire_source_position(reader->source);
  }
}

gboolean
archive_reader_scan(ArchiveReader *reader, GCancellable *cancellable, GError **error)
{
  if (wire_source_is_arriving(reader->source)) {
    expect_blocks(reader);
    return TRUE;
  }
  wire_source_set_cancellable(reader->source, cancellable);
  begin_locating(reader);
  g_autoptr(GPtrArray) entries = sort_by_offset(reader);
  if (entries == NULL || !try_offsets(reader, entries)) {
    ReaderPass pattern = {.reader = reader, .is_skipped = TRUE, .cancellable = cancellable};
    begin_locating(reader);
    if (!walk(reader, &pattern, error))
      return FALSE;
  }
  reader->is_located = TRUE;
  return TRUE;
}

void
reader_locate_beginning(ArchiveReader *reader, GCancellable *cancellable)
{
  ReaderPass pattern = {.reader = reader, .is_skipped = TRUE, .cancellable = cancellable};
  begin_locating(reader);
  walk(reader, &pattern, NULL); /* to where the file ends */
  for (guint i = 0; i < reader_n_entries(reader); i++)
    if (reader->infos[i].end_position == 0)
      reader->infos[i] = (ArchiveDataInfo){0}; /* the one that is cut off */
  reader->is_located = TRUE;
}
