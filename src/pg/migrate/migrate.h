/* Migrations: numbered SQL files embedded in the binary, applied in order in one transaction under an advisory lock,
 * and recorded in cch_data.migrations.
 *
 * There are two series. `own` creates our schema cch_data, in every database. `hub` creates the hub's tables in public.
 * A hub that finds one of its tables at its first start does not start. So `hub` runs only
 *
 * - in the private cluster, or on request (pg_migrate_with_hub_tables), or if cch_data.migrations says that we created
 *   these tables before;
 * - and never in a database where a hub keeps the record of its own migrations (drizzle.__drizzle_migrations), or where
 *   unrelated tables have these names.
 *
 * Its files are idempotent, so they can run again after an import has replaced public. */
#pragma once

#include "pg/connection/connection.h"

typedef struct {
  guint n_applied;
  gboolean is_hub_managed; /* a hub migrates public */
  gboolean has_hub_tables; /* public has the hub's tables, and we migrate them */
} MigrateResult;

/* Refuses a database with migrations of ours that this binary does not know: MIGRATION_NEWER, with both versions.
 * Changes nothing; every pg_migrate… checks this first. */
gboolean pg_migrate_check(PgConnection *connection, GError **error);

/* Opens its own transaction, or works inside the connection's open one. */
gboolean pg_migrate(PgConnection *connection, MigrateResult *ret_result, GError **error);

/* pg_migrate, and creates the hub's tables even outside the private cluster. If they cannot be created,
 * `has_hub_tables` is FALSE, without an error. */
gboolean pg_migrate_with_hub_tables(PgConnection *connection, MigrateResult *ret_result, GError **error);

/* The `own` series alone. */
gboolean pg_migrate_own(PgConnection *connection, GError **error);

/* Makes the next pg_migrate run the `hub` series again if it has run before; for an import that replaced public. */
gboolean pg_migrate_forget_hub(PgConnection *connection, GError **error);
