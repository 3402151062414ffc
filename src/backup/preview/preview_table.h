/* Compares one table for a preview. */
#pragma once

#include "backup/preview/preview_run.h"

/* Compares one table's rows with the live ones and adds the table to the preview; or adds a live table that gets no
 * rows. */
gboolean preview_compare(PreviewRun *run, const TocEntry *entry, GError **error);
gboolean preview_count_live(PreviewRun *run, const char *schema, const char *name, GError **error);
