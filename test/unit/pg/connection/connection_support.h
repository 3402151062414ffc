/* Shared by the tests of connections: a server, and statements that must succeed. */
#pragma once

#include "base/error.h"
#include "pg/connection/connection.h"

/* The server that open_connection connects to, as superuser; group set-up and tear-down of cmocka. */
int start_postgres(void **state);
int stop_postgres(void **state);
const char *postgres_dsn(void);

PgConnection *open_dsn(const char *dsn);
PgConnection *open_connection(void);
PgConnection *open_database(const char *name);
PgConnection *create_database(const char *name);
void exec_ok(PgConnection *connection, const char *sql);
char *ask(PgConnection *connection, const char *sql); /* free with g_free */
void assert_value(PgConnection *connection, const char *sql, const char *expected);
void assert_error(const GError *error, ErrorCode code, const char *sqlstate);

/* Cancels a GCancellable after 200 ms; a thread function that can also be called directly. */
gpointer cancel_soon(gpointer cancellable);

typedef struct {
  char *pid;
  guint delay_ms;
} Termination;

/* Ends a backend (Termination) from another connection; a thread function that can also be called directly. */
gpointer terminate_backend(gpointer termination);
char *backend_pid(PgConnection *connection);
