/* Creates and fills the archive's large objects by SQL. An object whose OID exists already is left alone. */
#pragma once

#include "backup/restore/restore.h"

gboolean large_objects_create(Restore *restore, const TocEntry *entry, GError **error);
gboolean large_objects_write(Restore *restore, const TocEntry *entry, GError **error);

/* Unlinks the existing ones among the entry's objects (overwriting). */
gboolean large_objects_unlink(Restore *restore, const TocEntry *entry, GError **error);
