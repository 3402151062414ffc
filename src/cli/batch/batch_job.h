/* Runs `cch-data batch` over validated rows: preview, confirmation, then batches of 500. */
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
  const GArray *values;  /* for all rows; NULL: each row has its own */
  const char *rest_path; /* for rows that fail; NULL: no such file */
  gboolean is_dry_run, is_confirmed;
} CliBatchJob;

/* Tries every batch, but stops after a failure that would repeat. Prints the results. The first failure is the
 * error; successful batches remain. */
gboolean cli_batch_job_run(const CliBatchJob *job, GError **error);

/* Asks on a terminal; elsewhere USAGE, which mentions --yes. */
gboolean cli_batch_confirm(const CliContext *context, GError **error);
