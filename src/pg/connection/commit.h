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

/* What became of transaction `xid`, whose connection was lost: asked on new connections by `dsn` for up to `wait_s`, or
 * for a last look once `leaving` (may be NULL) is triggered. An error says what PG_COMMITTED does not. */
PgOutcome pg_find_outcome(const char *dsn, const char *xid, guint wait_s, GCancellable *leaving, GError **error);

/* "committed", "aborted", "in progress" (pg_catalog.txid_status); NULL when the server does not know any more. */
gboolean pg_transaction_status(PgConnection *connection, const char *xid, char **ret_status, GError **error);
