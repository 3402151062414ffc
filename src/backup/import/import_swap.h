/* An overwrite by swap: loads a shadow database beside the live one and swaps them. */
#pragma once

#include "backup/import/import_run.h"

/* Runs the whole import. IMPORT_SWAP_IMPOSSIBLE, with the reason as message, if a swap is not possible; the only
 * change is then that the reader has been scanned. */
gboolean import_by_swap(ImportRun *run, GError **error);
