/* Warns of what an import would leave out because the role of the connection may not make it, or because the server
 * does not know a privilege. */
#pragma once

#include "backup/preview/preview_run.h"

gboolean preview_warn_of_privileges(PreviewRun *run, GError **error);
