/* One table of a preview. */
#pragma once

#include "backup/preview/preview_run.h"

/* Compares one table's rows with the live ones and adds the table; or a live table that gets none. */
gboolean preview_compare(PreviewRun *run, const TocEntry *entry, GError **error);
gboolean preview_count_live(PreviewRun *run, const char *schema, const char *name, GError **error);
