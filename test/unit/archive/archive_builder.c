#include "archive_builder.h"

#include <lz4frame.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

static void
stream_free(BuilderStream *stream)
{
  g_byte_array_unref(stream->data);
  g_free(stream);
}

static void
entry_free(BuilderEntry *entry)
{
  toc_entry_clear(&entry->toc);
  g_ptr_array_unref(entry->streams);
  g_free(entry);
}

ArchiveBuilder *
archive_builder_new(guint8 version_minor, ArchiveCompression compression)
{
  static const int created[] = {5, 30, 10, 29, 0, 126, 0};
  ArchiveBuilder *builder = g_new0(ArchiveBuilder, 1);
  builder->header.version_minor = version_minor;
  builder->header.int_size = 4;
  builder->header.offset_size = 8;
  builder->header.database = g_strdup("hub");
  builder->header.server_version = g_strdup("15.1");
  builder->header.pg_dump_version = g_strdup("15.2");
  memcpy(builder->created, created, sizeof created);
  builder->version_major = 1;
  builder->format = 1;
  builder->chunk_bytes = 4096;
  builder->states_offsets = TRUE;
  builder->entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
  archive_builder_set_compression(builder, compression);
  return builder;
}

void
archive_builder_free(ArchiveBuilder *builder)
{
  archive_header_clear(&builder->header);
  g_ptr_array_unref(builder->entries);
  g_free(builder);
}

void
archive_builder_set_compression(ArchiveBuilder *builder, ArchiveCompression compression)
{
  builder->header.compression = compression;
  builder->header.compression_level = compression == ARCHIVE_COMPRESSION_NONE ? 0 : -1;
  builder->compression_byte = (guint8)compression;
}

BuilderEntry *
archive_builder_add(ArchiveBuilder *builder, int dump_id, const char *desc, const char *tag)
{
  BuilderEntry *entry = g_new0(BuilderEntry, 1);
  entry->toc.dump_id = dump_id;
  entry->toc.desc = g_strdup(desc);
  entry->toc.tag = g_strdup(tag);
  entry->toc.section = SECTION_PRE_DATA;
  entry->with_oids = "false";
  entry->block_dump_id = dump_id;
  entry->streams = g_ptr_array_new_with_free_func((GDestroyNotify)stream_free);
  g_ptr_array_add(builder->entries, entry);
  return entry;
}

BuilderEntry *
archive_builder_add_with_block(ArchiveBuilder *builder, int dump_id, const char *desc, const char *tag)
{
  BuilderEntry *entry = archive_builder_add(builder, dump_id, desc, tag);
  entry->toc.section = SECTION_DATA;
  entry->toc.had_dumper = TRUE;
  entry->n_blocks = 1;
  entry->block_type = strcmp(desc, "BLOBS") == 0 ? 3 : 1;
  return entry;
}

BuilderEntry *
archive_builder_add_table(ArchiveBuilder *builder, int dump_id, const char *table, const char *rows)
{
  BuilderEntry *entry = archive_builder_add_with_block(builder, dump_id, "TABLE DATA", table);
  entry->toc.namespace_name = g_strdup("public");
  entry->toc.copy_stmt = g_strdup_printf("COPY public.%s (id, name) FROM stdin;\n", table);
  g_autofree char *data = g_strconcat(rows, "\\.\n\n\n", NULL);
  builder_entry_add_stream(entry, 0, data, strlen(data));
  return entry;
}

BuilderStream *
builder_entry_add_stream(BuilderEntry *entry, guint32 oid, const void *data, gsize size)
{
  BuilderStream *stream = g_new0(BuilderStream, 1);
  stream->oid = oid;
  stream->data = g_byte_array_new();
  g_byte_array_append(stream->data, data, (guint)size);
  g_ptr_array_add(entry->streams, stream);
  return stream;
}

static GByteArray *
compress_zlib(const void *data, gsize size)
{
  uLongf stored = compressBound(size);
  GByteArray *bytes = g_byte_array_set_size(g_byte_array_new(), (guint)stored);
  g_assert(compress(bytes->data, &stored, data, size) == Z_OK);
  return g_byte_array_set_size(bytes, (guint)stored);
}

static GByteArray *
compress_lz4(const void *data, gsize size)
{
  gsize bound = LZ4F_compressFrameBound(size, NULL);
  GByteArray *bytes = g_byte_array_set_size(g_byte_array_new(), (guint)bound);
  gsize stored = LZ4F_compressFrame(bytes->data, bound, data, size, NULL);
  g_assert(!LZ4F_isError(stored));
  return g_byte_array_set_size(bytes, (guint)stored);
}

static GByteArray *
compress_zstd(const void *data, gsize size)
{
  gsize bound = ZSTD_compressBound(size);
  GByteArray *bytes = g_byte_array_set_size(g_byte_array_new(), (guint)bound);
  gsize stored = ZSTD_compress(bytes->data, bound, data, size, 3);
  g_assert(!ZSTD_isError(stored));
  return g_byte_array_set_size(bytes, (guint)stored);
}

GByteArray *
builder_compress(ArchiveCompression compression, const void *data, gsize size)
{
  switch (compression) {
  case ARCHIVE_COMPRESSION_GZIP:
    return compress_zlib(data, size);
  case ARCHIVE_COMPRESSION_LZ4:
    return compress_lz4(data, size);
  case ARCHIVE_COMPRESSION_ZSTD:
    return compress_zstd(data, size);
  case ARCHIVE_COMPRESSION_NONE:
    break;
  }
  GByteArray *bytes = g_byte_array_new();
  return size > 0 ? g_byte_array_append(bytes, data, (guint)size) : bytes;
}

static void
put_byte(GByteArray *out, guint8 byte)
{
  g_byte_array_append(out, &byte, 1);
}

static void
put_number(GByteArray *out, guint64 value, guint size)
{
  for (guint i = 0; i < size; i++)
    put_byte(out, (guint8)(i < 8 ? value >> (8 * i) : 0));
}

static void
put_int(const ArchiveBuilder *builder, GByteArray *out, gint64 value)
{
  put_byte(out, value < 0 ? 1 : 0);
  put_number(out, (guint64)ABS(value), builder->header.int_size);
}

static void
put_string(const ArchiveBuilder *builder, GByteArray *out, const char *string)
{
  put_int(builder, out, string == NULL ? -1 : (gint64)strlen(string));
  if (string != NULL)
    g_byte_array_append(out, (const guint8 *)string, (guint)strlen(string));
}

static void
put_decimal(const ArchiveBuilder *builder, GByteArray *out, guint32 value)
{
  g_autofree char *string = g_strdup_printf("%u", value);
  put_string(builder, out, string);
}

static void
put_header(const ArchiveBuilder *builder, GByteArray *out)
{
  const ArchiveHeader *header = &builder->header;
  g_byte_array_append(out, (const guint8 *)"PGDMP", 5);
  put_byte(out, builder->version_major);
  put_byte(out, header->version_minor);
  put_byte(out, header->version_revision);
  put_byte(out, header->int_size);
  put_byte(out, header->offset_size);
  put_byte(out, builder->format);
  if (header->version_minor < 15)
    put_int(builder, out, header->compression_level);
  else
    put_byte(out, builder->compression_byte);
  for (gsize i = 0; i < G_N_ELEMENTS(builder->created); i++)
    put_int(builder, out, builder->created[i]);
  put_string(builder, out, header->database);
  put_string(builder, out, header->server_version);
  put_string(builder, out, header->pg_dump_version);
}

static void
put_dependencies(const ArchiveBuilder *builder, GByteArray *out, const BuilderEntry *entry)
{
  if (entry->dependency_text != NULL)
    put_string(builder, out, entry->dependency_text);
  for (guint i = 0; i < entry->toc.n_dependencies; i++)
    put_decimal(builder, out, (guint32)entry->toc.dependencies[i]);
  put_string(builder, out, NULL);
}

static void
put_entry(const ArchiveBuilder *builder, GByteArray *out, const BuilderEntry *entry, gint64 offset)
{
  const TocEntry *toc = &entry->toc;
  put_int(builder, out, toc->dump_id);
  put_int(builder, out, toc->had_dumper);
  if (entry->catalog_oid_text != NULL)
    put_string(builder, out, entry->catalog_oid_text);
  else
    put_decimal(builder, out, toc->catalog_oid);
  put_decimal(builder, out, toc->object_oid);
  put_string(builder, out, toc->tag);
  put_string(builder, out, toc->desc);
  put_int(builder, out, toc->section);
  put_string(builder, out, toc->defn);
  put_string(builder, out, toc->drop_stmt);
  put_string(builder, out, toc->copy_stmt);
  put_string(builder, out, toc->namespace_name);
  put_string(builder, out, toc->tablespace);
  if (builder->header.version_minor >= 14)
    put_string(builder, out, toc->table_am);
  if (builder->header.version_minor >= 16)
    put_int(builder, out, toc->relkind);
  put_string(builder, out, toc->owner);
  put_string(builder, out, entry->with_oids);
  put_dependencies(builder, out, entry);

  ArchiveOffsetState state = !toc->had_dumper ? OFFSET_NO_DATA : builder->states_offsets ? OFFSET_SET : OFFSET_NOT_SET;
  put_byte(out, (guint8)(entry->force_state != 0 ? entry->force_state : state));
  put_number(out, state == OFFSET_SET ? (guint64)(offset + entry->offset_error) : 0, builder->header.offset_size);
}

static GByteArray *
compress_stream(const ArchiveBuilder *builder, const BuilderStream *stream)
{
  ArchiveCompression compression = stream->is_raw ? ARCHIVE_COMPRESSION_NONE : builder->header.compression;
  guint n_parts = MAX(stream->n_parts, 1), size = stream->data->len;
  GByteArray *stored = g_byte_array_new();
  for (guint i = 0; i < n_parts; i++) {
    guint start = (guint)((guint64)size * i / n_parts), end = (guint)((guint64)size * (i + 1) / n_parts);
    g_autoptr(GByteArray) part =
        builder_compress(compression, size > 0 ? stream->data->data + start : NULL, end - start);
    if (part->len > 0)
      g_byte_array_append(stored, part->data, part->len);
  }
  return stored;
}

static void
put_stream(const ArchiveBuilder *builder, GByteArray *out, const BuilderStream *stream)
{
  g_autoptr(GByteArray) stored = compress_stream(builder, stream);
  for (gsize at = 0; at < stored->len; at += builder->chunk_bytes) {
    gsize size = MIN(builder->chunk_bytes, stored->len - at);
    put_int(builder, out, (gint64)size);
    g_byte_array_append(out, stored->data + at, (guint)size);
  }
  put_int(builder, out, 0);
}

static void
put_block(const ArchiveBuilder *builder, GByteArray *out, const BuilderEntry *entry)
{
  put_byte(out, (guint8)entry->block_type);
  put_int(builder, out, entry->block_dump_id);
  for (guint i = 0; i < entry->streams->len; i++) {
    const BuilderStream *stream = g_ptr_array_index(entry->streams, i);
    if (entry->block_type == 3)
      put_int(builder, out, (gint32)stream->oid);
    put_stream(builder, out, stream);
  }
  if (entry->block_type == 3)
    put_int(builder, out, 0);
}

GByteArray *
archive_builder_build(const ArchiveBuilder *builder)
{
  /* The TOC's length does not depend on the offsets in it: write it twice, as pg_dump does. */
  g_autofree gint64 *offsets = g_new0(gint64, builder->entries->len);
  GByteArray *out = g_byte_array_new();
  for (int round = 0; round < 2; round++) {
    g_byte_array_set_size(out, 0);
    put_header(builder, out);
    put_int(builder, out, (gint64)builder->entries->len + builder->n_entries_error);
    for (guint i = 0; i < builder->entries->len; i++)
      put_entry(builder, out, g_ptr_array_index(builder->entries, i), offsets[i]);
    for (guint i = 0; i < builder->entries->len; i++) {
      const BuilderEntry *entry = g_ptr_array_index(builder->entries, i);
      offsets[i] = out->len;
      for (guint block = 0; block < entry->n_blocks; block++)
        put_block(builder, out, entry);
    }
  }
  return out;
}

ArchiveBuilder *
archive_builder_new_sample(guint8 version_minor, ArchiveCompression compression)
{
  ArchiveBuilder *builder = archive_builder_new(version_minor, compression);
  BuilderEntry *table = archive_builder_add(builder, 7, "TABLE", "users");
  table->toc.catalog_oid = 1259;
  table->toc.object_oid = 4000000000;
  table->toc.defn = g_strdup("CREATE TABLE public.users (id integer, name text);\n");
  table->toc.drop_stmt = g_strdup("DROP TABLE public.users;\n");
  table->toc.namespace_name = g_strdup("public");
  table->toc.tablespace = g_strdup("");
  table->toc.table_am = version_minor >= 14 ? g_strdup("heap") : NULL;
  table->toc.relkind = version_minor >= 16 ? 'r' : 0;
  table->toc.owner = g_strdup("hub");
  BuilderEntry *rows = archive_builder_add_table(builder, 20, "users", "1\tAda\n2\t\\N\n3\t\\\\.\n");
  rows->toc.n_dependencies = 2;
  rows->toc.dependencies = g_new(int, 2);
  rows->toc.dependencies[0] = 7;
  rows->toc.dependencies[1] = 3;
  archive_builder_add_table(builder, 21, "empty", "");
  BuilderEntry *inserts = archive_builder_add_with_block(builder, 22, "TABLE DATA", "inserted");
  static const char sql[] = "INSERT INTO public.inserted VALUES (1);\n\n\n";
  builder_entry_add_stream(inserts, 0, sql, strlen(sql));
  BuilderEntry *large_objects = archive_builder_add_with_block(builder, 30, "BLOBS", "BLOBS");
  builder_entry_add_stream(large_objects, 16400, "first", 5);
  builder_entry_add_stream(large_objects, 4000000000, "", 0);
  return builder;
}

int
builder_open_file(const GByteArray *bytes)
{
  int fd = memfd_create("archive", MFD_CLOEXEC);
  g_assert(fd >= 0);
  for (gsize at = 0; at < bytes->len;) {
    ssize_t n = write(fd, bytes->data + at, bytes->len - at);
    g_assert(n > 0);
    at += (gsize)n;
  }
  return fd;
}
