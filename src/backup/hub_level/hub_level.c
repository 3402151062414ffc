#include "backup/hub_level/hub_level.h"

#include "base/error.h"

#include <string.h>

/* Far more migrations than any hub has. */
enum { MAX_LEVEL = 100000 };

/* The most important relations that every hub of a level has. */
static const struct {
  gint64 since;
  const char *table;
} promised[] = {
    {1, "users"},           {1, "keys"},          {1, "providers"}, {1, "message_request"}, {1, "model_prices"},
    {1, "system_settings"}, {73, "usage_ledger"},
};

static gboolean
is_in(const TocEntry *entry, const char *schema, const char *name)
{
  return g_strcmp0(entry->namespace_name, schema) == 0 && (name == NULL || g_strcmp0(entry->tag, name) == 0);
}

static gboolean
count_rows(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  (void)error;
  for (gsize i = 0; i < size; i++)
    *(gint64 *)user_data += data[i] == '\n';
  return TRUE;
}

gboolean
hub_level_find_record(const ArchiveReader *reader, guint *ret_index)
{
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    if (toc_entry_is(entry, TOC_KIND_TABLE_DATA) && is_in(entry, BOOKKEEPING_SCHEMA, HUB_RECORD_TABLE)) {
      *ret_index = i;
      return TRUE;
    }
  }
  return FALSE;
}

/* If the archive was only scanned, as before a swap, its rows are not counted yet. */
static gboolean
level_of_archive(ArchiveReader *reader, gint64 *ret_level, GError **error)
{
  guint index = 0;
  *ret_level = 0;
  return !hub_level_find_record(reader, &index) || archive_reader_read_data(reader, archive_reader_entry(reader, index),
                                                                            count_rows, NULL, ret_level, NULL, error);
}

static gboolean
count_few_rows(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  if (!count_rows(data, size, user_data, error) || *(gint64 *)user_data > MAX_LEVEL) {
    error_set_cancelled(error); /* no such record */
    return FALSE;
  }
  return TRUE;
}

gint64
hub_level_of_beginning(int fd, guint64 size, GCancellable *cancellable)
{
  guint index = 0;
  gint64 level = 0;
  g_autoptr(ArchiveReader) reader = archive_reader_open_beginning(fd, size, cancellable, NULL);
  if (reader == NULL || !hub_level_find_record(reader, &index))
    return 0;
  return archive_reader_read_data(reader, archive_reader_entry(reader, index), count_few_rows, NULL, &level,
                                  cancellable, NULL)
             ? level
             : 0;
}

gboolean
hub_level_read_live(PgConnection *connection, gint64 *ret_level, GError **error)
{
  g_autofree char *found = NULL, *count = NULL;
  *ret_level = 0;
  if (!pg_connection_value(connection, &found, error,
                           "SELECT pg_catalog.to_regclass('" BOOKKEEPING_SCHEMA "." HUB_RECORD_TABLE "')", 0))
    return FALSE;
  if (found == NULL)
    return TRUE;
  if (!pg_connection_value(connection, &count, error,
                           "SELECT pg_catalog.count(*) FROM " BOOKKEEPING_SCHEMA "." HUB_RECORD_TABLE, 0))
    return FALSE;
  *ret_level = g_ascii_strtoll(count, NULL, 10);
  return TRUE;
}

gboolean
hub_level_read(PgConnection *connection, ArchiveReader *reader, HubLevel *ret_level, GError **error)
{
  return level_of_archive(reader, &ret_level->archive, error) &&
         hub_level_read_live(connection, &ret_level->live, error);
}

char *
hub_level_text(gint64 level)
{
  const HubRelease *release = plan_hub_release(level);
  return release != NULL
             ? g_strdup_printf("%" G_GINT64_FORMAT " (%s, %s)", level, release->last_migration, release->version)
             : g_strdup_printf("%" G_GINT64_FORMAT, level);
}

json_t *
hub_level_to_json(gint64 level)
{
  if (level == 0)
    return json_null();
  const HubRelease *release = plan_hub_release(level);
  return json_pack("{s:I, s:s?, s:s?}", "migrations", (json_int_t)level, "lastMigration",
                   release != NULL ? release->last_migration : NULL, "version",
                   release != NULL ? release->version : NULL);
}

static gboolean
plan_has(const RestorePlan *plan, StepKind step_kind, TocKind kind, const char *schema, const char *name)
{
  for (guint i = 0; i < plan->steps->len; i++) {
    const RestoreStep *step = &g_array_index(plan->steps, RestoreStep, i);
    if (step->kind == step_kind && toc_entry_is(step->entry, kind) && is_in(step->entry, schema, name))
      return TRUE;
  }
  return FALSE;
}

static gboolean
refuse_missing_table(const HubLevel *level, const char *table, GError **error)
{
  g_autofree char *text = hub_level_text(level->archive);
  error_set(error, CCH_ERROR_IMPORT_HUB_LEVEL,
            "the archive says that the hub has had %s migrations, but does not have their table public.%s: merge it "
            "into a hub's database, or take an archive that has it",
            text, table);
  return FALSE;
}

gboolean
hub_level_check(PgConnection *connection, ArchiveReader *reader, const RestorePlan *plan, gboolean clean_first,
                GError **error)
{
  HubLevel level;
  if (!hub_level_read(connection, reader, &level, error))
    return FALSE;
  gboolean brings_record = plan_has(plan, STEP_ROWS, TOC_KIND_TABLE_DATA, BOOKKEEPING_SCHEMA, HUB_RECORD_TABLE);
  for (gsize i = 0; brings_record && i < G_N_ELEMENTS(promised); i++) {
    if (level.archive < promised[i].since || plan_has(plan, STEP_SQL, TOC_KIND_TABLE, "public", promised[i].table))
      continue;
    g_autofree char *name = g_strconcat("public.", promised[i].table, NULL);
    g_autofree char *here = NULL;
    if (!clean_first && !pg_connection_value(connection, &here, error, "SELECT pg_catalog.to_regclass($1)", 1, name))
      return FALSE;
    if (here == NULL)
      return refuse_missing_table(&level, promised[i].table, error);
  }
  gboolean replaces_public = clean_first && g_strv_contains((const char *const *)plan->schemas, "public");
  gboolean replaces_record = clean_first && g_strv_contains((const char *const *)plan->schemas, BOOKKEEPING_SCHEMA);
  if (!replaces_public || replaces_record || level.live == 0)
    return TRUE;
  g_autofree char *text = hub_level_text(level.live);
  error_set(
      error, CCH_ERROR_IMPORT_HUB_LEVEL,
      "the archive has no record of the hub's migrations (schema drizzle): this database's own record of %s would "
      "stay beside tables of another level, and the hub would not work; drop the schema drizzle first if no hub "
      "uses this database",
      text);
  return FALSE;
}

/* Names of the existing relations of public. */
static GHashTable *
relations_here(PgConnection *connection, GError **error)
{
  g_autoptr(PgResult) rows = pg_connection_query(connection, error,
                                                 "SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = "
                                                 "pg_catalog.to_regnamespace('public') AND relkind <> 'i'",
                                                 0);
  if (rows == NULL)
    return NULL;
  GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < pg_result_rows(rows); i++)
    g_hash_table_add(names, g_strdup(pg_result_text(rows, i, 0)));
  return names;
}

/* Existing tables and sequences are recognised when their creation fails, and their rows are imported only then. */
static gboolean
is_kept(const RestoreStep *step, GHashTable *here)
{
  const TocEntry *entry = step->entry;
  if (!is_in(entry, "public", NULL))
    return TRUE;
  gboolean is_relation = toc_entry_is(entry, TOC_KIND_TABLE) || toc_entry_is(entry, TOC_KIND_SEQUENCE);
  if (step->kind != STEP_ROWS && step->kind != STEP_SEQUENCE && !is_relation)
    return FALSE;
  return entry->tag != NULL && g_hash_table_contains(here, entry->tag);
}

gboolean
hub_level_trim(PgConnection *connection, ArchiveReader *reader, RestorePlan *plan, HubLevel *ret_level, GError **error)
{
  HubLevel level;
  *ret_level = (HubLevel){0};
  if (!hub_level_read(connection, reader, &level, error))
    return FALSE;
  if (level.live == 0 || level.archive <= level.live)
    return TRUE;
  g_autoptr(GHashTable) here = relations_here(connection, error);
  if (here == NULL)
    return FALSE;
  guint n_kept = 0;
  for (guint i = 0; i < plan->steps->len; i++) {
    const RestoreStep step = g_array_index(plan->steps, RestoreStep, i);
    if (is_kept(&step, here)) {
      g_array_index(plan->steps, RestoreStep, n_kept++) = step;
    } else if (step.kind == STEP_ROWS) {
      const ArchiveDataInfo *info = archive_reader_data_info(reader, step.entry);
      plan->n_tables--;
      plan->rows -= info->rows;
      plan->bytes -= info->data_bytes;
    }
  }
  g_array_set_size(plan->steps, n_kept);
  *ret_level = level;
  return TRUE;
}
