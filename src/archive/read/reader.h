/* Reads a custom-format archive from a seekable file.
 *
 * Every byte may be hostile: sizes are checked before anything is allocated, and every failure is an error
 * (ARCHIVE_FORMAT, ARCHIVE_VERSION, ARCHIVE_CORRUPT, ARCHIVE_UNSUPPORTED for a table WITH OIDS, or the file's own),
 * never a crash. Memory: the TOC, and constant buffers (zstd: plus its window, at most 128 MB).
 *
 * open reads header and TOC. Then archive_reader_check or archive_reader_scan finds the data blocks. After that,
 * archive_reader_read_data may be called, in any order. The check decompresses everything and counts the rows, so that
 * no work begins with a damaged archive. The scan is quick; damage is found when the data is read.
 *
 * A file that is still arriving is read as far as it is there: each function waits for the bytes that it needs. The
 * check then waits for all of them. The scan waits for none: it takes the TOC's word for the blocks until
 * archive_reader_await_end.
 *
 * Not thread-safe: use one reader per thread. archive_reader_clone makes another one for the same file that shares
 * the entries. */
#pragma once

#include "archive/read/entry_data.h"
#include "archive/toc/toc.h"

#include <gio/gio.h>

typedef struct ArchiveReader ArchiveReader;
typedef struct ArchiveArrival ArchiveArrival; /* archive/toc/wire.h */

/* Reads header and TOC from the start of the file. The descriptor belongs to the caller and must outlive the reader;
 * it is read with pread. */
ArchiveReader *archive_reader_open(int fd, GError **error);

/* The same for an archive of `size` bytes (G_MAXUINT64: unknown) of which the file has only the beginning, at least the
 * TOC. Finds the blocks that lie in it whole: read_data may be called, and other entries count as without data. */
ArchiveReader *archive_reader_open_beginning(int fd, guint64 size, GCancellable *cancellable, GError **error);

/* The same for a file that is still arriving (archive/toc/wire.h). Waits for the TOC. The cancellable also ends
 * later waits of functions that are called with none. */
ArchiveReader *archive_reader_open_arriving(int fd, const ArchiveArrival *arrival, GCancellable *cancellable,
                                            GError **error);
/* TRUE until the whole file was checked, or await_end has succeeded. Always FALSE for other files. */
gboolean archive_reader_is_arriving(const ArchiveReader *reader);
/* Waits for the last byte, then scans the whole file. Does nothing unless archive_reader_is_arriving. */
gboolean archive_reader_await_end(ArchiveReader *reader, GCancellable *cancellable, GError **error);
/* From now on, reading what is not there fails at once with UPLOAD_INCOMPLETE. */
void archive_reader_stop_waiting(ArchiveReader *reader);

void archive_reader_free(ArchiveReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchiveReader, archive_reader_free)

/* Makes another reader of the same file, for another thread, with the results of this one's check or scan. It may
 * outlive this one, but not the descriptor. */
ArchiveReader *archive_reader_clone(const ArchiveReader *reader);

const ArchiveHeader *archive_reader_header(const ArchiveReader *reader);

/* TOC entries in the archive's order, which is pg_dump's dependency order. */
guint archive_reader_n_entries(const ArchiveReader *reader);
const TocEntry *archive_reader_entry(const ArchiveReader *reader, guint index);

/* The entry with this dump ID, or NULL. */
const TocEntry *archive_reader_find(const ArchiveReader *reader, int dump_id);

/* Reads the whole data part. Checks that every block in the TOC exists once and decompresses to its end (for gzip
 * with its checksum), that nothing else exists or follows, that stated offsets are right, and that COPY text has its
 * end marker at the end and nowhere before. May be repeated. */
gboolean archive_reader_check(ArchiveReader *reader, ArchiveProgressFunc progress, gpointer user_data,
                              GCancellable *cancellable, GError **error);

/* Finds all blocks without decompressing them: by the stated offsets if all are stated and each points to a block of
 * its entry; otherwise by walking from chunk to chunk, with the check's strictness about framing. The blocks cover
 * the data part without gaps, and read_data reads each to its end. Reading all data without an error is therefore a
 * check of the archive. */
gboolean archive_reader_scan(ArchiveReader *reader, GCancellable *cancellable, GError **error);

/* The facts about an entry's data from check, scan or reading; never NULL (is_present is FALSE if there is no block,
 * or neither has been called). After the scan of a file that is arriving, is_present is the TOC's word, and the
 * positions are 0 until the block is met, unless the TOC states them. */
const ArchiveDataInfo *archive_reader_data_info(const ArchiveReader *reader, const TocEntry *entry);

/* Passes an entry's data to the sink. For a table: the COPY text without its end marker ("\\.\n" and what follows is
 * cut off), or SQL statements where the entry has no copy_stmt (pg_dump --inserts), in pieces of any size. For large
 * objects: each object in turn. Nothing for an entry without data. It is as strict as the check (after which the file
 * may have changed), but damage is found late: treat what the sink got as void. Errors of the sink come back as they
 * are. */
gboolean archive_reader_read_data(ArchiveReader *reader, const TocEntry *entry, ArchiveSinkFunc sink,
                                  ArchiveLargeObjectFunc large_object, gpointer user_data, GCancellable *cancellable,
                                  GError **error);

/* The position in the file that reading has reached, also while it goes on, and the size of the whole file. */
guint64 archive_reader_position(const ArchiveReader *reader);
guint64 archive_reader_size(const ArchiveReader *reader);

/* After check or scan: zero bytes that follow the archive, as transfers leave them that allocate a file beforehand.
 * Whoever reads the archive says so and goes on; anything else that follows is ARCHIVE_CORRUPT. */
guint64 archive_reader_padding(const ArchiveReader *reader);
