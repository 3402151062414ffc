/* A secret of this installation, generated once: a file of one line, mode 0600, in the data directory. */
#pragma once

#include <glib.h>

/* Reads the file, or creates it with 32 random bytes as base64url; free with g_free. `ret_is_new` (may be NULL) says
 * whether it was created. FILE errors; CONFIG if others may read it, or its content is not a secret. */
char *secret_file_load(const char *path, gboolean *ret_is_new, GError **error);
