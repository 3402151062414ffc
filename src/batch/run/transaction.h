/* Shared by a batch and its undo: a transaction that is retried after a deadlock, its record, and its outcome. */
#pragma once

#include "batch/rows/journal.h"
#include "batch/run/batch.h"

typedef struct {
  const BatchContext *context;
  BatchProblems *problems;
  GCancellable *cancellable;
  PgConnection *connection; /* the context's */
  const char *kind;         /* "users:batchUpdate", …, "operations:undo" */
  gboolean is_dry_run;
  char *operation_id;
  BatchJournal *journal;  /* of all tables together */
  GArray *changed;        /* HubChange: its rows, for the hub */
  json_t *answer;         /* of the operation, or of the one that it repeats */
  json_t *before, *after; /* for the audit, if it is not about rows; NULL: use the journal */
  gboolean is_repetition;
  gpointer user_data;
} BatchTransaction;

/* Does the work inside the transaction, adds to the journal and sets `answer`; notes refused rows in `problems`. Each
 * attempt starts from scratch. */
typedef gboolean (*BatchWorkFunc)(BatchTransaction *transaction, GError **error);

/* Runs `work` in a transaction, records it, commits, and tells the hub. A dry run is rolled back; its answer shows
 * what would change and what would be refused. TRUE: `answer` is set. */
gboolean batch_transaction_run(BatchTransaction *transaction, BatchWorkFunc work, GError **error);
void batch_transaction_clear(BatchTransaction *transaction);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BatchTransaction, batch_transaction_clear)

/* Writes a set of rows and notes the changes. */
gboolean batch_transaction_write(BatchTransaction *transaction, BatchRows *rows, GError **error);
