/* Runs `cch-data batch` over checked rows: preview, confirmation, then batches of 500. */
#pragma once

#include "batch/edits/edits.h"
#include "batch/run/batch.h"
#include "cli/command/command.h"

typedef enum { CLI_BATCH_UPDATE, CLI_BATCH_DELETE, CLI_BATCH_RESET } CliBatchAction;

typedef struct {
  CliContext *context;
  const BatchContext *batch;
  const BatchEdits *edits; /* complete */
  CliBatchAction action;
  const GArray *values;  /* for all rows; NULL: each has its own */
  const char *rest_path; /* for what could not be done; NULL: no such file */
  gboolean is_dry_run, is_confirmed;
} CliBatchJob;

/* Every batch is tried, but for those that come after one which failed for a reason that will not go away. Prints what
 * was done. The first failure is the error; what was done before it and after it stands. */
gboolean cli_batch_job_run(const CliBatchJob *job, GError **error);

/* On a terminal asks; elsewhere USAGE, which says that --yes is needed. */
gboolean cli_batch_confirm(const CliContext *context, GError **error);
