/* The entries that are left out with an extension: itself, its comment, and all that depends on it. */
#pragma once

#include "archive/read/reader.h"

/* `names`: of extensions; NULL: none. `ret_left_out`: a set of TocEntry; free with g_hash_table_unref.
 * REQUEST_PARAMETER if the archive lacks an extension of that name; IMPORT_INCOMPATIBLE if rows, keys or constraints
 * need it. */
gboolean plan_without_extensions(const ArchiveReader *reader, const char *const *names, GHashTable **ret_left_out,
                                 GError **error);
