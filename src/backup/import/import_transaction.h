/* An import in one transaction: a merge, or an overwrite without a swap. */
#pragma once

#include "backup/import/import_run.h"

/* Runs the whole import. After a deadlock with a running hub it starts again, a few times. */
gboolean import_in_transaction(ImportRun *run, GError **error);
