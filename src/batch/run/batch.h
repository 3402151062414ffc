/* Runs a batch: all of it in one transaction, or nothing.
 *
 * The rows are locked in the order of their ids (of keys: their users first, so that no two batches can take a user's
 * last keys together), compared, written by one UPDATE, checked against the rules, and recorded in cch_data.operations
 * with what was before; then the hub is told over Redis. A dry run does the very same, also with what a rule refuses,
 * and rolls back. Deadlocks with the running hub are tried again. */
#pragma once

#include "batch/fields/request.h"
#include "pg/connection/connection.h"

#include <gio/gio.h>

typedef struct {
  const char *dsn;
  PgConnection *connection; /* to work on, for several batches in a row; NULL: one of its own */
  const char *redis_url;    /* NULL: none */
  const char *who;          /* for the audit; "operator @ address" */
  const char *client_ip;
  Language language;
  const char *idempotency_key; /* NULL: none */
  const char *fingerprint;     /* of the request, to tell a repetition from another use of the same key */
} BatchContext;

/* How long an operation can be undone, and its idempotency key is remembered. */
#define BATCH_KEEP_HOURS 24

/* The answer: {operationId, requestedCount, updatedCount, updatedIds, changedCount, dryRun, cacheNotified}, of a delete
 * deletedCount and deletedIds; of a dry run {…, rows, fields, refused}, see batch/rows/record.h and
 * batch/fields/problems.h. On an error `problems` may say what is wrong where. Errors: BATCH_*, REQUEST_PARAMETER,
 * DATABASE_*, CANCELLED. */
json_t *batch_run(const BatchContext *context, const BatchRequest *request, BatchProblems *problems,
                  GCancellable *cancellable, GError **error);

/* The widths of the entity's columns, for a BatchRequest: column → number of characters. */
GHashTable *batch_read_widths(PgConnection *connection, BatchEntity entity, GError **error);

/* Reads JSON and runs. */
json_t *batch_run_json(const BatchContext *context, BatchEntity entity, BatchAction action, const JsonTree *body,
                       BatchProblems *problems, GCancellable *cancellable, GError **error);
