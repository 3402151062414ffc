/* COMMIT whose outcome is found out even when the connection is lost during it. */
#pragma once

#include "pg/connection/connection.h"

typedef enum {
  PG_COMMITTED,
  PG_ABORTED,        /* rolled back: the error says why */
  PG_OUTCOME_UNKNOWN /* the server did not answer within PG_OUTCOME_TIMEOUT_S: the error names the transaction */
} PgOutcome;

#define PG_OUTCOME_TIMEOUT_S 30

/* Commits the transaction of `connection`, which nothing cancels. A server that is shut down may say so after the
 * commit as well as before it, so after a lost connection the transaction's status is asked for on new connections by
 * `dsn`, to any database of the same server. Once the GCancellable that the connection had is triggered, a server that
 * hangs is waited for no more than about 8 s in all. */
PgOutcome pg_commit(PgConnection *connection, const char *dsn, GError **error);

/* "committed", "aborted", "in progress" (pg_catalog.txid_status); NULL when the server does not know any more. */
gboolean pg_transaction_status(PgConnection *connection, const char *xid, char **ret_status, GError **error);
