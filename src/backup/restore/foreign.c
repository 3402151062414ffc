/* What this role may not do to objects that are here and belong to others. */
#include "backup/plan/entry_sql.h"
#include "backup/restore/restore_private.h"

#include <string.h>

/* The schema or language that a comment, label or grant is about: the name behind "SCHEMA " in its tag; NULL for other
 * entries. Free with g_free. */
static char *
name_behind(const TocEntry *entry, const char *kind)
{
  gboolean is_about = toc_entry_has(entry, TOC_ACCESS) || toc_entry_is(entry, TOC_KIND_COMMENT) ||
                      toc_entry_is(entry, TOC_KIND_SECURITY_LABEL);
  if (!is_about || entry->tag == NULL || !g_str_has_prefix(entry->tag, kind))
    return NULL;
  const char *cursor = entry->tag + strlen(kind);
  return entry_read_identifier(&cursor);
}

gboolean
restore_may_describe(PgConnection *connection, const TocEntry *entry, gboolean *ret_may, GError **error)
{
  *ret_may = TRUE;
  g_autofree char *schema = name_behind(entry, "SCHEMA ");
  g_autofree char *language = name_behind(entry, "LANGUAGE ");
  g_autofree char *is_owner = NULL;
  if (schema == NULL && language == NULL)
    return TRUE;
  if (!pg_connection_value(connection, &is_owner, error,
                           schema != NULL ? "SELECT pg_catalog.pg_has_role(nspowner, 'USAGE') FROM "
                                            "pg_catalog.pg_namespace WHERE nspname = $1"
                                          : "SELECT pg_catalog.pg_has_role(lanowner, 'USAGE') FROM "
                                            "pg_catalog.pg_language WHERE lanname = $1",
                           1, schema != NULL ? schema : language))
    return FALSE;
  *ret_may = g_strcmp0(is_owner, "f") != 0;
  return TRUE;
}
