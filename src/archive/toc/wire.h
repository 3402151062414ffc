/* Reads the three kinds of value in an archive through a buffer, from a file or a pipe.
 *
 * An integer is a sign byte (0 or 1) and int_size bytes, least significant first. A string is an integer length, -1 for
 * NULL, and the bytes without a terminator. An offset is a state byte and offset_size bytes, least significant first
 * (pg_backup_archiver.c: WriteInt, WriteStr, WriteOffset).
 *
 * Nothing is allocated unless the file is long enough for it. A value that does not fit or is missing is
 * ARCHIVE_CORRUPT; a failed read is FILE. */
#pragma once

#include "base/text.h"

#include "archive/toc/toc.h"

#include <gio/gio.h>

typedef struct WireSource WireSource;

/* The largest width that an archive may state, as in PostgreSQL's own reader. */
#define WIRE_MAX_SIZE 32

/* Reads the regular file behind fd with pread. The descriptor belongs to the caller. The file's size is determined
 * once, here.
 */
WireSource *wire_source_new(int fd, GError **error);

/* Reads a pipe or socket from front to back, in blocking or non-blocking mode; cancelling ends a wait with
 * CANCELLED. Its size is unknown: wire_source_size is G_MAXUINT64, and seek must not be called. The cancellable may
 * be NULL. */
WireSource *wire_source_new_pipe(int fd, GCancellable *cancellable);

/* Reads a regular file that holds only the beginning of an archive of `size` bytes; G_MAXUINT64: unknown. Reading
 * beyond the file's end is ARCHIVE_CORRUPT, as always; wire_source_ran_out tells it from other damage. */
WireSource *wire_source_new_prefix(int fd, guint64 size);
gboolean wire_source_ran_out(const WireSource *source);

/* A file that is still arriving: it has its beginning, and grows to a size that is known. */

/* Waits, for a fraction of a second at most, until the file has more than its first `position` bytes. Says how many
 * have arrived, whether or not they are enough; the number never goes down. Fails when no more will come. Called by any
 * thread that reads the file. */
typedef gboolean (*ArchiveWaitFunc)(gpointer user_data, guint64 position, guint64 *ret_arrived, GError **error);

typedef struct ArchiveArrival {
  guint64 size; /* of the whole file */
  ArchiveWaitFunc wait;
  gpointer user_data; /* must outlive whoever reads the file */
} ArchiveArrival;

/* Waits until the file has more than its first `position` bytes. CANCELLED, and what `wait` fails with. */
gboolean archive_arrival_await(const ArchiveArrival *arrival, guint64 position, GCancellable *cancellable,
                               guint64 *ret_arrived, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Reads it. Reading waits for bytes that are not there yet, and fails with the errors of `arrival->wait`, which is
 * copied. */
WireSource *wire_source_new_arriving(int fd, const ArchiveArrival *arrival);
/* Whether bytes are missing, as far as known from the last reading. */
gboolean wire_source_is_arriving(const WireSource *source);
/* Waits for the last byte. */
gboolean wire_source_await_end(WireSource *source, GError **error);
/* From now on, reading a byte that is not there fails at once with UPLOAD_INCOMPLETE. */
void wire_source_stop_waiting(WireSource *source);

/* Cancels the waits of what is read from now on; NULL: nothing does. */
void wire_source_set_cancellable(WireSource *source, GCancellable *cancellable);

/* Another source of the same regular file. */
WireSource *wire_source_clone(const WireSource *source);

void wire_source_free(WireSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WireSource, wire_source_free)

/* Sets the sizes that the header states; 4 and 8 until then. */
void wire_source_set_sizes(WireSource *source, guint int_size, guint offset_size);

/* The sentence for a file that ends too early, ARCHIVE_CUT at first: it names the part that is not complete. */
void wire_source_set_end_text(WireSource *source, TextId text);

guint64 wire_source_size(const WireSource *source);
guint64 wire_source_position(const WireSource *source);
guint64 wire_source_remaining(const WireSource *source);
void wire_source_seek(WireSource *source, guint64 position);

/* Skips bytes, without reading them if possible. */
gboolean wire_skip(WireSource *source, gsize size, GError **error);

gboolean wire_read_bytes(WireSource *source, guint8 *ret_bytes, gsize size, GError **error);
gboolean wire_read_byte(WireSource *source, guint8 *ret_byte, GError **error);
gboolean wire_read_int(WireSource *source, int *ret_value, GError **error);

/* wire_read_int with the check min <= value <= max. `what` is for the error message. */
gboolean wire_read_int_in(WireSource *source, int min, int max, const char *what, int *ret_value, GError **error);

/* An OID that was written as an int: from 2^31 on, it is negative in the file. */
gboolean wire_read_oid(WireSource *source, guint32 *ret_oid, GError **error);

/* At most max_bytes, without a zero byte. *ret_string is NULL for the archive's NULL. */
gboolean wire_read_string(WireSource *source, gsize max_bytes, char **ret_string, GError **error);

/* *ret_offset is 0 unless the state is OFFSET_SET. */
gboolean wire_read_offset(WireSource *source, ArchiveOffsetState *ret_state, gint64 *ret_offset, GError **error);
