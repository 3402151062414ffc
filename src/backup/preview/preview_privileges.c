#include "backup/preview/preview_privileges.h"

#include "backup/plan/entry_sql.h"

#include <string.h>

enum { MAX_NAMES = 10, KNOWS_MAINTAIN = 170000, KNOWS_TRUSTED = 130000 };

/* Names for one warning. */
typedef struct {
  GString *names;
  guint n;
} NameList;

static void
add_name(NameList *list, const char *kind, const char *name)
{
  if (list->n < MAX_NAMES)
    g_string_append_printf(list->names, "%s%s%s%s", list->n > 0 ? ", " : "", kind, *kind != '\0' ? " " : "", name);
  else if (list->n == MAX_NAMES)
    g_string_append(list->names, ", …");
  list->n++;
}

static gboolean
is_for_superusers(const TocEntry *entry)
{
  return toc_entry_is(entry, TOC_KIND_EVENT_TRIGGER) || toc_entry_is(entry, TOC_KIND_PUBLICATION_TABLES_IN_SCHEMA) ||
         (toc_entry_is(entry, TOC_KIND_PUBLICATION) && strstr(entry->defn, " FOR ALL TABLES") != NULL);
}

/* The role in "ALTER DEFAULT PRIVILEGES FOR ROLE x …". */
static char *
role_of_defaults(const TocEntry *entry)
{
  static const char before[] = "ALTER DEFAULT PRIVILEGES FOR ROLE ";
  const char *at = toc_entry_is(entry, TOC_KIND_DEFAULT_ACL) ? strstr(entry->defn, before) : NULL;
  if (at == NULL)
    return NULL;
  at += strlen(before);
  return entry_read_identifier(&at);
}

/* TRUE in *ret_is_foreign for a role that is here and whose rights this role does not have. */
static gboolean
is_foreign_role(PreviewRun *run, const char *role, gboolean *ret_is_foreign, GError **error)
{
  g_autofree char *has = NULL;
  if (!pg_connection_value(run->connection, &has, error,
                           "SELECT pg_catalog.pg_has_role(oid, 'MEMBER') FROM pg_catalog.pg_roles WHERE rolname = $1",
                           1, role))
    return FALSE;
  *ret_is_foreign = g_strcmp0(has, "f") == 0;
  return TRUE;
}

/* Whether an overwrite drops and creates the schema that the entry is about. */
static gboolean
is_of_created_schema(const PreviewRun *run, const TocEntry *entry)
{
  return run->options->clean_first && entry->tag != NULL && g_str_has_prefix(entry->tag, "SCHEMA ") &&
         g_strv_contains((const char *const *)run->plan->created_schemas, entry->tag + strlen("SCHEMA "));
}

static gboolean
is_left_out(PreviewRun *run, const TocEntry *entry, gboolean *ret_is_left_out, GError **error)
{
  gboolean may = TRUE, is_foreign = FALSE;
  g_autofree char *role = role_of_defaults(entry);
  if ((!is_of_created_schema(run, entry) && !restore_may_describe(run->connection, entry, &may, error)) ||
      (role != NULL && !is_foreign_role(run, role, &is_foreign, error)))
    return FALSE;
  *ret_is_left_out = !may || is_foreign || (!run->preview->is_superuser && is_for_superusers(entry));
  return TRUE;
}

static gboolean
has_unknown_privilege(const PreviewRun *run, const TocEntry *entry)
{
  return entry_is_access(entry) && pg_connection_server_version(run->connection) < KNOWS_MAINTAIN &&
         strstr(entry->defn, "MAINTAIN") != NULL;
}

/* Extensions that are available here, but not to this role. */
static gboolean
note_extension(PreviewRun *run, const TocEntry *entry, NameList *extensions, GError **error)
{
  static const char with_trusted[] = "SELECT pg_catalog.bool_and(superuser AND NOT trusted) FROM "
                                     "pg_catalog.pg_available_extension_versions WHERE name "
                                     "= $1 AND NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = $1)";
  static const char without_trusted[] =
      "SELECT pg_catalog.bool_and(superuser) FROM pg_catalog.pg_available_extension_versions WHERE name = $1 AND NOT "
      "EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = $1)";
  g_autofree char *is_refused = NULL;
  if (run->preview->is_superuser || !toc_entry_is(entry, TOC_KIND_EXTENSION))
    return TRUE;
  gboolean knows = pg_connection_server_version(run->connection) >= KNOWS_TRUSTED;
  if (!pg_connection_value(run->connection, &is_refused, error, knows ? with_trusted : without_trusted, 1, entry->tag))
    return FALSE;
  if (g_strcmp0(is_refused, "t") == 0)
    add_name(extensions, "", entry->tag);
  return TRUE;
}

/* New objects get their owner in a merge only. */
static gboolean
note_owner(PreviewRun *run, const TocEntry *entry, GHashTable *known, NameList *owners, GError **error)
{
  gboolean is_foreign = FALSE;
  g_autofree char *statement = run->options->clean_first ? NULL : entry_owner_statement(entry);
  if (statement == NULL || !g_hash_table_add(known, entry->owner))
    return TRUE;
  if (!is_foreign_role(run, entry->owner, &is_foreign, error))
    return FALSE;
  if (is_foreign)
    add_name(owners, "", entry->owner);
  return TRUE;
}

gboolean
preview_warn_of_privileges(PreviewRun *run, GError **error)
{
  g_autoptr(GString) left_out_names = g_string_new(NULL), extension_names = g_string_new(NULL),
                     owner_names = g_string_new(NULL), unknown_names = g_string_new(NULL);
  NameList left_out = {left_out_names}, extensions = {extension_names}, owners = {owner_names},
           unknown = {unknown_names};
  g_autoptr(GHashTable) known_owners = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; i < run->plan->steps->len; i++) {
    const TocEntry *entry = g_array_index(run->plan->steps, RestoreStep, i).entry;
    gboolean is_out = FALSE;
    if ((toc_entry_has(entry, TOC_DISPENSABLE) && !is_left_out(run, entry, &is_out, error)) ||
        !note_extension(run, entry, &extensions, error) || !note_owner(run, entry, known_owners, &owners, error))
      return FALSE;
    g_autofree char *name = entry_display_name(entry);
    if (is_out)
      add_name(&left_out, entry->desc, name);
    else if (has_unknown_privilege(run, entry))
      add_name(&unknown, entry->desc, name);
  }
  for (guint i = 0; i < run->plan->left_out->len; i++) {
    const TocEntry *entry = run->plan->left_out->pdata[i];
    g_autofree char *name = entry_display_name(entry);
    preview_warn(run, TEXT_IMPORT_WITHOUT, entry->desc, name);
  }
  if (left_out.n > 0)
    preview_warn(run, TEXT_PREVIEW_NOT_ALLOWED, run->preview->live_role, left_out.names->str);
  if (unknown.n > 0)
    preview_warn(run, TEXT_PREVIEW_PRIVILEGE_UNKNOWN, unknown.names->str);
  if (owners.n > 0)
    preview_warn(run, TEXT_PREVIEW_OWNERS, run->preview->live_role, owners.names->str);
  if (extensions.n > 0)
    preview_warn(run, TEXT_PREVIEW_EXTENSIONS_NOT_ALLOWED, run->preview->live_role, extensions.names->str);
  if (run->options->is_strict)
    preview_warn(run, TEXT_PREVIEW_STRICT);
  return TRUE;
}
