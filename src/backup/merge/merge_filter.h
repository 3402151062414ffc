/* Stages only those rows of the archive that the live table lacks.
 *
 * While rows are read, their keys go into a temporary table, some thousands at a time, and the server says which of
 * them are unknown. An existing row is neither converted nor stored. Looking up a key costs the server about a fifth
 * of staging a row of the request log. */
#pragma once

#include "backup/merge/merge_table.h"
#include "backup/restore/way.h"

/* Fills MERGE_STAGE, which exists and is empty. For a table with an identity, in a savepoint. *ret_rows: the number
 * of rows in the archive. Rows with the same key are either all staged, or none. */
gboolean merge_stage_missing(Restore *restore, const MergeTable *table, guint64 *ret_rows, GError **error);
