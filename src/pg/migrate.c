#include "pg/migrate.h"

#include "base/error.h"
#include "migrations_hub_sql.h"
#include "migrations_own_sql.h"

#include <string.h>

typedef enum { SERIES_OWN, SERIES_HUB } Series;

static const char *const series_names[] = {[SERIES_OWN] = "own", [SERIES_HUB] = "hub"};

typedef struct {
  Series series;
  int number;
  const char *name;
  const char *sql;
} Migration;

/* In the order of their application. A published file of `own` never changes; one of `hub` may, because it can run
 * again. */
static const Migration migrations[] = {
    {SERIES_OWN, 1, "schema", migrations_own_0001_schema_sql},
    {SERIES_OWN, 2, "databases", migrations_own_0002_databases_sql},
    {SERIES_OWN, 3, "prices", migrations_own_0003_prices_sql},
    {SERIES_OWN, 4, "operations", migrations_own_0004_operations_sql},
    {SERIES_OWN, 5, "exports", migrations_own_0005_exports_sql},
    {SERIES_OWN, 6, "export_time", migrations_own_0006_export_time_sql},
    {SERIES_HUB, 1, "tables", migrations_hub_0001_tables_sql},
    {SERIES_HUB, 2, "indexes", migrations_hub_0002_indexes_sql},
};

static gboolean
relation_exists(PgConnection *connection, const char *name, gboolean *ret_exists, GError **error)
{
  g_autofree char *found = NULL;
  if (!pg_connection_value(connection, &found, error, "SELECT pg_catalog.to_regclass($1)", 1, name))
    return FALSE;
  *ret_exists = found != NULL;
  return TRUE;
}

/* Whether the tables of public are ours to make and to alter: not where a hub keeps them, and not in a database of
 * another purpose. Ours is one that is empty, or that has the hub's tables already. */
static gboolean
is_public_ours(PgConnection *connection, gboolean is_hub_managed, gboolean *ret_is_ours, GError **error)
{
  g_autofree char *found = NULL;
  if (!pg_connection_value(
          connection, &found, error,
          "SELECT pg_catalog.to_regclass('public.message_request') IS NOT NULL OR NOT EXISTS ("
          "SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
          "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\\_%' "
          "AND n.nspname NOT IN ('information_schema', 'cch_data') AND NOT EXISTS ("
          "SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass "
          "AND d.objid = c.oid AND d.deptype = 'e'))",
          0))
    return FALSE;
  *ret_is_ours = !is_hub_managed && g_strcmp0(found, "t") == 0;
  return TRUE;
}

/* "own 1" to the SHA-256 of what was applied. */
static GHashTable *
read_applied(PgConnection *connection, GError **error)
{
  gboolean has_table = FALSE;
  if (!relation_exists(connection, "cch_data.migrations", &has_table, error))
    return NULL;
  g_autoptr(GHashTable) applied = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  if (!has_table)
    return g_steal_pointer(&applied);
  g_autoptr(PgResult) rows =
      pg_connection_query(connection, error, "SELECT series || ' ' || number, sha256 FROM cch_data.migrations", 0);
  if (rows == NULL)
    return NULL;
  for (guint row = 0; row < pg_result_rows(rows); row++)
    g_hash_table_insert(applied, g_strdup(pg_result_text(rows, row, 0)), g_strdup(pg_result_text(rows, row, 1)));
  return g_steal_pointer(&applied);
}

static gboolean
record(PgConnection *connection, const Migration *migration, const char *sha256, GError **error)
{
  g_autofree char *number = g_strdup_printf("%d", migration->number);
  g_autoptr(PgResult) result =
      pg_connection_query(connection, error,
                          "INSERT INTO cch_data.migrations (series, number, name, sha256) VALUES ($1, $2, $3, $4)"
                          " ON CONFLICT (series, number) DO UPDATE SET name = $3, sha256 = $4, applied_at = now()",
                          4, series_names[migration->series], number, migration->name, sha256);
  return result != NULL;
}

/* Comments may hold what the database's encoding does not have. */
static char *
in_ascii(const char *sql)
{
  char *text = g_strdup(sql);
  for (char *at = text; *at != '\0'; at++)
    if ((guchar)*at >= 0x80)
      *at = '?';
  return text;
}

/* Applies it unless that was done. */
static gboolean
apply(PgConnection *connection, const Migration *migration, GHashTable *applied, MigrateResult *result, GError **error)
{
  g_autofree char *key = g_strdup_printf("%s %d", series_names[migration->series], migration->number);
  g_autofree char *sha256 = g_compute_checksum_for_string(G_CHECKSUM_SHA256, migration->sql, -1);
  const char *applied_sha256 = g_hash_table_lookup(applied, key);
  if (g_strcmp0(applied_sha256, sha256) == 0)
    return TRUE;
  if (applied_sha256 != NULL && migration->series == SERIES_OWN) {
    error_set(error, CCH_ERROR_MIGRATION_FAILED,
              "migration %s (%s) is not the one that was applied to this database: was it migrated by another build?",
              key, migration->name);
    return FALSE;
  }
  g_autofree char *sql = in_ascii(migration->sql);
  if (!pg_connection_exec(connection, sql, error) || !record(connection, migration, sha256, error)) {
    /* What says more than "a statement failed" keeps its code. */
    if (error != NULL && g_error_matches(*error, CCH_ERROR, CCH_ERROR_DATABASE_QUERY))
      (*error)->code = CCH_ERROR_MIGRATION_FAILED;
    g_prefix_error(error, "migration %s (%s): ", key, migration->name);
    return FALSE;
  }
  result->n_applied++;
  return TRUE;
}

static gboolean
migrate_in_transaction(PgConnection *connection, gboolean is_own_only, MigrateResult *result, GError **error)
{
  /* Two processes that start at once on one database would collide on the first CREATE. */
  if (!pg_connection_exec(
          connection, "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('cch-data:migrations'))", error) ||
      !relation_exists(connection, "drizzle.__drizzle_migrations", &result->is_hub_managed, error))
    return FALSE;
  gboolean is_ours = FALSE;
  if (!is_public_ours(connection, result->is_hub_managed, &is_ours, error))
    return FALSE;
  g_autoptr(GHashTable) applied = read_applied(connection, error);
  if (applied == NULL)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS(migrations); i++) {
    if (migrations[i].series == SERIES_HUB && (is_own_only || !is_ours))
      continue;
    if (!apply(connection, &migrations[i], applied, result, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
run(PgConnection *connection, gboolean is_own_only, MigrateResult *ret_result, GError **error)
{
  MigrateResult result = {0};
  gboolean is_callers_transaction = pg_connection_in_transaction(connection);
  if (!is_callers_transaction && !pg_connection_exec(connection, "BEGIN", error))
    return FALSE;
  gboolean is_done = migrate_in_transaction(connection, is_own_only, &result, error);
  if (!is_callers_transaction) {
    is_done = is_done && pg_connection_exec(connection, "COMMIT", error);
    if (!is_done)
      pg_connection_rollback(connection);
  }
  if (is_done && ret_result != NULL)
    *ret_result = result;
  return is_done;
}

gboolean
pg_migrate(PgConnection *connection, MigrateResult *ret_result, GError **error)
{
  return run(connection, FALSE, ret_result, error);
}

gboolean
pg_migrate_own(PgConnection *connection, GError **error)
{
  return run(connection, TRUE, NULL, error);
}

gboolean
pg_migrate_forget_hub(PgConnection *connection, GError **error)
{
  gboolean has_table = FALSE;
  if (!relation_exists(connection, "cch_data.migrations", &has_table, error))
    return FALSE;
  return !has_table || pg_connection_exec(connection, "DELETE FROM cch_data.migrations WHERE series = 'hub'", error);
}
