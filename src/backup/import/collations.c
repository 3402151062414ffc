#include "backup/import/collations.h"

#include "backup_sql.h"
#include "base/text.h"

gboolean
collations_find_stale(PgConnection *connection, Language language, char **ret_hint, GError **error)
{
  g_autofree char *of_indexes = NULL, *of_database = NULL, *database = NULL;
  *ret_hint = NULL;
  if (!pg_connection_value(connection, &of_indexes, error, backup_stale_collations_sql, 0) ||
      !pg_connection_value(connection, &database, error, "SELECT pg_catalog.quote_ident(pg_catalog.current_database())",
                           0))
    return FALSE;
  /* The database's own has a version since PostgreSQL 15. */
  if (pg_connection_server_version(connection) >= 150000 &&
      !pg_connection_value(connection, &of_database, error, backup_stale_database_sql, 0))
    return FALSE;
  if (of_database != NULL)
    *ret_hint = text_format(TEXT_COLLATION_OF_DATABASE, language, of_database, database, database);
  else if (of_indexes != NULL)
    *ret_hint = text_format(TEXT_COLLATIONS_OF_INDEXES, language, of_indexes, database);
  return TRUE;
}

gboolean
collations_record_new(PgConnection *connection, Language language, char **ret_caution, GError **error)
{
  g_autofree char *rest = NULL;
  *ret_caution = NULL;
  g_autoptr(PgResult) statements = pg_connection_query(connection, error, backup_refresh_collations_sql, 0);
  if (statements == NULL)
    return FALSE;
  for (guint i = 0; i < pg_result_rows(statements); i++)
    pg_connection_exec(connection, pg_result_text(statements, i, 0), NULL); /* what is refused is told below */
  if (!pg_connection_value(connection, &rest, error, backup_stale_collations_sql, 0))
    return FALSE;
  if (rest != NULL)
    *ret_caution = text_format(TEXT_COLLATIONS_NEW, language, rest);
  return TRUE;
}
