/* Names of files at a destination, and lists of them. Private to the room. */
#pragma once

#include "storage/storage.h"

#define STORAGE_PARTIAL_SUFFIX ".partial"

/* Has the form that storage.h describes, of a file or a folder. */
gboolean storage_name_is_valid(const char *name);
/* And its last part begins with "backup_". */
gboolean storage_name_is_ours(const char *name);

/* "NAME.<random>.partial"; free with g_free. */
char *storage_partial_name(const char *name);

/* An array of StorageFile. */
GPtrArray *storage_files_new(void);
/* Adds the file if its name is one of ours. STORAGE_FAILED if there are too many. */
gboolean storage_files_add(GPtrArray *files, const char *name, guint64 bytes, gint64 modified_s, GError **error);
