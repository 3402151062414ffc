/* An import in one transaction: a merge, or an overwrite that cannot be, or is not to be, done by swap. */
#pragma once

#include "backup/import/import_run.h"

/* The whole import. Deadlocks with a running hub make it start again, a few times. */
gboolean import_in_transaction(ImportRun *run, GError **error);
