/* An overwrite by swap: a shadow database is loaded beside the live one and takes its place. */
#pragma once

#include "backup/import/import_run.h"

/* The whole import. IMPORT_SWAP_IMPOSSIBLE, with the reason as message, when it cannot be: nothing has happened then,
 * but that the reader has been scanned. */
gboolean import_by_swap(ImportRun *run, GError **error);
