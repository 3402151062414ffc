/* Reads a custom-format archive from a seekable file.
 *
 * Every byte of it may be hostile: sizes are bounded before anything is allocated, and every failure is an error
 * (ARCHIVE_FORMAT, ARCHIVE_VERSION, ARCHIVE_CORRUPT, ARCHIVE_UNSUPPORTED for a table WITH OIDS, or the file's own),
 * never a crash. Memory is that of the TOC plus constant buffers (zstd: plus its window, at most 128 MB).
 *
 * Order of use: open reads header and TOC; archive_reader_check reads every data block to its end, decompresses it, and
 * learns where each is and how many rows it holds; only then archive_reader_read_data may be used. Not thread-safe: one
 * reader a thread. */
#pragma once

#include "archive/toc.h"

#include <gio/gio.h>

typedef struct ArchiveReader ArchiveReader;

/* Limits on what an archive may claim. */
#define ARCHIVE_MAX_ENTRIES      (1000 * 1000)
#define ARCHIVE_MAX_STRING_BYTES (64 * 1024 * 1024)  /* one TOC string */
#define ARCHIVE_MAX_TOC_BYTES    (256 * 1024 * 1024) /* all TOC strings together */

/* TRUE if a file that begins with these bytes can be a custom-format archive ("PGDMP", major version 1, format 1), or
 * is too short yet to tell. 16 bytes always suffice. */
gboolean archive_magic_plausible(const guint8 *bytes, gsize n_bytes);

/* Reads header and TOC from the start of the file. The descriptor stays the caller's and must outlive the reader; it is
 * read with pread. */
ArchiveReader *archive_reader_open(int fd, GError **error);
void archive_reader_free(ArchiveReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchiveReader, archive_reader_free)

const ArchiveHeader *archive_reader_header(const ArchiveReader *reader);

/* TOC entries in the archive's order, which is pg_dump's dependency order. */
guint archive_reader_n_entries(const ArchiveReader *reader);
const TocEntry *archive_reader_entry(const ArchiveReader *reader, guint index);

/* The entry with this dump ID, or NULL. */
const TocEntry *archive_reader_find(const ArchiveReader *reader, int dump_id);

/* What the check learnt of an entry's data block. */
typedef struct {
  gboolean is_present;
  guint64 position;     /* of the block in the file */
  guint64 stored_bytes; /* as in the file, without framing */
  guint64 data_bytes;   /* decompressed */
  guint64 rows;         /* lines of COPY text before the end marker; large objects: their number; SQL (--inserts): 0 */
} ArchiveDataInfo;

/* bytes_done of bytes_total (the file's size) have been read. Called about once a megabyte, and at the end. */
typedef void (*ArchiveProgressFunc)(guint64 bytes_done, guint64 bytes_total, gpointer user_data);

/* Reads the whole data part: every block that the TOC promises is there once and decompresses to its end (for gzip with
 * its checksum), nothing else is, nothing follows; stated offsets are right; COPY text ends with its end marker and has
 * none before. May be repeated. */
gboolean archive_reader_check(ArchiveReader *reader, ArchiveProgressFunc progress, gpointer user_data,
                              GCancellable *cancellable, GError **error);

/* The check's finding for an entry; never NULL after a successful check (is_present FALSE where there is no block). */
const ArchiveDataInfo *archive_reader_data_info(const ArchiveReader *reader, const TocEntry *entry);

/* Receives decompressed bytes. FALSE with an error set stops the reading. */
typedef gboolean (*ArchiveSinkFunc)(const guint8 *data, gsize size, gpointer user_data, GError **error);

/* Called at the start of each large object; the object's bytes follow through the sink. */
typedef gboolean (*ArchiveLargeObjectFunc)(guint32 oid, gpointer user_data, GError **error);

/* Passes an entry's data to the sink. For a table: the COPY text without its end marker ("\\.\n" and what follows is
 * cut off), or SQL statements where the entry has no copy_stmt (pg_dump --inserts), in pieces of any size. For large
 * objects: each object in turn. Nothing for an entry without data. Damage is found here too (the file may have changed
 * since the check), but late: treat what the sink got as void. Errors of the sink come back as they are. */
gboolean archive_reader_read_data(ArchiveReader *reader, const TocEntry *entry, ArchiveSinkFunc sink,
                                  ArchiveLargeObjectFunc large_object, gpointer user_data, GCancellable *cancellable,
                                  GError **error);
