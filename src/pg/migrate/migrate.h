/* Migrations: numbered SQL files embedded in the binary, applied in order in one transaction under an advisory lock and
 * recorded in cch_data.migrations.
 *
 * Two series. `own` makes our schema cch_data, in every database. `hub` makes the hub's tables of our area in public.
 * public belongs to others, who may not have come yet: a hub that finds a table of its own there does not start. So
 * `hub` runs only
 * - in the private cluster, or when it is asked for (pg_migrate_with_hub_tables), or where cch_data.migrations says
 * that we made these tables before;
 * - and nowhere where a hub keeps the record of its own migrations (drizzle.__drizzle_migrations), or where tables of
 *   another purpose have these names.
 * Its files are idempotent, so that they can run again after an import has replaced public. */
#pragma once

#include "pg/connection/connection.h"

typedef struct {
  guint n_applied;
  gboolean is_hub_managed; /* a hub migrates public */
  gboolean has_hub_tables; /* public has the hub's tables, and they are ours to migrate */
} MigrateResult;

/* Refuses a database that has migrations of ours that this binary does not know: MIGRATION_NEWER, with both versions.
 * Changes nothing; every pg_migrate… asks the same first. */
gboolean pg_migrate_check(PgConnection *connection, GError **error);

/* Opens its own transaction, or, when the connection is in one already, works inside it. */
gboolean pg_migrate(PgConnection *connection, MigrateResult *ret_result, GError **error);

/* Likewise, and makes the hub's tables in a database that somebody named, too. Where they cannot be made,
 * `has_hub_tables` is FALSE; that is not an error. */
gboolean pg_migrate_with_hub_tables(PgConnection *connection, MigrateResult *ret_result, GError **error);

/* The `own` series alone. */
gboolean pg_migrate_own(PgConnection *connection, GError **error);

/* Makes the next pg_migrate run the `hub` series again, where it ran before: after an import replaced public. */
gboolean pg_migrate_forget_hub(PgConnection *connection, GError **error);
