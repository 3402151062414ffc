/* Files that hold secrets. */
#pragma once

#include <glib.h>

/* CONFIG, with the file's name, unless the open file is a regular one that only its owner may read. Rights of the group
 * are taken away first: Kubernetes gives them to every file of a volume at each start (fsGroup). */
gboolean private_file_check(int fd, const char *path, GError **error);
