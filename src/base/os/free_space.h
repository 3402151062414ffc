/* Free disk space, checked before something large is written. */
#pragma once

#include <glib.h>

/* DISK_FULL when the directory's file system has less than `size_bytes` free; FILE when it cannot be asked. */
gboolean free_space_check(const char *directory, guint64 size_bytes, GError **error);
