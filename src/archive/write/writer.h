/* Writes an archive in custom format: header and TOC from pg_dump, then data blocks from compressed pieces.
 *
 * The header gets the level's compression. It keeps its version, except that LZ4 and zstd need at least 1.15. All
 * offsets are "not set" at first, as in an archive that pg_dump writes into a pipe; stock pg_restore finds the blocks,
 * with -j too. If the output is a seekable file, archive_writer_patch_offsets fills them in afterwards.
 *
 * Order of use: new, begin, then for each entry with data, in any order,
 *
 *     begin_data, piece …, end_data                              (everything but large objects)
 *     begin_large_objects, (begin_large_object, piece …, end_large_object) …, end_large_objects
 *
 * then finish. Pieces must be compressed at the writer's level. Memory is constant: small writes are gathered, pieces
 * are passed on directly. Not thread-safe.
 *
 * Errors: the output's own, unchanged; INTERNAL for a wrong order of use, an entry without data, or one twice. After
 * an error only bytes, patch_offsets and free may be called. */
#pragma once

#include "archive/write/packer.h"

typedef struct ArchiveWriter ArchiveWriter;

/* Receives the next bytes of the archive, at least one. FALSE with an error set ends the writing. */
typedef gboolean (*ArchiveOutputFunc)(const guint8 *data, gsize size, gpointer user_data, GError **error);

ArchiveWriter *archive_writer_new(ArchiveLevel level, ArchiveOutputFunc output, gpointer user_data);
void archive_writer_free(ArchiveWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchiveWriter, archive_writer_free)

/* Writes header and TOC and passes them on at once. Copies what it needs. */
gboolean archive_writer_begin(ArchiveWriter *writer, const ArchiveHeader *header, const TocEntry *entries,
                              guint n_entries, GError **error);

gboolean archive_writer_begin_data(ArchiveWriter *writer, int dump_id, GError **error);
gboolean archive_writer_piece(ArchiveWriter *writer, const ArchivePiece *piece, GError **error);
/* Ends the stream; for an entry with a COPY statement, after the end marker. */
gboolean archive_writer_end_data(ArchiveWriter *writer, GError **error);

gboolean archive_writer_begin_large_objects(ArchiveWriter *writer, int dump_id, GError **error);
gboolean archive_writer_begin_large_object(ArchiveWriter *writer, guint32 oid, GError **error);
gboolean archive_writer_end_large_object(ArchiveWriter *writer, GError **error);
gboolean archive_writer_end_large_objects(ArchiveWriter *writer, GError **error);

/* Every entry with data in the TOC must have been written. Passes on the rest. */
gboolean archive_writer_finish(ArchiveWriter *writer, GError **error);

/* Size of the archive so far, gathered bytes included. */
guint64 archive_writer_bytes(const ArchiveWriter *writer);

/* After finish: writes the blocks' positions into the TOC of the output file (from its byte 0 on), by pwrite. This
 * changes bytes that a checksum over the output has already covered. */
gboolean archive_writer_patch_offsets(const ArchiveWriter *writer, int fd, GError **error);
