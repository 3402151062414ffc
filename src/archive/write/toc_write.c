#include "archive/write/toc_write.h"

#include <string.h>

#define FORMAT_CUSTOM 1

static void
write_byte(GByteArray *out, guint8 byte)
{
  g_byte_array_append(out, &byte, 1);
}

void
toc_write_int(GByteArray *out, const ArchiveHeader *header, gint64 value)
{
  guint64 magnitude = (guint64)ABS(value);
  write_byte(out, value < 0 ? 1 : 0);
  for (guint i = 0; i < header->int_size; i++)
    write_byte(out, (guint8)(i < 8 ? magnitude >> (8 * i) : 0));
}

static void
write_string(GByteArray *out, const ArchiveHeader *header, const char *string)
{
  toc_write_int(out, header, string == NULL ? -1 : (gint64)strlen(string));
  if (string != NULL)
    g_byte_array_append(out, (const guint8 *)string, (guint)strlen(string));
}

static void
write_decimal(GByteArray *out, const ArchiveHeader *header, guint32 value)
{
  char string[16];
  g_snprintf(string, sizeof string, "%u", value);
  write_string(out, header, string);
}

void
toc_write_header(GByteArray *out, const ArchiveHeader *header)
{
  const guint8 preamble[] = {
      'P',
      'G',
      'D',
      'M',
      'P',
      1,
      header->version_minor,
      header->version_revision,
      header->int_size,
      header->offset_size,
      FORMAT_CUSTOM,
  };
  g_byte_array_append(out, preamble, sizeof preamble);
  if (header->version_minor < TOC_VERSION_COMPRESSION_ALGORITHM)
    toc_write_int(out, header, header->compression_level);
  else
    write_byte(out, (guint8)header->compression);
  for (gsize i = 0; i < ARCHIVE_CREATED_FIELDS; i++)
    toc_write_int(out, header, header->created_fields[i]);
  write_string(out, header, header->database);
  write_string(out, header, header->server_version);
  write_string(out, header, header->pg_dump_version);
}

static void
write_entry(GByteArray *out, const ArchiveHeader *header, const TocEntry *entry)
{
  toc_write_int(out, header, entry->dump_id);
  toc_write_int(out, header, entry->had_dumper ? 1 : 0);
  write_decimal(out, header, entry->catalog_oid);
  write_decimal(out, header, entry->object_oid);
  write_string(out, header, entry->tag);
  write_string(out, header, entry->desc);
  toc_write_int(out, header, entry->section);
  write_string(out, header, entry->defn);
  write_string(out, header, entry->drop_stmt);
  write_string(out, header, entry->copy_stmt);
  write_string(out, header, entry->namespace_name);
  write_string(out, header, entry->tablespace);
  if (header->version_minor >= TOC_VERSION_TABLE_AM)
    write_string(out, header, entry->table_am);
  if (header->version_minor >= TOC_VERSION_RELKIND)
    toc_write_int(out, header, entry->relkind);
  write_string(out, header, entry->owner);
  write_string(out, header, "false"); /* WITH OIDS */
  for (guint i = 0; i < entry->n_dependencies; i++)
    write_decimal(out, header, (guint32)entry->dependencies[i]);
  write_string(out, header, NULL);
}

void
toc_write_entries(GByteArray *out, const ArchiveHeader *header, const TocEntry *entries, guint n_entries,
                  guint64 *ret_positions)
{
  toc_write_int(out, header, n_entries);
  for (guint i = 0; i < n_entries; i++) {
    write_entry(out, header, &entries[i]);
    ret_positions[i] = out->len;
    write_byte(out, entries[i].had_dumper ? OFFSET_NOT_SET : OFFSET_NO_DATA);
    for (guint byte = 0; byte < header->offset_size; byte++)
      write_byte(out, 0);
  }
}
