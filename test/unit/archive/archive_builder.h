/* Builds archives in custom format, valid and invalid ones, for the tests and the fuzzer.
 *
 * Fill the public fields, then build. Fields are written as they are, sensible or not. */
#pragma once

#include "archive/toc/toc.h"

typedef struct {
  guint32 oid; /* of a large object; unused for a table */
  GByteArray *data;
  gboolean is_raw; /* store the data without compression */
  guint n_parts;   /* 2 or more: number of successive frames or zlib streams, each with a part of the data */
} BuilderStream;

typedef struct {
  TocEntry toc; /* offset and its state are filled in by build */
  const char *with_oids;
  const char *catalog_oid_text;   /* NULL: toc.catalog_oid */
  const char *dependency_text;    /* NULL: toc.dependencies */
  ArchiveOffsetState force_state; /* 0: the right one */
  gint64 offset_error;            /* added to the true offset */
  guint n_blocks;                 /* usually 1, and 0 without data */
  int block_type;
  int block_dump_id;
  GPtrArray *streams; /* BuilderStream */
} BuilderEntry;

typedef struct {
  ArchiveHeader header; /* strings are the builder's, freed with it */
  int created[7];
  guint8 version_major;
  guint8 format;
  guint8 compression_byte; /* of versions from 1.15 on */
  gsize chunk_bytes;
  gboolean states_offsets; /* as pg_dump does in a file, but not in a pipe */
  int n_entries_error;     /* added to the stated number of entries */
  GPtrArray *entries;      /* BuilderEntry */
} ArchiveBuilder;

ArchiveBuilder *archive_builder_new(guint8 version_minor, ArchiveCompression compression);
void archive_builder_free(ArchiveBuilder *builder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchiveBuilder, archive_builder_free)

void archive_builder_set_compression(ArchiveBuilder *builder, ArchiveCompression compression);

/* Without data. */
BuilderEntry *archive_builder_add(ArchiveBuilder *builder, int dump_id, const char *desc, const char *tag);

/* A TABLE DATA entry of schema public with a COPY statement; `rows` as COPY text, the end marker is added. */
BuilderEntry *archive_builder_add_table(ArchiveBuilder *builder, int dump_id, const char *table, const char *rows);

/* An entry with one empty block; the next function adds streams. */
BuilderEntry *archive_builder_add_with_block(ArchiveBuilder *builder, int dump_id, const char *desc, const char *tag);
BuilderStream *builder_entry_add_stream(BuilderEntry *entry, guint32 oid, const void *data, gsize size);

GByteArray *archive_builder_build(const ArchiveBuilder *builder);

/* A small archive with a table with rows, an empty table, a table that was dumped with --inserts, and large objects. */
ArchiveBuilder *archive_builder_new_sample(guint8 version_minor, ArchiveCompression compression);

/* One whole stream. */
GByteArray *builder_compress(ArchiveCompression compression, const void *data, gsize size);

/* A descriptor of an unnamed file with these bytes; the caller closes it. */
int builder_open_file(const GByteArray *bytes);
