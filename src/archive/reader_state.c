#include "archive/reader_state.h"

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
