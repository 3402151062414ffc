/* Warnings of a preview beyond single tables. */
#pragma once

#include "backup/preview/preview_run.h"

/* Warnings about the whole archive; call it after the tables. */
gboolean preview_warn_of_archive(PreviewRun *run, GError **error);
