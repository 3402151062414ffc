/* The data directory, for files that outlive the process. */
#pragma once

#include <glib.h>

/* Makes the directory, and its parents, unless it is there. It is 0700; when we are root 0711, because the private
 * cluster in it runs as another user: so every file in it has to be as closed as it must be by its own mode. */
gboolean data_dir_ensure(const char *path, GError **error);
