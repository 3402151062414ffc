/* What a batch and its undo share: a transaction that is tried again after a deadlock, its record, and its outcome. */
#pragma once

#include "batch/batch.h"
#include "batch/rows.h"

typedef struct {
  const BatchContext *context;
  GCancellable *cancellable;
  PgConnection *connection;
  const char *kind; /* "users:batchUpdate", …, "operations:undo" */
  gboolean is_dry_run;
  char *operation_id;
  json_t *changes; /* what batch_rows_record says, of all tables together */
  json_t *answer;  /* of the operation, or of the one that it repeats */
  gboolean is_repetition;
  gpointer user_data;
} BatchTransaction;

/* Does the work inside the transaction, adds to `changes` and sets `answer`. Starts from nothing at each attempt. */
typedef gboolean (*BatchWorkFunc)(BatchTransaction *transaction, GError **error);

/* Opens the connection, runs `work` in a transaction, records and commits (or rolls back a dry run). TRUE: `answer` is
 * the answer. */
gboolean batch_transaction_run(BatchTransaction *transaction, BatchWorkFunc work, GError **error);
void batch_transaction_clear(BatchTransaction *transaction);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BatchTransaction, batch_transaction_clear)

/* Writes a set of rows and notes what changed. */
gboolean batch_transaction_write(BatchTransaction *transaction, BatchRows *rows, GError **error);
