#include "backup/preview/server_warnings.h"

#include "backup/plan/entry_sql.h"

#include <string.h>

#define MAX_NAMES 10

void
server_warn(ServerWarnings *warnings, TextId id, ...)
{
  va_list args;
  va_start(args, id);
  g_autofree char *text = text_vformat(id, warnings->language, args);
  va_end(args);
  g_ptr_array_add(warnings->warnings, g_utf8_make_valid(text, -1));
}

void
server_warn_of_version(ServerWarnings *warnings, const char *archived)
{
  const char *live = pg_connection_parameter(warnings->connection, "server_version");
  if (archived != NULL && live != NULL && g_ascii_strtoll(archived, NULL, 10) > g_ascii_strtoll(live, NULL, 10))
    server_warn(warnings, TEXT_PREVIEW_NEWER_SERVER, archived, live);
}

/* The first names in a result's column: "a, b, c, …". */
static char *
join_names(const PgResult *names)
{
  GString *list = g_string_new(NULL);
  guint n = pg_result_rows(names);
  for (guint i = 0; i < MIN(n, MAX_NAMES); i++)
    g_string_append_printf(list, "%s%s", i > 0 ? ", " : "", pg_result_text(names, i, 0));
  if (n > MAX_NAMES)
    g_string_append(list, ", …");
  return g_string_free(list, FALSE);
}

/* Finds the names that a catalog lacks; FALSE on failure. */
static gboolean
warn_of_missing(ServerWarnings *warnings, GHashTable *names, const char *catalog_names, TextId id, GError **error)
{
  g_autofree gpointer *keys = g_hash_table_get_keys_as_array(names, NULL);
  g_autofree char *array = pg_array((const char *const *)keys);
  g_autofree char *sql = g_strdup_printf("SELECT name FROM pg_catalog.unnest($1::pg_catalog.text[]) AS name "
                                         "WHERE name NOT IN (%s) ORDER BY 1",
                                         catalog_names);
  g_autoptr(PgResult) missing = pg_connection_query(warnings->connection, error, sql, 1, array);
  if (missing == NULL)
    return FALSE;
  g_autofree char *list = join_names(missing);
  if (*list != '\0')
    server_warn(warnings, id, list);
  return TRUE;
}

/* Parses the identifier at `text` and unquotes it. */
static char *
read_identifier(const char *text)
{
  if (*text != '"')
    return g_strndup(text, strcspn(text, " ,;\n"));
  GString *name = g_string_new(NULL);
  for (text++; *text != '\0' && (*text != '"' || text[1] == '"'); text++) {
    g_string_append_c(name, *text);
    if (*text == '"')
      text++;
  }
  return g_string_free(name, FALSE);
}

/* The role in "GRANT … TO role [WITH GRANT OPTION]" or "REVOKE … FROM role", as pg_dump writes them. A quoted object
 * name may contain " TO ", but stands before the last one. */
static char *
role_of_grant(const char *statement)
{
  while (g_ascii_isspace(*statement))
    statement++;
  gboolean is_grant = g_str_has_prefix(statement, "GRANT ");
  if (!is_grant && !g_str_has_prefix(statement, "REVOKE "))
    return NULL;
  const char *before = is_grant ? " TO " : " FROM ";
  const char *at = g_strrstr(statement, before);
  return at != NULL ? read_identifier(at + strlen(before)) : NULL;
}

static void
collect_granted_roles(const TocEntry *entry, GHashTable *roles)
{
  g_auto(GStrv) statements = entry_split_statements(entry->defn != NULL ? entry->defn : "");
  for (char **statement = statements; *statement != NULL; statement++) {
    g_autofree char *role = role_of_grant(*statement);
    if (role != NULL && strcmp(role, "PUBLIC") != 0)
      g_hash_table_add(roles, g_steal_pointer(&role));
  }
}

gboolean
server_warn_of_names(ServerWarnings *warnings, const GPtrArray *entries, gboolean with_owners, GError **error)
{
  g_autoptr(GHashTable) roles = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GHashTable) extensions = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; i < entries->len; i++) {
    const TocEntry *entry = entries->pdata[i];
    if (entry_is_access(entry))
      collect_granted_roles(entry, roles);
    else if (with_owners && entry->section != SECTION_DATA && entry->owner != NULL && *entry->owner != '\0')
      g_hash_table_add(roles, g_strdup(entry->owner));
    if (toc_entry_is(entry, TOC_KIND_EXTENSION) && entry->tag != NULL)
      g_hash_table_add(extensions, entry->tag);
  }
  return warn_of_missing(warnings, roles, "SELECT rolname FROM pg_catalog.pg_roles", TEXT_PREVIEW_ROLES, error) &&
         warn_of_missing(warnings, extensions, "SELECT name FROM pg_catalog.pg_available_extensions",
                         TEXT_PREVIEW_EXTENSIONS, error);
}
