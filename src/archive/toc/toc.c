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

static const struct {
  const char *desc;
  guint flags;
} kinds[] = {
    [TOC_KIND_NONE] = {"", 0},
    [TOC_KIND_OTHER] = {"", 0},
#define TOC_KIND(name, desc, flags) [TOC_KIND_##name] = {desc, flags},
#include "archive/toc/kinds.def"
#undef TOC_KIND
};

TocKind
toc_kind_of(const char *desc)
{
  if (desc == NULL)
    return TOC_KIND_NONE;
  guint low = TOC_KIND_OTHER + 1, high = TOC_KIND_COUNT;
  while (low < high) {
    guint middle = low + (high - low) / 2;
    int order = strcmp(kinds[middle].desc, desc);
    if (order == 0)
      return middle;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return TOC_KIND_OTHER;
}

TocKind
toc_entry_kind(const TocEntry *entry)
{
  return toc_kind_of(entry != NULL ? entry->desc : NULL);
}

gboolean
toc_entry_is(const TocEntry *entry, TocKind kind)
{
  return strcmp(entry->desc, kinds[kind].desc) == 0;
}

gboolean
toc_kind_has(TocKind kind, TocKindFlags flags)
{
  return (kinds[kind].flags & flags) != 0;
}

gboolean
toc_entry_has(const TocEntry *entry, TocKindFlags flags)
{
  return toc_kind_has(toc_entry_kind(entry), flags);
}

const char *
archive_compression_name(ArchiveCompression compression)
{
  static const char *const names[] = {"none", "gzip", "lz4", "zstd"};
  return names[compression];
}
