#include "backup/swap/shadow.h"

#include "backup/side/side_database.h"
#include "backup_sql.h"
#include "base/error.h"
#include "base/text.h"
#include "pg/dsn/dsn.h"

#define COMMENT_WHILE_LOADING                                                                                          \
  "cch-data is loading an import into this database; it takes the place of the live one, or is dropped if that fails"

void
shadow_free(Shadow *shadow)
{
  if (shadow == NULL)
    return;
  g_free(shadow->name);
  g_free(shadow->dsn);
  g_free(shadow->live_name);
  g_free(shadow);
}

/* Runs the statements that a query returns; `second`, a parameter of the query, may be NULL: it has one alone. */
static gboolean
run_generated(PgConnection *source, const char *sql, const char *first, const char *second, PgConnection *target,
              GError **error)
{
  g_autoptr(PgResult) statements = pg_connection_query(source, error, sql, second != NULL ? 2 : 1, first, second);
  if (statements == NULL)
    return FALSE;
  for (guint row = 0; row < pg_result_rows(statements); row++) {
    if (!pg_connection_exec(target, pg_result_text(statements, row, 0), error)) {
      g_prefix_error(error, "%s: ", pg_result_text(statements, row, 0));
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
find_live(Shadow *shadow, PgConnection *live, GError **error)
{
  return pg_connection_value(live, &shadow->live_name, error, "SELECT pg_catalog.current_database()", 0) &&
         side_database_oid(live, shadow->live_name, &shadow->live_oid, error);
}

static gboolean
record_shadow(const Shadow *shadow, PgConnection *live, const char *made_by, GError **error)
{
  g_autofree char *live_oid = g_strdup_printf("%u", shadow->live_oid);
  /* The record must be on disk before the next step, whatever the session's setting, so that a crash cannot lose it. */
  if (!pg_connection_exec(live, "SET synchronous_commit = on", error))
    return FALSE;
  g_autoptr(PgResult) result =
      pg_connection_query(live, error,
                          "INSERT INTO cch_data.databases (name, kind, live_oid, made_by) VALUES ($1, '" SIDE_SHADOW
                          "', $2::pg_catalog.oid, $3)",
                          3, shadow->name, live_oid, made_by);
  return result != NULL;
}

static gboolean
record_oid(const Shadow *shadow, PgConnection *live, GError **error)
{
  g_autofree char *oid = g_strdup_printf("%u", shadow->oid);
  g_autoptr(PgResult) result = pg_connection_query(
      live, error, "UPDATE cch_data.databases SET side_oid = $2::pg_catalog.oid WHERE name = $1", 2, shadow->name, oid);
  return result != NULL;
}

static gboolean
create_database(Shadow *shadow, ShadowPurpose purpose, PgConnection *live, PgConnection *maintenance, GError **error)
{
  gboolean is_alike = purpose == SHADOW_FOR_SWAP;
  g_autofree char *quoted = pg_quote_identifier(shadow->name);
  return run_generated(live, backup_shadow_create_sql, shadow->name, is_alike ? "t" : "f", maintenance, error) &&
         pg_connection_execf(maintenance, error,
                             "REVOKE ALL ON DATABASE %s FROM PUBLIC; COMMENT ON DATABASE %s IS '" COMMENT_WHILE_LOADING
                             "'",
                             quoted, quoted) &&
         (!is_alike || run_generated(live, backup_shadow_settings_sql, shadow->name, NULL, maintenance, error)) &&
         side_database_oid(maintenance, shadow->name, &shadow->oid, error) && record_oid(shadow, live, error);
}

/* Copies the relevant properties of schema public. */
static gboolean
describe_public(PgConnection *connection, char **ret_text, char **ret_statements, GError **error)
{
  g_autoptr(PgResult) row = pg_connection_query(connection, error, backup_shadow_public_sql, 0);
  if (row == NULL)
    return FALSE;
  gboolean is_there = pg_result_rows(row) > 0;
  *ret_text = g_strdup(is_there ? pg_result_text(row, 0, 0) : "");
  *ret_statements = g_strdup(is_there ? pg_result_text(row, 0, 1) : "DROP SCHEMA public");
  return TRUE;
}

static gboolean
match_public(const Shadow *shadow, PgConnection *live, GCancellable *cancellable, GError **error)
{
  g_autoptr(PgConnection) connection = pg_connection_open(shadow->dsn, "cch-data import", cancellable, error);
  g_autofree char *wanted = NULL, *statements = NULL, *found = NULL, *unused = NULL;
  if (connection == NULL || !describe_public(live, &wanted, &statements, error) ||
      !describe_public(connection, &found, &unused, error))
    return FALSE;
  if (g_strcmp0(wanted, found) == 0)
    return TRUE;
  g_clear_pointer(&found, g_free);
  g_clear_pointer(&unused, g_free);
  if (!pg_connection_exec(connection, statements, error) || !describe_public(connection, &found, &unused, error))
    return FALSE;
  if (g_strcmp0(wanted, found) == 0)
    return TRUE;
  error_set(error, CCH_ERROR_DATABASE_PERMISSION, "schema public: %s ≠ %s", found, wanted);
  return FALSE;
}

/* If the server refuses something to this role, or does not support it, a swap is impossible. Any other failure is
 * an error. */
static gboolean
says_impossible(const GError *failure)
{
  ErrorCode code = error_code(failure);
  return code == CCH_ERROR_DATABASE_PERMISSION || code == CCH_ERROR_DATABASE_QUERY;
}

Shadow *
shadow_create(ShadowPurpose purpose, PgConnection *live, PgConnection *maintenance, const char *dsn,
              const char *made_by, Language language, GCancellable *cancellable, GError **error)
{
  g_autoptr(Shadow) shadow = g_new0(Shadow, 1);
  if (!find_live(shadow, live, error))
    return NULL;
  shadow->name = side_database_name_new(shadow->live_name, SIDE_SHADOW);
  shadow->dsn = dsn_with_database(dsn, shadow->name, error);
  if (shadow->dsn == NULL || !record_shadow(shadow, live, made_by, error))
    return NULL;
  g_autoptr(GError) failure = NULL;
  if (create_database(shadow, purpose, live, maintenance, &failure) &&
      (purpose == SHADOW_FOR_TRIAL || match_public(shadow, live, cancellable, &failure)))
    return g_steal_pointer(&shadow);
  shadow_discard(shadow, dsn);
  if (says_impossible(failure)) {
    g_autofree char *reason = text_format(TEXT_SWAP_NOT_ALIKE, language, failure->message);
    error_set(error, CCH_ERROR_IMPORT_SWAP_IMPOSSIBLE, "%s", reason);
  } else {
    g_propagate_error(error, g_steal_pointer(&failure));
  }
  return NULL;
}

gboolean
shadow_open_to_others(const Shadow *shadow, PgConnection *maintenance, GError **error)
{
  return run_generated(maintenance, backup_shadow_grants_sql, shadow->name, shadow->live_name, maintenance, error);
}

void
shadow_discard(const Shadow *shadow, const char *dsn)
{
  g_autoptr(PgConnection) live = pg_connection_open(dsn, "cch-data import", NULL, NULL);
  g_autoptr(PgConnection) maintenance = live != NULL ? side_database_maintenance_open(live, dsn, NULL, NULL) : NULL;
  if (maintenance != NULL)
    side_database_drop(live, maintenance, shadow->name, shadow->oid, NULL);
}
