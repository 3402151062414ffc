/* Runs a batch in one transaction.
 *
 * The rows are locked in the order of their ids (of keys: their users first, so that two batches cannot take a
 * user's last keys together), compared, written by one UPDATE, checked against the rules, and recorded with their
 * old values in cch_data.operations. Then the hub is told over Redis. A dry run does the same, even if a rule
 * refuses the batch, and rolls back. Deadlocks with the running hub are retried. */
#pragma once

#include "batch/fields/request.h"
#include "pg/connection/connection.h"

#include <gio/gio.h>

typedef struct {
  const char *dsn;
  PgConnection *connection; /* for this batch and others in a row */
  const char *redis_url;    /* NULL: none */
  const char *who;          /* the actor, for the audit log; "operator @ address" */
  const char *client_ip;
  Language language;
  const char *idempotency_key; /* NULL: none */
  const char *fingerprint;     /* of the request, to tell a repetition from another use of the key */
} BatchContext;

/* How long an operation can be undone and its idempotency key is kept. */
#define BATCH_KEEP_HOURS 24

/* Returns the answer: {operationId, requestedCount, updatedCount, updatedIds, changedCount, dryRun, cacheNotified};
 * for a delete deletedCount and deletedIds; for a dry run also rows, fields, refused (batch/rows/record.h,
 * batch/fields/problems.h). On an error `problems` may have details. Errors: BATCH_*, REQUEST_PARAMETER, DATABASE_*,
 * CANCELLED. */
json_t *batch_run(const BatchContext *context, const BatchRequest *request, BatchProblems *problems,
                  GCancellable *cancellable, GError **error);

/* The widths of the entity's columns, for a BatchRequest: column → number of characters. */
GHashTable *batch_read_widths(PgConnection *connection, BatchEntity entity, GError **error);

/* Parses JSON and runs the batch. */
json_t *batch_run_json(const BatchContext *context, BatchEntity entity, BatchAction action, const JsonTree *body,
                       BatchProblems *problems, GCancellable *cancellable, GError **error);
