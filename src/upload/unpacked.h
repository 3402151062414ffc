/* The archive out of a file that wraps one (archive/detect/unwrap.h), as a temporary file. */
#pragma once

#include "upload/temp_file.h"

#include <gio/gio.h>

/* *ret_file is NULL where the file behind fd is not wrapped; then the file itself is to be read. The temporary file has
 * at most `max_bytes`. Errors are those of unwrap_file and of temp_file_create. */
gboolean unpacked_file_create(int fd, const char *directory, guint64 max_bytes, GCancellable *cancellable,
                              TempFile **ret_file, GError **error) G_GNUC_WARN_UNUSED_RESULT;
