/* Circuit breakers, which are stored in Redis: those of each provider, of its endpoints, and of its vendor and type. */
#pragma once

#include "batch/run/batch.h"

/* Closes the breakers of these providers: {"providerIds": [1, 2], "dryRun": false}. The states are written as the
 * hub writes them (five fields of a hash that expires after a day), all in one step. A breaker that was opened by
 * hand stays open. Every instance of the hub is told. Returns {operationId, requestedCount, resetCount, resetIds,
 * dryRun}, counting providers whose breakers were not closed. Recorded and repeated like any batch, but cannot be
 * undone. BATCH_CIRCUIT_REDIS without Redis: nothing was done. */
json_t *batch_circuits_reset(const BatchContext *context, const JsonTree *body, BatchProblems *problems,
                             GCancellable *cancellable, GError **error);
/* The same for a request (BATCH_PROVIDERS, BATCH_DELETE). */
json_t *batch_circuits_run(const BatchContext *context, const BatchRequest *request, BatchProblems *problems,
                           GCancellable *cancellable, GError **error);
