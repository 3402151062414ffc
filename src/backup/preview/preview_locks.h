/* Estimates how long an import would make the hub wait, from rates measured on a busy machine with two cores. */
#pragma once

#include "backup/preview/preview_run.h"

/* Estimates the lock of the table that preview_compare added last, in the same transaction. */
gboolean preview_note_lock(PreviewRun *run, const TocEntry *entry, GError **error);
/* After all tables: warns, and names a gentler method. */
gboolean preview_warn_of_locks(PreviewRun *run, GError **error);
