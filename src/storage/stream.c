#include "storage/stream.h"

#include "base/error.h"

#include <errno.h>
#include <unistd.h>

struct StorageStream {
  const StorageStreamFuncs *funcs;
  gpointer source;
  gboolean is_ended;
  GError *failure; /* repeated by further reads */
};

StorageStream *
storage_stream_new(const StorageStreamFuncs *funcs, gpointer source)
{
  StorageStream *stream = g_new0(StorageStream, 1);
  *stream = (StorageStream){.funcs = funcs, .source = source};
  return stream;
}

void
storage_stream_free(StorageStream *stream)
{
  if (stream == NULL)
    return;
  stream->funcs->free(stream->source);
  g_clear_error(&stream->failure);
  g_free(stream);
}

gssize
storage_stream_read(StorageStream *stream, gpointer buffer, gsize size, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail(size > 0, -1);
  if (stream->is_ended)
    return 0;
  if (stream->failure == NULL) {
    gssize n = error_if_cancelled(cancellable, &stream->failure)
                   ? -1
                   : stream->funcs->read(stream->source, buffer, size, cancellable, &stream->failure);
    stream->is_ended = n == 0;
    if (n >= 0)
      return n;
  }
  g_propagate_error(error, g_error_copy(stream->failure));
  return -1;
}

static gssize
file_read(gpointer source, gpointer buffer, gsize size, GCancellable *cancellable, GError **error)
{
  (void)cancellable; /* asked before each read */
  ssize_t n;
  do
    n = read(GPOINTER_TO_INT(source), buffer, size);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    error_set_errno(error, errno, "read a file");
  return n;
}

static void
file_free(gpointer source)
{
  close(GPOINTER_TO_INT(source));
}

StorageStream *
storage_stream_from_fd(int fd)
{
  static const StorageStreamFuncs funcs = {.read = file_read, .free = file_free};
  return storage_stream_new(&funcs, GINT_TO_POINTER(fd));
}
