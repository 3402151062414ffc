#include "pg/connection/connection_private.h"

#include <string.h>

guint
pg_result_rows(const PgResult *result)
{
  return (guint)PQntuples(result);
}

const char *
pg_result_text(const PgResult *result, guint row, guint column)
{
  return PQgetisnull(result, (int)row, (int)column) ? NULL : PQgetvalue(result, (int)row, (int)column);
}

gint64
pg_result_int64(const PgResult *result, guint row, guint column)
{
  const char *text = pg_result_text(result, row, column);
  return text != NULL ? g_ascii_strtoll(text, NULL, 10) : 0;
}

gboolean
pg_result_bool(const PgResult *result, guint row, guint column)
{
  return g_strcmp0(pg_result_text(result, row, column), "t") == 0;
}

guint64
pg_result_affected(const PgResult *result)
{
  /* libpq takes a non-const PGresult but does not change it. */
  return g_ascii_strtoull(PQcmdTuples((PGresult *)result), NULL, 10);
}

void
pg_result_free(PgResult *result)
{
  PQclear(result);
}

char *
pg_quote_identifier(const char *name)
{
  GString *quoted = g_string_new("\"");
  for (const char *p = name; *p != '\0'; p++) {
    if (*p == '"')
      g_string_append_c(quoted, '"');
    g_string_append_c(quoted, *p);
  }
  g_string_append_c(quoted, '"');
  return g_string_free(quoted, FALSE);
}

char *
pg_quote_literal(const char *text)
{
  GString *quoted = g_string_new(strchr(text, '\\') != NULL ? " E'" : "'");
  for (const char *p = text; *p != '\0'; p++) {
    if (*p == '\'' || *p == '\\')
      g_string_append_c(quoted, *p);
    g_string_append_c(quoted, *p);
  }
  g_string_append_c(quoted, '\'');
  return g_string_free(quoted, FALSE);
}

char *
pg_quote_qualified(const char *schema_name, const char *name)
{
  g_autofree char *quoted_schema = pg_quote_identifier(schema_name);
  g_autofree char *quoted_name = pg_quote_identifier(name);
  return g_strdup_printf("%s.%s", quoted_schema, quoted_name);
}

static void
append_element(GString *array, const char *value)
{
  if (value == NULL) {
    g_string_append(array, "NULL");
    return;
  }
  g_string_append_c(array, '"');
  for (const char *p = value; *p != '\0'; p++) {
    if (*p == '"' || *p == '\\')
      g_string_append_c(array, '\\');
    g_string_append_c(array, *p);
  }
  g_string_append_c(array, '"');
}

char *
pg_array_n(const char *const *values, guint n)
{
  GString *array = g_string_new("{");
  for (guint i = 0; i < n; i++) {
    if (i > 0)
      g_string_append_c(array, ',');
    append_element(array, values[i]);
  }
  g_string_append_c(array, '}');
  return g_string_free(array, FALSE);
}

char *
pg_array(const char *const *values)
{
  return pg_array_n(values, g_strv_length((char **)values));
}
