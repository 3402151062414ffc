#include "archive/toc/wire.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES (256 * 1024)

/* After a seek, reads begin small, because another seek may follow, and then grow. */
#define JUMP_BUFFER_BYTES (4 * 1024)

struct WireSource {
  int fd;
  gboolean is_pipe;
  TextId end_text;           /* what the end of the file means to its owner */
  gboolean has_run_out;      /* the file ended before its stated size */
  GCancellable *cancellable; /* of the waits for a pipe or a file that is arriving; may be NULL */
  ArchiveArrival arrival;    /* `wait` NULL: the file is there */
  guint64 arrived;           /* bytes from the file's start that are known to be there */
  gboolean waits_not;
  guint int_size;
  guint offset_size;
  guint64 size;       /* of a pipe: G_MAXUINT64 until its end */
  guint64 buffer_end; /* position in the file of the byte after the buffer's contents */
  gsize filled;       /* bytes in the buffer */
  gsize used;         /* how many of them are consumed */
  gsize fill_bytes;   /* size of the next read */
  guint8 *buffer;
};

static WireSource *
new_source(int fd, guint64 size)
{
  WireSource *source = g_new0(WireSource, 1);
  source->fd = fd;
  source->size = size;
  source->fill_bytes = BUFFER_BYTES;
  source->end_text = TEXT_ARCHIVE_CUT;
  source->buffer = g_malloc(BUFFER_BYTES);
  wire_source_set_sizes(source, 4, 8);
  return source;
}

WireSource *
wire_source_new(int fd, GError **error)
{
  struct stat status;
  if (fstat(fd, &status) != 0) {
    error_set_errno(error, errno, "stat the archive");
    return NULL;
  }
  if (!S_ISREG(status.st_mode)) {
    error_set(error, CCH_ERROR_ARCHIVE_FORMAT, "not a regular file");
    return NULL;
  }
  return new_source(fd, (guint64)status.st_size);
}

WireSource *
wire_source_new_pipe(int fd, GCancellable *cancellable)
{
  WireSource *source = new_source(fd, G_MAXUINT64);
  source->is_pipe = TRUE;
  wire_source_set_cancellable(source, cancellable);
  return source;
}

WireSource *
wire_source_new_prefix(int fd, guint64 size)
{
  return new_source(fd, size);
}

WireSource *
wire_source_new_arriving(int fd, const ArchiveArrival *arrival)
{
  WireSource *source = new_source(fd, arrival->size);
  source->arrival = *arrival;
  return source;
}

WireSource *
wire_source_clone(const WireSource *source)
{
  WireSource *clone = new_source(source->fd, source->size);
  clone->arrival = source->arrival;
  clone->arrived = source->arrived;
  clone->waits_not = source->waits_not;
  wire_source_set_sizes(clone, source->int_size, source->offset_size);
  return clone;
}

gboolean
wire_source_is_arriving(const WireSource *source)
{
  return source->arrival.wait != NULL && source->arrived < source->size;
}

void
wire_source_stop_waiting(WireSource *source)
{
  source->waits_not = TRUE;
}

void
wire_source_set_cancellable(WireSource *source, GCancellable *cancellable)
{
  g_set_object(&source->cancellable, cancellable);
}

void
wire_source_set_end_text(WireSource *source, TextId text)
{
  source->end_text = text;
}

gboolean
wire_source_ran_out(const WireSource *source)
{
  return source->has_run_out;
}

void
wire_source_free(WireSource *source)
{
  if (source == NULL)
    return;
  g_clear_object(&source->cancellable);
  g_free(source->buffer);
  g_free(source);
}

void
wire_source_set_sizes(WireSource *source, guint int_size, guint offset_size)
{
  source->int_size = int_size;
  source->offset_size = offset_size;
}

guint64
wire_source_size(const WireSource *source)
{
  return source->size;
}

guint64
wire_source_position(const WireSource *source)
{
  return source->buffer_end - (source->filled - source->used);
}

guint64
wire_source_remaining(const WireSource *source)
{
  return source->size - wire_source_position(source);
}

void
wire_source_seek(WireSource *source, guint64 position)
{
  source->buffer_end = MIN(position, source->size);
  source->filled = source->used = 0;
  source->fill_bytes = JUMP_BUFFER_BYTES;
}

/* Returns the bytes read, 0 at the end, -1 with an error. */
static gssize
read_pipe(WireSource *source, GError **error)
{
  GPollFD fds[2] = {{.fd = source->fd, .events = G_IO_IN}};
  gboolean has_cancel_fd = g_cancellable_make_pollfd(source->cancellable, &fds[1]);
  gssize n = -1;
  int saved_errno = 0;
  do {
    fds[0].revents = 0;
    errno = EINTR;
    if (g_poll(fds, has_cancel_fd ? 2 : 1, -1) > 0 && fds[0].revents != 0)
      n = read(source->fd, source->buffer, BUFFER_BYTES);
    saved_errno = errno;
    if (g_cancellable_is_cancelled(source->cancellable))
      break;
  } while (n < 0 && (saved_errno == EINTR || saved_errno == EAGAIN));
  if (has_cancel_fd)
    g_cancellable_release_fd(source->cancellable);
  if (g_cancellable_set_error_if_cancelled(source->cancellable, error))
    return -1;
  if (n < 0)
    error_set_errno(error, saved_errno, "read the archive at byte %" G_GUINT64_FORMAT, source->buffer_end);
  return n;
}

gboolean
archive_arrival_await(const ArchiveArrival *arrival, guint64 position, GCancellable *cancellable, guint64 *ret_arrived,
                      GError **error)
{
  do {
    if (error_if_cancelled(cancellable, error) || !arrival->wait(arrival->user_data, position, ret_arrived, error))
      return FALSE;
  } while (*ret_arrived <= position);
  return TRUE;
}

static gboolean
await_bytes(WireSource *source, guint64 position, GError **error)
{
  return archive_arrival_await(&source->arrival, position, source->cancellable, &source->arrived, error);
}

gboolean
wire_source_await_end(WireSource *source, GError **error)
{
  return !wire_source_is_arriving(source) || await_bytes(source, source->size - 1, error);
}

static gboolean
prepare_to_read(WireSource *source, GError **error)
{
  if (!wire_source_is_arriving(source))
    return TRUE;
  if (!source->waits_not)
    return await_bytes(source, source->buffer_end, error);
  if (source->arrived > source->buffer_end)
    return TRUE;
  error_set(error, CCH_ERROR_UPLOAD_INCOMPLETE, "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " bytes are here",
            source->arrived, source->size);
  return FALSE;
}

static gssize
read_file(WireSource *source, GError **error)
{
  if (!prepare_to_read(source, error))
    return -1;
  guint64 end = wire_source_is_arriving(source) ? source->arrived : source->size;
  gsize wanted = (gsize)MIN(source->fill_bytes, end - source->buffer_end);
  gssize n;
  do
    n = pread(source->fd, source->buffer, wanted, (off_t)source->buffer_end);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    error_set_errno(error, errno, "read the archive at byte %" G_GUINT64_FORMAT, source->buffer_end);
  source->fill_bytes = MIN(source->fill_bytes * 2, BUFFER_BYTES);
  return n;
}

static void
set_end_error(const WireSource *source, GError **error)
{
  error_set_explained(error, CCH_ERROR_ARCHIVE_CORRUPT, source->end_text,
                      "the file ends at byte %" G_GUINT64_FORMAT ", in the middle of something", source->size);
}

/* Fills the buffer with at least one byte, except at the end. */
static gboolean
fill(WireSource *source, GError **error)
{
  gssize n = source->is_pipe ? read_pipe(source, error) : read_file(source, error);
  if (n < 0)
    return FALSE;
  source->buffer_end += (guint64)n;
  source->filled = (gsize)n;
  source->used = 0;
  if (n == 0 && source->is_pipe)
    source->size = source->buffer_end;
  return TRUE;
}

static gboolean
fill_something(WireSource *source, GError **error)
{
  if (!fill(source, error))
    return FALSE;
  if (source->filled > 0)
    return TRUE;
  source->has_run_out = !source->is_pipe;
  if (source->is_pipe)
    set_end_error(source, error);
  else
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "the file became shorter while it was read");
  return FALSE;
}

gboolean
wire_skip(WireSource *source, gsize size, GError **error)
{
  if (size > wire_source_remaining(source)) {
    set_end_error(source, error);
    return FALSE;
  }
  while (source->is_pipe && size > source->filled - source->used) {
    size -= source->filled - source->used;
    if (!fill_something(source, error))
      return FALSE;
  }
  if (size <= source->filled - source->used)
    source->used += size;
  else
    wire_source_seek(source, wire_source_position(source) + size);
  return TRUE;
}

gboolean
wire_read_bytes(WireSource *source, guint8 *ret_bytes, gsize size, GError **error)
{
  if (size > wire_source_remaining(source)) {
    set_end_error(source, error);
    return FALSE;
  }
  while (size > 0) {
    if (source->used == source->filled && !fill_something(source, error))
      return FALSE;
    gsize n = MIN(size, source->filled - source->used);
    memcpy(ret_bytes, source->buffer + source->used, n);
    source->used += n;
    ret_bytes += n;
    size -= n;
  }
  return TRUE;
}

gboolean
wire_read_byte(WireSource *source, guint8 *ret_byte, GError **error)
{
  return wire_read_bytes(source, ret_byte, 1, error);
}

/* Reads little-endian bytes of any width as a number; FALSE if it needs more than 64 bits. */
static gboolean
decode_number(const guint8 *bytes, guint size, guint64 *ret_value)
{
  guint64 value = 0;
  for (guint i = size; i-- > 0;) {
    if (i >= 8 && bytes[i] != 0)
      return FALSE;
    if (i < 8)
      value = value << 8 | bytes[i];
  }
  *ret_value = value;
  return TRUE;
}

static gboolean
read_signed(WireSource *source, gint64 min, gint64 max, const char *what, gint64 *ret_value, GError **error)
{
  guint8 bytes[1 + WIRE_MAX_SIZE];
  guint64 start = wire_source_position(source);
  if (!wire_read_bytes(source, bytes, 1 + source->int_size, error))
    return FALSE;
  guint64 magnitude = 0;
  gboolean fits = bytes[0] <= 1 && decode_number(bytes + 1, source->int_size, &magnitude) && magnitude <= G_MAXUINT32;
  gint64 value = bytes[0] == 0 ? (gint64)magnitude : -(gint64)magnitude;
  gboolean is_negative_zero = bytes[0] == 1 && magnitude == 0;
  if (!fits || is_negative_zero || value < min || value > max) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "impossible %s at byte %" G_GUINT64_FORMAT, what, start);
    return FALSE;
  }
  *ret_value = value;
  return TRUE;
}

gboolean
wire_read_int_in(WireSource *source, int min, int max, const char *what, int *ret_value, GError **error)
{
  gint64 value;
  if (!read_signed(source, min, max, what, &value, error))
    return FALSE;
  *ret_value = (int)value;
  return TRUE;
}

gboolean
wire_read_int(WireSource *source, int *ret_value, GError **error)
{
  return wire_read_int_in(source, G_MININT, G_MAXINT, "integer", ret_value, error);
}

gboolean
wire_read_oid(WireSource *source, guint32 *ret_oid, GError **error)
{
  int value;
  if (!wire_read_int_in(source, G_MININT, G_MAXINT, "OID", &value, error))
    return FALSE;
  *ret_oid = (guint32)value;
  return TRUE;
}

gboolean
wire_read_string(WireSource *source, gsize max_bytes, char **ret_string, GError **error)
{
  guint64 start = wire_source_position(source);
  int length;
  if (!wire_read_int_in(source, -1, G_MAXINT, "string length", &length, error))
    return FALSE;
  if (length < 0) {
    *ret_string = NULL;
    return TRUE;
  }
  if ((gsize)length > max_bytes) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT,
              "a string of %d bytes at byte %" G_GUINT64_FORMAT ", more than are allowed", length, start);
    return FALSE;
  }
  if ((guint64)length > wire_source_remaining(source)) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT,
              "a string of %d bytes at byte %" G_GUINT64_FORMAT " goes beyond the end of the file", length, start);
    return FALSE;
  }
  g_autofree char *string = g_malloc((gsize)length + 1);
  if (!wire_read_bytes(source, (guint8 *)string, (gsize)length, error))
    return FALSE;
  string[length] = '\0';
  if (memchr(string, '\0', (gsize)length) != NULL) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "a string with a zero byte at byte %" G_GUINT64_FORMAT, start);
    return FALSE;
  }
  *ret_string = g_steal_pointer(&string);
  return TRUE;
}

gboolean
wire_read_offset(WireSource *source, ArchiveOffsetState *ret_state, gint64 *ret_offset, GError **error)
{
  g_assert(source->offset_size <= WIRE_MAX_SIZE);
  guint8 bytes[1 + WIRE_MAX_SIZE];
  guint64 start = wire_source_position(source);
  if (!wire_read_bytes(source, bytes, 1 + source->offset_size, error))
    return FALSE;
  guint64 offset = 0;
  gboolean fits = decode_number(bytes + 1, source->offset_size, &offset);
  if (bytes[0] != OFFSET_SET)
    offset = 0;
  if (bytes[0] < OFFSET_NOT_SET || bytes[0] > OFFSET_NO_DATA || !fits || offset > source->size) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "impossible data offset at byte %" G_GUINT64_FORMAT, start);
    return FALSE;
  }
  *ret_state = (ArchiveOffsetState)bytes[0];
  *ret_offset = (gint64)offset;
  return TRUE;
}
