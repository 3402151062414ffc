/* Unwraps an archive from gzip (RFC 1952), zstd (RFC 8878), or a ZIP file with one file.
 *
 * Input is hostile: memory is constant (zstd: plus its window, at most 128 MB), and the caller bounds the output.
 * The content must be an archive in custom format; anything else is ARCHIVE_FORMAT, with the name of its kind. */
#pragma once

#include <gio/gio.h>

/* TRUE if a file that begins with these bytes is wrapped, or if there are too few to tell. 4 bytes suffice. */
gboolean unwrap_is_plausible(const guint8 *head, gsize n_bytes);

typedef enum {
  UNWRAP_WHOLE,    /* the whole file; its end is checked */
  UNWRAP_BEGINNING /* only the beginning of a file; passes on what it contains */
} UnwrapExtent;

/* Receives the archive's bytes. FALSE with an error set stops the unpacking. */
typedef gboolean (*UnwrapSinkFunc)(const guint8 *data, gsize size, gpointer user_data, GError **error);

/* Unpacks the regular file behind fd from its start. Errors: ARCHIVE_FORMAT, ARCHIVE_CORRUPT (damaged, or
 * truncated), IMPORT_FILE_TOO_LARGE for more than `max_bytes` of output, CANCELLED, or the sink's error. */
gboolean unwrap_file(int fd, UnwrapExtent extent, guint64 max_bytes, UnwrapSinkFunc sink, gpointer user_data,
                     GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
