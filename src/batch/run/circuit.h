/* Circuit breakers, which live in Redis: each provider's, those of its endpoints, and of its vendor and type. */
#pragma once

#include "batch/run/batch.h"

/* Closes the breakers of these providers: {"providerIds": [1, 2], "dryRun": false}. The states are written as the hub
 * writes them (five fields of a hash, a day's life), all in one step; one that somebody opened by hand stays. Every
 * instance of the hub is told. {operationId, requestedCount, resetCount, resetIds, dryRun}: of providers that had
 * something to reset. It is recorded and repeated as any batch, but cannot be undone. BATCH_CIRCUIT_REDIS without
 * Redis: nothing was done. */
json_t *batch_circuits_reset(const BatchContext *context, const JsonTree *body, BatchProblems *problems,
                             GCancellable *cancellable, GError **error);
/* The same of a request (BATCH_PROVIDERS, BATCH_DELETE). */
json_t *batch_circuits_run(const BatchContext *context, const BatchRequest *request, BatchProblems *problems,
                           GCancellable *cancellable, GError **error);
