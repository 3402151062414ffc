/* Writes an archive in custom format: header and TOC as pg_dump made them, then data blocks from packed pieces.
 *
 * The header's compression becomes the level's; its version stays, but for LZ4 and zstd it is at least 1.15. All
 * offsets are "not set" at first, as in an archive that pg_dump writes into a pipe; stock pg_restore finds the blocks,
 * with -j too. Where the output is a seekable file, archive_writer_patch_offsets fills them in afterwards.
 *
 * Order of use: new, begin, then for each entry with data, in any order,
 *     begin_data, piece …, end_data                              (everything but large objects)
 *     begin_large_objects, (begin_large_object, piece …, end_large_object) …, end_large_objects
 * then finish. Pieces must be packed at the writer's level. Memory is constant: small writes are gathered, pieces go
 * straight through. Not thread-safe.
 *
 * Errors: the output's own, as they are; INTERNAL for a wrong order of use, an entry without data, or one twice. After
 * an error only bytes, patch_offsets and free make sense. */
#pragma once

#include "archive/write/packer.h"

typedef struct ArchiveWriter ArchiveWriter;

/* Takes the next bytes of the archive, at least one. FALSE with an error set ends the writing. */
typedef gboolean (*ArchiveOutputFunc)(const guint8 *data, gsize size, gpointer user_data, GError **error);

ArchiveWriter *archive_writer_new(ArchiveLevel level, ArchiveOutputFunc output, gpointer user_data);
void archive_writer_free(ArchiveWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchiveWriter, archive_writer_free)

/* Writes header and TOC, and hands them to the output at once. Copies what it needs. */
gboolean archive_writer_begin(ArchiveWriter *writer, const ArchiveHeader *header, const TocEntry *entries,
                              guint n_entries, GError **error);

gboolean archive_writer_begin_data(ArchiveWriter *writer, int dump_id, GError **error);
gboolean archive_writer_piece(ArchiveWriter *writer, const ArchivePiece *piece, GError **error);
/* Ends the stream; where the entry has a COPY statement with the end marker. */
gboolean archive_writer_end_data(ArchiveWriter *writer, GError **error);

gboolean archive_writer_begin_large_objects(ArchiveWriter *writer, int dump_id, GError **error);
gboolean archive_writer_begin_large_object(ArchiveWriter *writer, guint32 oid, GError **error);
gboolean archive_writer_end_large_object(ArchiveWriter *writer, GError **error);
gboolean archive_writer_end_large_objects(ArchiveWriter *writer, GError **error);

/* Every entry that has data according to the TOC must have been written. Hands over what is left. */
gboolean archive_writer_finish(ArchiveWriter *writer, GError **error);

/* Of the archive so far, gathered ones too. */
guint64 archive_writer_bytes(const ArchiveWriter *writer);

/* After finish: writes the blocks' positions into the TOC of the file that took the output (from its byte 0 on), by
 * pwrite. Changes bytes that a checksum over the output has seen already. */
gboolean archive_writer_patch_offsets(const ArchiveWriter *writer, int fd, GError **error);
