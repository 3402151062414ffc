/* Migrations: numbered SQL files embedded in the binary, applied in order in one transaction under an advisory lock and
 * recorded in cch_data.migrations.
 *
 * Two series. `own` makes our schema cch_data, in every database. `hub` makes the hub's tables of our area in public,
 * and only where no hub manages the database (drizzle.__drizzle_migrations is absent) and it is empty or has the hub's
 * tables already; its files are idempotent, so that they can run again after an import has replaced public. */
#pragma once

#include "pg/connection.h"

typedef struct {
  guint n_applied;
  gboolean is_hub_managed; /* public was left alone */
} MigrateResult;

/* Opens its own transaction, or, when the connection is in one already, works inside it. */
gboolean pg_migrate(PgConnection *connection, MigrateResult *ret_result, GError **error);

/* The `own` series alone. */
gboolean pg_migrate_own(PgConnection *connection, GError **error);

/* Makes the next pg_migrate run the `hub` series again: after an import replaced the tables of public. */
gboolean pg_migrate_forget_hub(PgConnection *connection, GError **error);
