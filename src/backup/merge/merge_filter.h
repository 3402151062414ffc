/* Stages only those rows of the archive that the live table lacks, or has with other values.
 *
 * The server says of some thousands of rows at a time which of them are unknown or have another hash, while the next
 * ones are read and hashed (merge_lookup.h). The hash is SHA-256 of ROW(…)::text. The same value can be written
 * differently, as a time is in another zone: rows with another hash are compared whole, by merge_differs. A row that
 * is there as it is in the archive is neither converted nor stored. */
#pragma once

#include "backup/merge/merge_table.h"
#include "backup/restore/way.h"

typedef struct {
  guint64 rows;         /* in the archive */
  guint64 equal;        /* not staged: there as they are in the archive; merge_stage_unequal */
  guint64 different;    /* not staged: there with other values; merge_stage_missing */
  gboolean is_compared; /* FALSE: the server refused a value, and `different` is not known */
} MergeFound;

/* Fills MERGE_STAGE, which exists and is empty. For a table with an identity, in a savepoint. Rows with the same key
 * are either all staged, or none. */
gboolean merge_stage_missing(Restore *restore, const MergeTable *table, MergeFound *ret_found, GError **error);

/* Fills it with the rows that are missing or may be different. A row with the key of another one of the archive is
 * staged together with that, so that the first can be told from its twins: where that is not certain, because the
 * identity is no integer or keys occur twice, all rows are staged. In a savepoint. */
gboolean merge_stage_unequal(Restore *restore, const MergeTable *table, MergeFound *ret_found, GError **error);
