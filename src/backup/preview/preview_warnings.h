/* What a preview warns of beside the rows of single tables. */
#pragma once

#include "backup/preview/preview_run.h"

/* Of the archive as a whole; after the tables. */
gboolean preview_warn_of_archive(PreviewRun *run, GError **error);
