/* Writes all bytes to a file descriptor, continuing after short writes and signals. */
#pragma once

#include <glib.h>

/* `name` is for the error's text: "write <name>: No space left on device" (FILE, DISK_FULL). */
gboolean write_all(int fd, gconstpointer data, gsize size, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* At an offset of the file, without moving its position (pwrite). */
gboolean write_all_at(int fd, gconstpointer data, gsize size, guint64 offset, const char *name,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A file in memory with these bytes, to be read from its start; `name` is for the error's text. -1 with an error. */
int memory_file_new(const char *name, gconstpointer data, gsize size, GError **error) G_GNUC_WARN_UNUSED_RESULT;
