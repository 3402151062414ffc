/* Commits a transaction and determines the outcome even if the connection is lost meanwhile. */
#pragma once

#include "pg/connection/connection.h"

typedef enum {
  PG_COMMITTED,
  PG_ABORTED,        /* rolled back; the error has the reason */
  PG_OUTCOME_UNKNOWN /* the server did not answer within PG_OUTCOME_TIMEOUT_S; the error names the transaction */
} PgOutcome;

#define PG_OUTCOME_TIMEOUT_S 30

/* Commits the transaction of `connection`; nothing cancels the COMMIT. A server may report its shutdown before or
 * after the commit. So after a lost connection, new connections by `dsn`, to any database of the same server, ask
 * for the transaction's status. Once the connection's former GCancellable is triggered, the wait for a hanging
 * server is limited to about 8 s in all. */
PgOutcome pg_commit(PgConnection *connection, const char *dsn, GError **error);

/* The outcome of transaction `xid`, whose connection was lost. Asks on new connections by `dsn` for up to `wait_s`,
 * or once more after `leaving` (may be NULL) is triggered. The error explains any result but PG_COMMITTED. */
PgOutcome pg_find_outcome(const char *dsn, const char *xid, guint wait_s, GCancellable *leaving, GError **error);

/* "committed", "aborted", "in progress" (pg_catalog.txid_status); NULL if the server does not know any more. */
gboolean pg_transaction_status(PgConnection *connection, const char *xid, char **ret_status, GError **error);
