/* Which entries depend on which, from the dependencies that each entry states. */
#pragma once

#include "archive/read/reader.h"

/* Dump ID → GPtrArray of the TocEntry that depend on it; free with g_hash_table_unref. */
GHashTable *plan_dependents_new(const ArchiveReader *reader);
