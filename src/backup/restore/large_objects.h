/* Large objects of an archive: made and filled by SQL. One whose OID is taken is there already and stays. */
#pragma once

#include "backup/restore/restore.h"

gboolean large_objects_create(Restore *restore, const TocEntry *entry, GError **error);
gboolean large_objects_write(Restore *restore, const TocEntry *entry, GError **error);

/* Unlinks the ones that the entry names, as far as they are there (overwriting). */
gboolean large_objects_unlink(Restore *restore, const TocEntry *entry, GError **error);
