/* Reads a whole file for a command. */
#pragma once

#include <glib.h>

/* The contents of a file, or of standard input for "-": at most 64 KiB more than `max_bytes`, from which the caller
 * sees that it is too large. FILE_FAILED with the system's message; free with g_string_free. */
GString *cli_read_input(const char *path, gsize max_bytes, GError **error);
