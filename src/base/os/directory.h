/* Creates directories and checks their free space. */
#pragma once

#include <glib.h>

/* Creates the data directory and its parents unless it exists. Its mode is 0700; as root 0711, because the private
 * cluster in it runs as another user. Every file in it must therefore protect itself by its own mode. */
gboolean directory_ensure(const char *path, GError **error);

/* DISK_FULL if the directory's file system has less than `size_bytes` free; FILE if that cannot be determined. */
gboolean directory_check_free_space(const char *path, guint64 size_bytes, GError **error);
