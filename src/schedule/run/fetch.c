#include "schedule/run/fetch.h"

#include "base/error.h"
#include "base/os/write_all.h"
#include "base/sha256.h"
#include "storage/age.h"

#include <string.h>

enum { BUFFER_BYTES = 256 * 1024 };

typedef struct {
  guint64 bytes;
  char sha256[SHA256_TEXT_BYTES]; /* after the end */
} Measured;

/* A stream whose bytes are counted and hashed as they pass. */
typedef struct {
  StorageStream *stream;
  Sha256 *sha256;
  Measured *measured; /* of the caller, who outlives it */
} MeasuredSource;

static gssize
read_measured(gpointer data, gpointer buffer, gsize size, GCancellable *cancellable, GError **error)
{
  MeasuredSource *source = data;
  gssize n = storage_stream_read(source->stream, buffer, size, cancellable, error);
  if (n > 0) {
    sha256_push(source->sha256, buffer, (gsize)n);
    source->measured->bytes += (guint64)n;
  }
  if (n == 0)
    sha256_take(source->sha256, source->measured->sha256);
  return n;
}

static void
free_measured(gpointer data)
{
  MeasuredSource *source = data;
  storage_stream_free(source->stream);
  sha256_free(source->sha256);
  g_free(source);
}

static StorageStream *
measure(StorageStream *stream, Measured *measured)
{
  static const StorageStreamFuncs funcs = {read_measured, free_measured};
  MeasuredSource *source = g_new0(MeasuredSource, 1);
  *source = (MeasuredSource){stream, sha256_new(), measured};
  return storage_stream_new(&funcs, source);
}

static gboolean
check_measured(const Measured *measured, guint64 bytes, const char *sha256, GError **error)
{
  if (measured->bytes != bytes) {
    error_set(error, CCH_ERROR_BACKUP_DAMAGED, "%" G_GUINT64_FORMAT " bytes instead of %" G_GUINT64_FORMAT,
              measured->bytes, bytes);
    return FALSE;
  }
  if (sha256 != NULL && strcmp(measured->sha256, sha256) != 0) {
    error_set(error, CCH_ERROR_BACKUP_DAMAGED, "SHA-256 %s instead of %s", measured->sha256, sha256);
    return FALSE;
  }
  return TRUE;
}

/* age reads to the end of what it decrypts, so all bytes are measured then. */
gboolean
fetch_file(Storage *storage, const char *path, guint64 bytes, const char *sha256, const FetchOptions *options,
           GCancellable *cancellable, GError **error)
{
  Measured measured = {0};
  guint64 total = 0;
  StorageStream *plain = storage_get(storage, path, &total, cancellable, error);
  if (plain == NULL)
    return FALSE;
  g_autoptr(StorageStream) stream = measure(plain, &measured);
  if (options->identity != NULL)
    stream = age_decrypt(g_steal_pointer(&stream), options->identity, error);
  if (stream == NULL)
    return FALSE;
  g_autofree guint8 *buffer = g_malloc(BUFFER_BYTES);
  gssize n;
  while ((n = storage_stream_read(stream, buffer, BUFFER_BYTES, cancellable, error)) > 0) {
    if (!options->write(options->target, buffer, (gsize)n, error))
      return FALSE;
    if (options->progress != NULL)
      options->progress(measured.bytes, total, options->data);
  }
  return n == 0 && check_measured(&measured, bytes, sha256, error);
}

gboolean
fetch_write_fd(gpointer fd, const guint8 *bytes, gsize size, GError **error)
{
  return write_all(*(const int *)fd, bytes, size, "the fetched backup", error);
}
