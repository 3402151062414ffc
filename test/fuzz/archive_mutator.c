/* Mutates the structure of archives: takes a complete archive apart, changes one thing, and rebuilds it with correct
 * lengths, offsets and checksums, so that the change passes them. */
#include "archive/read/reader.h"
#include "archive_builder.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

#define STREAM_GROWTH_BYTES 64

/* The storage for the parts. */
typedef struct {
  BuilderEntry *entry;
  BuilderStream *stream;
} Target;

static gboolean
take_large_object(guint32 oid, gpointer user_data, GError **error)
{
  Target *target = user_data;
  target->stream = builder_entry_add_stream(target->entry, oid, "", 0);
  return TRUE;
}

static gboolean
take_bytes(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  Target *target = user_data;
  g_byte_array_append(target->stream->data, data, (guint)size);
  return TRUE;
}

static void
copy_toc(TocEntry *to, const TocEntry *from)
{
  toc_entry_clear(to);
  *to = *from;
  to->tag = g_strdup(from->tag);
  to->desc = g_strdup(from->desc);
  to->defn = g_strdup(from->defn);
  to->drop_stmt = g_strdup(from->drop_stmt);
  to->copy_stmt = g_strdup(from->copy_stmt);
  to->namespace_name = g_strdup(from->namespace_name);
  to->tablespace = g_strdup(from->tablespace);
  to->table_am = g_strdup(from->table_am);
  to->owner = g_strdup(from->owner);
  to->dependencies = g_memdup2(from->dependencies, from->n_dependencies * sizeof(int));
}

static gboolean
take_entry(ArchiveBuilder *builder, ArchiveReader *reader, const TocEntry *toc)
{
  BuilderEntry *entry = toc->had_dumper ? archive_builder_add_with_block(builder, toc->dump_id, toc->desc, toc->tag)
                                        : archive_builder_add(builder, toc->dump_id, toc->desc, toc->tag);
  copy_toc(&entry->toc, toc);
  Target target = {entry, NULL};
  if (toc->had_dumper && entry->block_type == 1)
    target.stream = builder_entry_add_stream(entry, 0, "", 0);
  if (!archive_reader_read_data(reader, toc, take_bytes, take_large_object, &target, NULL, NULL))
    return FALSE;
  if (toc->copy_stmt != NULL && toc->copy_stmt[0] != '\0' && target.stream != NULL)
    g_byte_array_append(target.stream->data, (const guint8 *)"\\.\n\n\n", 5);
  return TRUE;
}

/* NULL unless the archive is complete. */
static ArchiveBuilder *
take_apart(int fd)
{
  g_autoptr(ArchiveReader) reader = archive_reader_open(fd, NULL);
  if (reader == NULL || !archive_reader_check(reader, NULL, NULL, NULL, NULL))
    return NULL;
  const ArchiveHeader *header = archive_reader_header(reader);
  g_autoptr(ArchiveBuilder) builder = archive_builder_new(header->version_minor, header->compression);
  builder->header.int_size = header->int_size;
  builder->header.offset_size = header->offset_size;
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    if (!take_entry(builder, reader, archive_reader_entry(reader, i)))
      return NULL;
  }
  return g_steal_pointer(&builder);
}

static void
mutate_string(char **string)
{
  gsize size = *string == NULL ? 0 : strlen(*string);
  gsize max_size = size + STREAM_GROWTH_BYTES;
  char *mutated = g_malloc0(max_size + 1);
  if (size > 0)
    memcpy(mutated, *string, size);
  mutated[LLVMFuzzerMutate((uint8_t *)mutated, size, max_size)] = '\0';
  g_free(*string);
  *string = mutated;
}

static void
mutate_toc(TocEntry *toc, GRand *random)
{
  char **strings[] = {&toc->tag,        &toc->desc,      &toc->defn,
                      &toc->drop_stmt,  &toc->copy_stmt, &toc->namespace_name,
                      &toc->tablespace, &toc->table_am,  &toc->owner};
  char **string = strings[g_rand_int_range(random, 0, G_N_ELEMENTS(strings))];
  switch (g_rand_int_range(random, 0, 5)) {
  case 0:
    toc->dump_id = g_rand_int_range(random, -1, 40);
    break;
  case 1:
    toc->had_dumper = !toc->had_dumper;
    break;
  case 2:
    toc->section = (ArchiveSection)g_rand_int_range(random, 0, 6);
    break;
  case 3:
    g_clear_pointer(string, g_free);
    break;
  default:
    mutate_string(string);
  }
}

static void
mutate_block(BuilderEntry *entry, GRand *random)
{
  switch (g_rand_int_range(random, 0, 5)) {
  case 0:
    entry->n_blocks = (guint)g_rand_int_range(random, 0, 3);
    break;
  case 1:
    entry->block_type = g_rand_int_range(random, 0, 5);
    break;
  case 2:
    entry->block_dump_id = g_rand_int_range(random, -1, 40);
    break;
  case 3:
    entry->offset_error = g_rand_int_range(random, -20, 20);
    break;
  default:
    entry->force_state = (ArchiveOffsetState)g_rand_int_range(random, 0, 5);
  }
}

static void
mutate_stream(BuilderStream *stream, GRand *random)
{
  guint size = stream->data->len;
  if (g_rand_int_range(random, 0, 8) == 0)
    stream->is_raw = TRUE;
  if (g_rand_int_range(random, 0, 4) == 0) {
    stream->n_parts = (guint)g_rand_int_range(random, 2, 5);
    return;
  }
  g_byte_array_set_size(stream->data, size + STREAM_GROWTH_BYTES);
  gsize mutated = LLVMFuzzerMutate(stream->data->data, size, stream->data->len);
  g_byte_array_set_size(stream->data, (guint)mutated);
}

static void
mutate_whole(ArchiveBuilder *builder, GRand *random)
{
  switch (g_rand_int_range(random, 0, 5)) {
  case 0:
    builder->header.version_minor = (guint8)g_rand_int_range(random, 11, 18);
    break;
  case 1:
    archive_builder_set_compression(builder, (ArchiveCompression)g_rand_int_range(random, 0, 4));
    break;
  case 2:
    builder->header.int_size = (guint8)g_rand_int_range(random, 1, 10);
    break;
  case 3:
    builder->header.offset_size = (guint8)g_rand_int_range(random, 1, 10);
    break;
  default:
    builder->states_offsets = !builder->states_offsets;
  }
}

static void
mutate(ArchiveBuilder *builder, GRand *random)
{
  builder->chunk_bytes = (gsize)1 << g_rand_int_range(random, 2, 16);
  int what = g_rand_int_range(random, 0, 4);
  if (what == 0 || builder->entries->len == 0) {
    mutate_whole(builder, random);
    return;
  }
  BuilderEntry *entry = g_ptr_array_index(builder->entries, g_rand_int_range(random, 0, (gint32)builder->entries->len));
  if (what == 1)
    mutate_toc(&entry->toc, random);
  else if (what == 2 || entry->streams->len == 0)
    mutate_block(entry, random);
  else
    mutate_stream(g_ptr_array_index(entry->streams, g_rand_int_range(random, 0, (gint32)entry->streams->len)), random);
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  if (size == 0 || g_rand_boolean(random))
    return LLVMFuzzerMutate(data, size, max_size);
  g_autoptr(GByteArray) bytes = g_byte_array_append(g_byte_array_new(), data, (guint)size);
  int fd = builder_open_file(bytes);
  g_autoptr(ArchiveBuilder) builder = take_apart(fd);
  close(fd);
  if (builder == NULL)
    return LLVMFuzzerMutate(data, size, max_size);
  mutate(builder, random);
  g_autoptr(GByteArray) built = archive_builder_build(builder);
  if (built->len > max_size)
    return LLVMFuzzerMutate(data, size, max_size);
  memcpy(data, built->data, built->len);
  return built->len;
}
