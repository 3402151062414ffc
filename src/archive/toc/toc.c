#include "archive/toc/toc.h"

#include <string.h>

void
toc_entry_clear(TocEntry *entry)
{
  g_free(entry->tag);
  g_free(entry->desc);
  g_free(entry->defn);
  g_free(entry->drop_stmt);
  g_free(entry->copy_stmt);
  g_free(entry->namespace_name);
  g_free(entry->tablespace);
  g_free(entry->table_am);
  g_free(entry->owner);
  g_free(entry->dependencies);
  memset(entry, 0, sizeof *entry);
}

void
archive_header_clear(ArchiveHeader *header)
{
  g_free(header->created);
  g_free(header->database);
  g_free(header->server_version);
  g_free(header->pg_dump_version);
  memset(header, 0, sizeof *header);
}

gboolean
toc_entry_is(const TocEntry *entry, const char *desc)
{
  return strcmp(entry->desc, desc) == 0;
}

const char *
archive_compression_name(ArchiveCompression compression)
{
  static const char *const names[] = {"none", "gzip", "lz4", "zstd"};
  return names[compression];
}
