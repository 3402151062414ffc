/* Bytes that come from a destination, a file, or a decryption; read once, from front to back, by one thread. */
#pragma once

#include <gio/gio.h>

typedef struct StorageStream StorageStream;

/* Reads at most `size` bytes. 0 is the end: everything was delivered, and whatever delivered it has ended well. -1 with
 * an error otherwise (see storage.h); further reads repeat it. Waits no longer than the other side may be silent. */
gssize storage_stream_read(StorageStream *stream, gpointer buffer, gsize size, GCancellable *cancellable,
                           GError **error);
void storage_stream_free(StorageStream *stream); /* ends what delivers it; NULL is ignored */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StorageStream, storage_stream_free)

/* The file from the descriptor's position to its end; takes the descriptor. */
StorageStream *storage_stream_from_fd(int fd);

/* Another source of bytes. */
typedef struct {
  gssize (*read)(gpointer source, gpointer buffer, gsize size, GCancellable *cancellable, GError **error);
  void (*free)(gpointer source);
} StorageStreamFuncs;
StorageStream *storage_stream_new(const StorageStreamFuncs *funcs, gpointer source);
