#include "pg/migrate/migrate.h"

#include "base/error.h"
#include "migrations_hub_sql.h"
#include "migrations_own_sql.h"
#include "pg_sql.h"

#include <string.h>

typedef enum { SERIES_OWN, SERIES_HUB } Series;

static const char *const series_names[] = {[SERIES_OWN] = "own", [SERIES_HUB] = "hub"};

typedef struct {
  Series series;
  int number;
  const char *name;
  const char *sql;
} Migration;

/* In the order of application. A published file of `own` never changes; a file of `hub` may, because it can run
 * again. */
static const Migration migrations[] = {
    {SERIES_OWN, 1, "schema", migrations_own_0001_schema_sql},
    {SERIES_OWN, 2, "databases", migrations_own_0002_databases_sql},
    {SERIES_OWN, 3, "prices", migrations_own_0003_prices_sql},
    {SERIES_OWN, 4, "operations", migrations_own_0004_operations_sql},
    {SERIES_OWN, 5, "exports", migrations_own_0005_exports_sql},
    {SERIES_OWN, 6, "export_time", migrations_own_0006_export_time_sql},
    {SERIES_OWN, 7, "price_held", migrations_own_0007_price_held_sql},
    {SERIES_OWN, 8, "ended_sessions", migrations_own_0008_ended_sessions_sql},
    {SERIES_OWN, 9, "operations_json", migrations_own_0009_operations_json_sql},
    {SERIES_OWN, 10, "backups", migrations_own_0010_backups_sql},
    {SERIES_OWN, 11, "notify", migrations_own_0011_notify_sql},
    {SERIES_OWN, 12, "backups_found", migrations_own_0012_backups_found_sql},
    {SERIES_OWN, 13, "statistics", migrations_own_0013_statistics_sql},
    {SERIES_HUB, 1, "tables", migrations_hub_0001_tables_sql},
    {SERIES_HUB, 2, "indexes", migrations_hub_0002_indexes_sql},
    {SERIES_HUB, 3, "endpoints", migrations_hub_0003_endpoints_sql},
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

/* Maps "own 1" to the SHA-256 of what was applied. */
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

/* This version could destroy what a newer one has changed. */
static gboolean
check_known(GHashTable *applied, GError **error)
{
  int known[] = {[SERIES_OWN] = 0, [SERIES_HUB] = 0};
  for (gsize i = 0; i < G_N_ELEMENTS(migrations); i++)
    known[migrations[i].series] = migrations[i].number;
  GHashTableIter iter;
  gpointer key;
  g_hash_table_iter_init(&iter, applied);
  while (g_hash_table_iter_next(&iter, &key, NULL)) {
    for (Series series = SERIES_OWN; series <= SERIES_HUB; series++) {
      const char *number = g_str_has_prefix(key, series_names[series]) ? strchr(key, ' ') : NULL;
      if (number == NULL || g_ascii_strtoll(number, NULL, 10) <= known[series])
        continue;
      error_set(error, CCH_ERROR_MIGRATION_NEWER,
                "the database has migration %s, version " CCH_VERSION " of cch-data knows them up to %s %d",
                (const char *)key, series_names[series], known[series]);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
is_on_record(GHashTable *applied)
{
  for (gsize i = 0; i < G_N_ELEMENTS(migrations); i++) {
    g_autofree char *key = g_strdup_printf("hub %d", migrations[i].number);
    if (migrations[i].series == SERIES_HUB && g_hash_table_contains(applied, key))
      return TRUE;
  }
  return FALSE;
}

/* Whether the hub's tables in public are ours to create and alter. A private cluster identifies itself. */
static gboolean
is_public_ours(PgConnection *connection, gboolean is_asked, GHashTable *applied, gboolean *ret_is_ours, GError **error)
{
  *ret_is_ours = FALSE;
  if (!is_asked && !is_on_record(applied)) {
    g_autofree char *private_cluster = NULL;
    if (!pg_connection_value(connection, &private_cluster, error,
                             "SELECT pg_catalog.current_setting('cch_data.private_cluster', true)", 0))
      return FALSE;
    if (g_strcmp0(private_cluster, "on") != 0)
      return TRUE;
  }
  g_autofree char *state = NULL;
  if (!pg_connection_value(connection, &state, error, pg_public_state_sql, 0))
    return FALSE;
  *ret_is_ours = strcmp(state, "other") != 0;
  return TRUE;
}

static gboolean
record_migration(PgConnection *connection, const Migration *migration, const char *sha256, GError **error)
{
  g_autofree char *number = g_strdup_printf("%d", migration->number);
  g_autoptr(PgResult) result =
      pg_connection_query(connection, error,
                          "INSERT INTO cch_data.migrations (series, number, name, sha256) VALUES ($1, $2, $3, $4)"
                          " ON CONFLICT (series, number) DO UPDATE SET name = $3, sha256 = $4, applied_at = now()",
                          4, series_names[migration->series], number, migration->name, sha256);
  return result != NULL;
}

/* Comments may contain characters that the database's encoding lacks. */
static char *
in_ascii(const char *sql)
{
  char *text = g_strdup(sql);
  for (char *at = text; *at != '\0'; at++)
    if ((guchar)*at >= 0x80)
      *at = '?';
  return text;
}

/* Applies a migration unless it has been applied. */
static gboolean
apply_migration(PgConnection *connection, const Migration *migration, GHashTable *applied, MigrateResult *result,
                GError **error)
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
  if (!pg_connection_exec(connection, sql, error) || !record_migration(connection, migration, sha256, error)) {
    /* An error more specific than "a statement failed" keeps its code. */
    if (error != NULL && g_error_matches(*error, CCH_ERROR, CCH_ERROR_DATABASE_QUERY))
      (*error)->code = CCH_ERROR_MIGRATION_FAILED;
    g_prefix_error(error, "migration %s (%s): ", key, migration->name);
    return FALSE;
  }
  result->n_applied++;
  return TRUE;
}

typedef enum { HUB_TABLES_NEVER, HUB_TABLES_WHERE_OURS, HUB_TABLES_ASKED } HubTables;

static gboolean
migrate_in_transaction(PgConnection *connection, HubTables hub_tables, MigrateResult *result, GError **error)
{
  /* Two processes that start at once on one database would collide on the first CREATE. */
  if (!pg_connection_exec(
          connection, "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('cch-data:migrations'))", error) ||
      !relation_exists(connection, "drizzle.__drizzle_migrations", &result->is_hub_managed, error))
    return FALSE;
  g_autoptr(GHashTable) applied = read_applied(connection, error);
  if (applied == NULL || !check_known(applied, error))
    return FALSE;
  if (hub_tables != HUB_TABLES_NEVER && !result->is_hub_managed &&
      !is_public_ours(connection, hub_tables == HUB_TABLES_ASKED, applied, &result->has_hub_tables, error))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS(migrations); i++) {
    if (migrations[i].series == SERIES_HUB && !result->has_hub_tables)
      continue;
    if (!apply_migration(connection, &migrations[i], applied, result, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
pg_migrate_check(PgConnection *connection, GError **error)
{
  g_autoptr(GHashTable) applied = read_applied(connection, error);
  return applied != NULL && check_known(applied, error);
}

static gboolean
run_migrations(PgConnection *connection, HubTables hub_tables, MigrateResult *ret_result, GError **error)
{
  MigrateResult result = {0};
  gboolean is_callers_transaction = pg_connection_in_transaction(connection);
  if (!is_callers_transaction && !pg_connection_exec(connection, "BEGIN", error))
    return FALSE;
  gboolean is_done = migrate_in_transaction(connection, hub_tables, &result, error);
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
  return run_migrations(connection, HUB_TABLES_WHERE_OURS, ret_result, error);
}

gboolean
pg_migrate_with_hub_tables(PgConnection *connection, MigrateResult *ret_result, GError **error)
{
  return run_migrations(connection, HUB_TABLES_ASKED, ret_result, error);
}

gboolean
pg_migrate_own(PgConnection *connection, GError **error)
{
  return run_migrations(connection, HUB_TABLES_NEVER, NULL, error);
}

gboolean
pg_migrate_forget_hub(PgConnection *connection, GError **error)
{
  gboolean has_table = FALSE;
  if (!relation_exists(connection, "cch_data.migrations", &has_table, error))
    return FALSE;
  return !has_table ||
         pg_connection_exec(connection, "UPDATE cch_data.migrations SET sha256 = '' WHERE series = 'hub'", error);
}
