/* Takes an archive out of what people wrap around one: gzip (RFC 1952), zstd (RFC 8878), or a ZIP file of one file.
 *
 * Hostile bytes: memory is constant (zstd: plus its window, at most 128 MB), and the caller bounds what comes out. What
 * is inside must itself be an archive in custom format; anything else is ARCHIVE_FORMAT, called by its name. */
#pragma once

#include <gio/gio.h>

/* TRUE when a file that begins with these bytes is wrapped, or is too short yet to tell. 4 bytes suffice. */
gboolean unwrap_is_plausible(const guint8 *head, gsize n_bytes);

typedef enum {
  UNWRAP_WHOLE,    /* the whole file: its end is checked */
  UNWRAP_BEGINNING /* only the beginning of one: passes on what it holds */
} UnwrapExtent;

/* Receives the archive's bytes. FALSE with an error set stops the unpacking. */
typedef gboolean (*UnwrapSinkFunc)(const guint8 *data, gsize size, gpointer user_data, GError **error);

/* Unpacks the regular file behind fd from its start. ARCHIVE_FORMAT, ARCHIVE_CORRUPT (damaged, or cut short),
 * IMPORT_FILE_TOO_LARGE when more than `max_bytes` would come out, CANCELLED, or the sink's error. */
gboolean unwrap_file(int fd, UnwrapExtent extent, guint64 max_bytes, UnwrapSinkFunc sink, gpointer user_data,
                     GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
