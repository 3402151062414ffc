/* What a batch and its undo share: a transaction that is tried again after a deadlock, its record, and its outcome. */
#pragma once

#include "batch/rows/rows.h"
#include "batch/run/batch.h"

typedef struct {
  const BatchContext *context;
  BatchProblems *problems;
  GCancellable *cancellable;
  PgConnection *connection; /* the context's, or one of its own */
  const char *kind;         /* "users:batchUpdate", …, "operations:undo" */
  gboolean is_dry_run;
  char *operation_id;
  json_t *changes;        /* what batch_rows_record says, of all tables together */
  json_t *answer;         /* of the operation, or of the one that it repeats */
  json_t *before, *after; /* for the audit, of what is no row; NULL: what `changes` says */
  gboolean is_repetition;
  gpointer user_data;
} BatchTransaction;

/* Does the work inside the transaction, adds to `changes` and sets `answer`; rows that are in the way are noted as
 * refused in `problems`. Starts from nothing at each attempt. */
typedef gboolean (*BatchWorkFunc)(BatchTransaction *transaction, GError **error);

/* Runs `work` in a transaction, records, commits and tells the hub; a dry run is rolled back, and its answer shows what
 * would change and what would be refused. TRUE: `answer` is the answer. */
gboolean batch_transaction_run(BatchTransaction *transaction, BatchWorkFunc work, GError **error);
void batch_transaction_clear(BatchTransaction *transaction);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BatchTransaction, batch_transaction_clear)

/* Writes a set of rows and notes what changed. */
gboolean batch_transaction_write(BatchTransaction *transaction, BatchRows *rows, GError **error);
