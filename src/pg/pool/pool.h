/* Connections to one database that short requests use one after the other, instead of each opening its own. A few are
 * kept for half a minute after their last use, named "cch-data idle" in pg_stat_activity. Thread-safe. */
#pragma once

#include "pg/connection/connection.h"

typedef struct PgPool PgPool;

/* Connects when a connection is needed. `dsn` is anything that dsn_check accepts. */
PgPool *pg_pool_new(const char *dsn);
/* Every connection must have been freed; NULL is ignored. */
void pg_pool_free(PgPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PgPool, pg_pool_free)

/* With its secrets; owned by the pool. */
const char *pg_pool_dsn(const PgPool *pool);

/* A connection as pg_connection_open returns it: a kept one that has answered within a second, or else a new one.
 * pg_connection_free gives it back, which ends its settings, temporary tables and session locks, but not its prepared
 * statements. In a transaction or in doubt it is not kept. */
PgConnection *pg_pool_take(PgPool *pool, const char *application_name, GCancellable *cancellable, GError **error);
/* The same as pg_connection_open_within does it. */
PgConnection *pg_pool_take_within(PgPool *pool, const char *application_name, guint timeout_ms,
                                  GCancellable *cancellable, GError **error);

/* A connection to the database "postgres" beside the pool's own, likewise. One is kept. */
PgConnection *pg_pool_take_beside(PgPool *pool, const char *application_name, guint timeout_ms,
                                  GCancellable *cancellable, GError **error);

/* Ends the connections that are kept, and keeps none until pg_pool_resume, for operations that exchange the database.
 * Pauses may overlap; each has its own resume. */
void pg_pool_pause(PgPool *pool);
void pg_pool_resume(PgPool *pool);
