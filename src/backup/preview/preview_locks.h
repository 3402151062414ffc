/* For how long an import would make the hub wait. Estimates: what the rate of a busy machine of two cores was. */
#pragma once

#include "backup/preview/preview_run.h"

/* After preview_compare, in the same transaction: of the table that it has added. */
gboolean preview_note_lock(PreviewRun *run, const TocEntry *entry, GError **error);
/* After all tables: warns, and names the gentler way. */
gboolean preview_warn_of_locks(PreviewRun *run, GError **error);
