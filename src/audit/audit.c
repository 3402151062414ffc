#include "audit/audit.h"

#include "audit_sql.h"

enum { N_COLUMNS = 10 };

/* In the order of the values in insert. */
#define COLUMN_NAMES                                                                                                   \
  "{action_category,action_type,target_type,target_name,before_value,after_value,operator_user_name,operator_ip,"      \
  "success,error_message}"

/* With an explicit cast, PostgreSQL truncates a value that is too long for a varchar, at a character. */
static char *
insert_sql(const PgResult *columns)
{
  g_autofree char *table = pg_quote_qualified(pg_result_text(columns, 0, 0), "audit_log");
  g_autoptr(GString) names = g_string_new(NULL);
  g_autoptr(GString) values = g_string_new(NULL);
  for (guint i = 0; i < N_COLUMNS; i++) {
    g_autofree char *name = pg_quote_identifier(pg_result_text(columns, i, 1));
    g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", name);
    g_string_append_printf(values, "%sCAST($%u::pg_catalog.text AS %s)", i > 0 ? ", " : "", i + 1,
                           pg_result_text(columns, i, 2));
  }
  return g_strdup_printf("INSERT INTO %s (%s) VALUES (%s)", table, names->str, values->str);
}

static char *
valid_utf8(const char *text)
{
  return text != NULL ? g_utf8_make_valid(text, -1) : NULL;
}

static gboolean
insert(PgConnection *connection, const PgResult *columns, const AuditEntry *entry, GError **error)
{
  g_autofree char *sql = insert_sql(columns);
  g_autofree char *operator_name = valid_utf8(entry->operator_name);
  g_autofree char *operator_ip = valid_utf8(entry->operator_ip);
  g_autofree char *target_name = valid_utf8(entry->target_name);
  g_autofree char *error_message = valid_utf8(entry->error_message);
  const char *values[N_COLUMNS] = {
      entry->category, entry->type,        entry->target_type != NULL ? entry->target_type : "database",
      target_name,     entry->before_json, entry->details_json,
      operator_name,   operator_ip,        entry->success ? "true" : "false",
      error_message};
  g_autoptr(PgResult) result = pg_connection_queryv(connection, error, sql, N_COLUMNS, values);
  return result != NULL;
}

/* A failed statement would abort the caller's whole transaction. */
static gboolean
insert_under_savepoint(PgConnection *connection, const PgResult *columns, const AuditEntry *entry, GError **error)
{
  pg_connection_defer(connection, "SAVEPOINT cch_audit");
  if (insert(connection, columns, entry, error)) {
    pg_connection_defer(connection, "RELEASE SAVEPOINT cch_audit");
    return TRUE;
  }
  pg_connection_exec(connection, "ROLLBACK TO SAVEPOINT cch_audit; RELEASE SAVEPOINT cch_audit", NULL);
  return FALSE;
}

gboolean
audit_write(PgConnection *connection, const AuditEntry *entry, GError **error)
{
  g_autoptr(PgResult) columns = pg_connection_query(connection, error, audit_columns_sql, 1, COLUMN_NAMES);
  if (columns == NULL || pg_result_rows(columns) < N_COLUMNS)
    return columns != NULL;
  gboolean ok = pg_connection_in_transaction(connection) ? insert_under_savepoint(connection, columns, entry, error)
                                                         : insert(connection, columns, entry, error);
  if (!ok)
    g_prefix_error(error, "write to the audit log: ");
  return ok;
}
