/* A file that a command reads whole. */
#pragma once

#include <glib.h>

/* The contents of a file, or of standard input for "-": at most 64 KiB more than `max_bytes`, by which the caller sees
 * that it is too large. FILE_FAILED with what the system says; free with g_string_free. */
GString *cli_read_input(const char *path, gsize max_bytes, GError **error);
