/* Directories that files are kept in: made, and asked for room. */
#pragma once

#include <glib.h>

/* Makes the data directory, and its parents, unless it is there. It is 0700; when we are root 0711, because the private
 * cluster in it runs as another user: so every file in it has to be as closed as it must be by its own mode. */
gboolean directory_ensure(const char *path, GError **error);

/* DISK_FULL when the directory's file system has less than `size_bytes` free; FILE when it cannot be asked. */
gboolean directory_check_free_space(const char *path, guint64 size_bytes, GError **error);
