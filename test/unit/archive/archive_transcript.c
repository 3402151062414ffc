#include "archive_transcript.h"

#include "archive/read/reader.h"

void
archive_transcript_free(ArchiveTranscript *transcript)
{
  g_string_free(transcript->toc, TRUE);
  g_string_free(transcript->data, TRUE);
  g_free(transcript);
}

static void
append_string(GString *out, const char *name, const char *value)
{
  if (value != NULL)
    g_string_append_printf(out, " %s=<%s>", name, value);
}

static void
append_header(GString *out, const ArchiveHeader *header)
{
  g_string_append_printf(out, "1.%d-%d %d/%d compression=%d level=%d", header->version_minor, header->version_revision,
                         header->int_size, header->offset_size, header->compression, header->compression_level);
  append_string(out, "created", header->created);
  append_string(out, "database", header->database);
  append_string(out, "server", header->server_version);
  append_string(out, "pg_dump", header->pg_dump_version);
  g_string_append_c(out, '\n');
}

static void
append_entry(GString *out, const TocEntry *entry)
{
  g_string_append_printf(out, "%d%s %u/%u section=%d", entry->dump_id, entry->had_dumper ? "+" : "", entry->catalog_oid,
                         entry->object_oid, entry->section);
  append_string(out, "desc", entry->desc);
  append_string(out, "tag", entry->tag);
  append_string(out, "defn", entry->defn);
  append_string(out, "drop", entry->drop_stmt);
  append_string(out, "copy", entry->copy_stmt);
  append_string(out, "schema", entry->namespace_name);
  append_string(out, "tablespace", entry->tablespace);
  append_string(out, "am", entry->table_am);
  append_string(out, "owner", entry->owner);
  if (entry->relkind != 0)
    g_string_append_printf(out, " relkind=%c", entry->relkind);
  for (guint i = 0; i < entry->n_dependencies; i++)
    g_string_append_printf(out, " ->%d", entry->dependencies[i]);
  g_string_append_c(out, '\n');
}

static gboolean
append_data(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  g_string_append_len(user_data, (const char *)data, (gssize)size);
  return TRUE;
}

static gboolean
append_large_object(guint32 oid, gpointer user_data, GError **error)
{
  g_string_append_printf(user_data, "{%u}", oid);
  return TRUE;
}

gboolean
archive_transcript_append_data(ArchiveReader *reader, const TocEntry *entry, GString *out, GError **error)
{
  return archive_reader_read_data(reader, entry, append_data, append_large_object, out, NULL, error);
}

ArchiveTranscript *
archive_transcript_new(int fd, GError **error)
{
  g_autoptr(ArchiveReader) reader = archive_reader_open(fd, error);
  if (reader == NULL || !archive_reader_check(reader, NULL, NULL, NULL, error))
    return NULL;
  g_autoptr(ArchiveTranscript) transcript = g_new0(ArchiveTranscript, 1);
  transcript->toc = g_string_new(NULL);
  transcript->data = g_string_new(NULL);
  append_header(transcript->toc, archive_reader_header(reader));
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    const ArchiveDataInfo *info = archive_reader_data_info(reader, entry);
    append_entry(transcript->toc, entry);
    g_string_append_printf(transcript->data, "[%u:%" G_GUINT64_FORMAT "]", i, info->rows);
    if (!archive_transcript_append_data(reader, entry, transcript->data, error))
      return NULL;
  }
  return g_steal_pointer(&transcript);
}
