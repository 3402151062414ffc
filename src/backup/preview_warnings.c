/* What is to be said of an archive beside its rows. */
#include "backup/preview_private.h"

#include "backup/entry_sql.h"
#include "backup_sql.h"

#include <stdlib.h>
#include <string.h>

#define MAX_NAMES 10

/* The first names of a column of a result: "a, b, c, …". */
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

/* ---- Tables that one side lacks ---- */

static gboolean
warn_of_tables(PreviewRun *run, GError **error)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  for (guint i = 0; i < archive_reader_n_entries(run->reader); i++) {
    const TocEntry *entry = archive_reader_entry(run->reader, i);
    if (toc_entry_is(entry, "TABLE") && entry->namespace_name != NULL && entry->tag != NULL) {
      g_autofree char *name = g_strdup_printf("%s.%s", entry->namespace_name, entry->tag);
      g_strv_builder_add(builder, name);
    }
  }
  g_auto(GStrv) named = g_strv_builder_end(builder);
  g_autofree char *names = pg_array((const char *const *)named);
  g_autofree char *schemas = pg_array((const char *const *)run->plan->schemas);
  g_autoptr(PgResult) unnamed =
      pg_connection_query(run->connection, error, backup_overwrite_unnamed_sql, 2, schemas, names);
  if (unnamed == NULL)
    return FALSE;
  gint64 n = pg_result_int64(unnamed, 0, 1);
  if (n > 0 && run->options->clean_first)
    preview_warn(run, TEXT_IMPORT_UNNAMED_TABLES, pg_result_text(unnamed, 0, 1), pg_result_text(unnamed, 0, 0));
  else if (n > 0)
    preview_warn(run, TEXT_PREVIEW_OLDER, (guint)n, pg_result_text(unnamed, 0, 0));
  return TRUE;
}

static void
warn_of_new_tables(PreviewRun *run)
{
  g_autoptr(GString) list = g_string_new(NULL);
  guint n = 0;
  for (guint i = 0; i < run->preview->tables->len; i++) {
    const BackupPreviewTable *table = run->preview->tables->pdata[i];
    if (!table->is_new)
      continue;
    if (n < MAX_NAMES)
      g_string_append_printf(list, "%s%s", n > 0 ? ", " : "", table->table);
    n++;
  }
  if (n > MAX_NAMES)
    g_string_append(list, ", …");
  if (n > 0)
    preview_warn(run, TEXT_PREVIEW_NEW_TABLES, n, list->str);
}

/* ---- Rows ---- */

static void
warn_of_rows(PreviewRun *run)
{
  guint64 conflicts = 0;
  for (guint i = 0; i < run->preview->tables->len; i++) {
    const BackupPreviewTable *table = run->preview->tables->pdata[i];
    gboolean is_log = strcmp(table->table, "public." LOG_TABLE) == 0;
    if (is_log && run->options->clean_first && !run->plan->has_log_rows && table->live_rows > 0)
      preview_warn(run, TEXT_IMPORT_LOGS_LOST, table->live_rows);
    conflicts += table->expected.rows_skipped;
  }
  if (run->options->on_conflict == ON_CONFLICT_FAIL && conflicts > 0)
    preview_warn(run, TEXT_PREVIEW_WOULD_CONFLICT, conflicts);
}

/* ---- What the server lacks ---- */

/* Asks which of the names a catalog does not have; FALSE on failure. */
static gboolean
warn_of_missing(PreviewRun *run, GHashTable *names, const char *catalog_names, TextId id, GError **error)
{
  g_autofree gpointer *keys = g_hash_table_get_keys_as_array(names, NULL);
  g_autofree char *array = pg_array((const char *const *)keys);
  g_autofree char *sql = g_strdup_printf("SELECT name FROM pg_catalog.unnest($1::pg_catalog.text[]) AS name "
                                         "WHERE name NOT IN (%s) ORDER BY 1",
                                         catalog_names);
  g_autoptr(PgResult) missing = pg_connection_query(run->connection, error, sql, 1, array);
  if (missing == NULL)
    return FALSE;
  g_autofree char *list = join_names(missing);
  if (*list != '\0')
    preview_warn(run, id, list);
  return TRUE;
}

/* The identifier at `text`, unquoted. */
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

/* The role of "GRANT … TO role [WITH GRANT OPTION]" or "REVOKE … FROM role", as pg_dump writes them; a quoted object
 * name may hold " TO ", but stands before the last one. */
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

/* Roles are taken over by a merge only from owners; grants are made in both modes. */
static GHashTable *
collect_roles(const PreviewRun *run)
{
  GHashTable *roles = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  const GArray *steps = run->plan->steps;
  for (guint i = 0; i < steps->len; i++) {
    const RestoreStep *step = &g_array_index(steps, RestoreStep, i);
    if (!run->options->clean_first && step->kind == STEP_SQL && step->entry->owner != NULL &&
        *step->entry->owner != '\0')
      g_hash_table_add(roles, g_strdup(step->entry->owner));
    if (step->kind != STEP_ACCESS)
      continue;
    g_auto(GStrv) statements = entry_split_statements(step->entry->defn);
    for (char **statement = statements; *statement != NULL; statement++) {
      char *role = role_of_grant(*statement);
      if (role != NULL && strcmp(role, "PUBLIC") != 0)
        g_hash_table_add(roles, role);
      else
        g_free(role);
    }
  }
  return roles;
}

static gboolean
warn_of_server(PreviewRun *run, GError **error)
{
  g_autoptr(GHashTable) roles = collect_roles(run);
  g_autoptr(GHashTable) extensions = g_hash_table_new(g_str_hash, g_str_equal);
  const GArray *steps = run->plan->steps;
  for (guint i = 0; i < steps->len; i++) {
    const TocEntry *entry = g_array_index(steps, RestoreStep, i).entry;
    if (toc_entry_is(entry, "EXTENSION") && entry->tag != NULL)
      g_hash_table_add(extensions, entry->tag);
  }
  const char *archived = run->preview->server_version, *live = run->preview->live_server_version;
  if (archived != NULL && live != NULL && atoi(archived) > atoi(live))
    preview_warn(run, TEXT_PREVIEW_NEWER_SERVER, archived, live);
  return warn_of_missing(run, roles, "SELECT rolname FROM pg_catalog.pg_roles", TEXT_PREVIEW_ROLES, error) &&
         warn_of_missing(run, extensions, "SELECT name FROM pg_catalog.pg_available_extensions",
                         TEXT_PREVIEW_EXTENSIONS, error);
}

gboolean
preview_warn_of_archive(PreviewRun *run, GError **error)
{
  warn_of_rows(run);
  warn_of_new_tables(run);
  return warn_of_tables(run, error) && warn_of_server(run, error);
}
