#include "backup/restore/overwrite.h"

#include "backup/plan/entry_sql.h"
#include "backup/restore/large_objects.h"
#include "backup_sql.h"
#include "base/error.h"

#include <string.h>

/* Every new database has it; archives of PostgreSQL 10 and older name it all the same. */
#define BUILT_IN "plpgsql"

enum {
  SERVER_MIN_SORT_KB = 32 * 1024, /* for each process of a parallel index build, unless the table asks for workers */
  PARALLEL_MIN_BYTES = 8 * 1024 * 1024 /* min_parallel_table_scan_size, below which the server starts none */
};

struct Overwrite {
  gboolean allow_incomplete;
  GHashTable *kept_extensions; /* names; NULL until read */
  GPtrArray *parallel;         /* quoted names of tables that have parallel_workers while their indexes are built */
  guint configured_sort_kb;
};

Overwrite *
overwrite_new(gboolean allow_incomplete)
{
  Overwrite *overwrite = g_new0(Overwrite, 1);
  overwrite->allow_incomplete = allow_incomplete;
  overwrite->parallel = g_ptr_array_new_with_free_func(g_free);
  return overwrite;
}

void
overwrite_free(Overwrite *overwrite)
{
  if (overwrite == NULL)
    return;
  g_clear_pointer(&overwrite->kept_extensions, g_hash_table_unref);
  g_ptr_array_unref(overwrite->parallel);
  g_free(overwrite);
}

static gboolean
lock_tables(Restore *restore, const char *schemas, GError **error)
{
  g_autofree char *lock = NULL;
  if (!pg_connection_value(restore_connection(restore), &lock, error, backup_overwrite_tables_sql, 1, schemas))
    return FALSE;
  return lock == NULL || restore_run_sql(restore, lock, error);
}

static gboolean
tell_lost_logs(PgConnection *connection, const RestorePlan *plan, BackupProgress *progress, GError **error)
{
  g_autofree char *log_table = NULL;
  if (!pg_connection_value(connection, &log_table, error, "SELECT pg_catalog.to_regclass('public." LOG_TABLE "')", 0))
    return FALSE;
  g_autofree char *count = NULL;
  if (log_table != NULL && g_strv_contains((const char *const *)plan->schemas, "public") &&
      !pg_connection_value(connection, &count, error, "SELECT pg_catalog.count(*) FROM public." LOG_TABLE, 0))
    return FALSE;
  guint64 rows = count != NULL ? g_ascii_strtoull(count, NULL, 10) : 0;
  if (rows > 0)
    backup_progress_caution(progress, TEXT_IMPORT_LOGS_LOST, rows);
  return TRUE;
}

gboolean
overwrite_tell_losses(PgConnection *connection, ArchiveReader *reader, const RestorePlan *plan,
                      BackupProgress *progress, GError **error)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    if (toc_entry_is(entry, TOC_KIND_TABLE) && entry->namespace_name != NULL && entry->tag != NULL) {
      g_autofree char *name = g_strdup_printf("%s.%s", entry->namespace_name, entry->tag);
      g_strv_builder_add(builder, name);
    }
  }
  g_auto(GStrv) named = g_strv_builder_end(builder);
  g_autofree char *named_array = pg_array((const char *const *)named);
  g_autofree char *schemas = pg_array((const char *const *)plan->schemas);
  g_autoptr(PgResult) unnamed =
      pg_connection_query(connection, error, backup_overwrite_unnamed_sql, 2, schemas, named_array);
  if (unnamed == NULL)
    return FALSE;
  if (pg_result_int64(unnamed, 0, 1) > 0)
    backup_progress_caution(progress, TEXT_IMPORT_UNNAMED_TABLES, pg_result_text(unnamed, 0, 1),
                            pg_result_text(unnamed, 0, 0));
  return plan->has_log_rows || tell_lost_logs(connection, plan, progress, error);
}

static gboolean
leaves_out(Restore *restore, const TocEntry *entry)
{
  const Overwrite *overwrite = restore_way_state(restore);
  return overwrite_is_about_extension(overwrite->kept_extensions, entry);
}

/* Drops the archive's objects of one kind that no schema holds, dependents first. */
static gboolean
drop_named(Restore *restore, TocKindFlags flag, GError **error)
{
  const GArray *steps = restore_plan(restore)->steps;
  for (guint i = steps->len; i > 0; i--) {
    const TocEntry *entry = g_array_index(steps, RestoreStep, i - 1).entry;
    gboolean is_kept = leaves_out(restore, entry);
    g_autofree char *drop = toc_entry_has(entry, flag) && !is_kept ? entry_drop_if_exists(entry) : NULL;
    if (drop == NULL)
      continue;
    if (!restore_run_sql(restore, drop, error)) {
      g_prefix_error(error, "drop %s %s: ", entry->desc, entry->tag);
      return FALSE;
    }
  }
  return TRUE;
}

GHashTable *
overwrite_find_kept_extensions(Restore *restore, GError **error)
{
  g_autoptr(PgResult) kept = pg_connection_query(
      restore_connection(restore), error,
      "SELECT extname FROM pg_catalog.pg_extension WHERE NOT pg_catalog.pg_has_role(extowner, 'USAGE') OR extname = "
      "'" BUILT_IN "'",
      0);
  if (kept == NULL)
    return NULL;
  GHashTable *extensions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < pg_result_rows(kept); i++)
    g_hash_table_add(extensions, g_strdup(pg_result_text(kept, i, 0)));
  const GArray *steps = restore_plan(restore)->steps;
  for (guint i = 0; i < steps->len; i++) {
    const TocEntry *entry = g_array_index(steps, RestoreStep, i).entry;
    if (toc_entry_is(entry, TOC_KIND_EXTENSION) && overwrite_is_about_extension(extensions, entry) &&
        strcmp(entry->tag, BUILT_IN) != 0)
      backup_progress_warn(restore_progress(restore), TEXT_IMPORT_EXTENSION_KEPT, entry->tag);
  }
  return extensions;
}

gboolean
overwrite_is_about_extension(GHashTable *extensions, const TocEntry *entry)
{
  if (entry->tag == NULL)
    return FALSE;
  if (toc_entry_is(entry, TOC_KIND_EXTENSION))
    return g_hash_table_contains(extensions, entry->tag);
  /* The name is quoted there if necessary. */
  const char *cursor = entry->tag + strlen("EXTENSION ");
  g_autofree char *name = toc_entry_is(entry, TOC_KIND_COMMENT) && g_str_has_prefix(entry->tag, "EXTENSION ")
                              ? entry_read_identifier(&cursor)
                              : NULL;
  return name != NULL && g_hash_table_contains(extensions, name);
}

/* Names of the archive's objects that no schema holds, as text[]. */
static char *
names_outside_schemas(Restore *restore)
{
  const GArray *steps = restore_plan(restore)->steps;
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  for (guint i = 0; i < steps->len; i++) {
    const TocEntry *entry = g_array_index(steps, RestoreStep, i).entry;
    if (toc_entry_has(entry, TOC_DROPPED_LAST) && entry->tag != NULL)
      g_ptr_array_add(names, entry->tag);
  }
  g_ptr_array_add(names, NULL);
  return pg_array((const char *const *)names->pdata);
}

static gboolean
refuse_outsiders(Restore *restore, const char *schemas, GError **error)
{
  g_autofree char *names = names_outside_schemas(restore);
  g_autoptr(PgResult) outsiders =
      pg_connection_query(restore_connection(restore), error, backup_overwrite_outsiders_sql, 2, schemas, names);
  if (outsiders == NULL)
    return FALSE;
  if (pg_result_rows(outsiders) == 0)
    return TRUE;
  g_autoptr(GString) list = g_string_new(NULL);
  for (guint i = 0; i < pg_result_rows(outsiders); i++)
    g_string_append_printf(list, "%s%s", i > 0 ? ", " : "", pg_result_text(outsiders, i, 0));
  error_set(error, CCH_ERROR_IMPORT_BLOCKED, "%s", list->str);
  return FALSE;
}

static gboolean
drop_contents(Restore *restore, const char *schemas, GError **error)
{
  g_autoptr(PgResult) drops =
      pg_connection_query(restore_connection(restore), error, backup_overwrite_objects_sql, 1, schemas);
  if (drops == NULL)
    return FALSE;
  for (guint i = 0; i < pg_result_rows(drops); i++) {
    if (!restore_run_sql(restore, pg_result_text(drops, i, 0), error)) {
      g_prefix_error(error, "%s: ", pg_result_text(drops, i, 0));
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
drop_schemas(Restore *restore, GError **error)
{
  for (char **schema = restore_plan(restore)->created_schemas; *schema != NULL; schema++) {
    g_autofree char *name = pg_quote_identifier(*schema);
    g_autofree char *drop = g_strdup_printf("DROP SCHEMA IF EXISTS %s CASCADE", name);
    if (!restore_run_sql(restore, drop, error)) {
      g_prefix_error(error, "drop schema %s: ", name);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
unlink_large_objects(Restore *restore, GError **error)
{
  const GArray *steps = restore_plan(restore)->steps;
  for (guint i = 0; i < steps->len; i++) {
    const RestoreStep *step = &g_array_index(steps, RestoreStep, i);
    if (step->kind == STEP_LARGE_OBJECTS && !large_objects_unlink(restore, step->entry, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
clear_target(Restore *restore, GError **error)
{
  Overwrite *overwrite = restore_way_state(restore);
  BackupProgress *progress = restore_progress(restore);
  const RestorePlan *plan = restore_plan(restore);
  g_autofree char *schemas = pg_array((const char *const *)plan->schemas);
  backup_progress_phase(progress, BACKUP_PHASE_LOCKS);
  if (!lock_tables(restore, schemas, error) ||
      !overwrite_check_losses(restore_connection(restore), restore_reader(restore), plan, overwrite->allow_incomplete,
                              progress, error) ||
      !overwrite_tell_losses(restore_connection(restore), restore_reader(restore), plan, progress, error) ||
      (overwrite->kept_extensions = overwrite_find_kept_extensions(restore, error)) == NULL)
    return FALSE;
  backup_progress_phase(progress, BACKUP_PHASE_SCHEMA);
  backup_progress_say(progress, TEXT_IMPORT_DROPPING);
  return drop_named(restore, TOC_DROPPED_FIRST, error) && refuse_outsiders(restore, schemas, error) &&
         drop_contents(restore, schemas, error) && drop_named(restore, TOC_DROPPED_LAST, error) &&
         drop_schemas(restore, error) && unlink_large_objects(restore, error);
}

/* A table with pending deferred checks allows neither ALTER nor CREATE INDEX. */
static gboolean
check_rows(Restore *restore, GError **error)
{
  return restore_run_sql(restore, "SET CONSTRAINTS ALL IMMEDIATE", error);
}

/* The number of workers that the server would start beside the leader with the configured memory. */
static gboolean
count_workers(Restore *restore, guint configured_kb, guint *ret_n, GError **error)
{
  g_autofree char *allowed = NULL;
  if (!pg_connection_value(restore_connection(restore), &allowed, error,
                           "SELECT pg_catalog.current_setting('max_parallel_maintenance_workers')", 0))
    return FALSE;
  guint by_memory = configured_kb / SERVER_MIN_SORT_KB;
  *ret_n = by_memory > 0 ? MIN(by_memory - 1, (guint)g_ascii_strtoull(allowed, NULL, 10)) : 0;
  return TRUE;
}

/* A table with a setting of its own keeps it. */
static gboolean
ask_for_workers(Restore *restore, const TocEntry *entry, guint n, GError **error)
{
  Overwrite *overwrite = restore_way_state(restore);
  g_autofree char *schema = NULL, *table = NULL, *may = NULL;
  if (!entry_copy_target(entry, &schema, &table, error))
    return FALSE;
  g_autofree char *target = pg_quote_qualified(schema, table);
  if (!pg_connection_value(restore_connection(restore), &may, error,
                           "SELECT 1 FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass($1) AND relkind = 'r' "
                           "AND pg_catalog.pg_has_role(relowner, 'USAGE') AND pg_catalog.array_to_string(reloptions, "
                           "',') !~ 'parallel_workers=' IS NOT FALSE",
                           1, target))
    return FALSE;
  if (may == NULL)
    return TRUE;
  g_autofree char *alter = g_strdup_printf("ALTER TABLE ONLY %s SET (parallel_workers = %u)", target, n);
  if (!restore_run_sql(restore, alter, error))
    return FALSE;
  g_ptr_array_add(overwrite->parallel, g_steal_pointer(&target));
  return TRUE;
}

/* One connection builds all indexes. It sorts in runs that the processor's cache holds, beside as many workers as with
 * the configured memory: with less than that the server starts them only where a table's own setting says so. */
static gboolean
prepare_sorts(Restore *restore, GError **error)
{
  Overwrite *overwrite = restore_way_state(restore);
  guint configured_kb = 0, n_workers = 0;
  guint64 largest = 0;
  if (!restore_configured_sort_kb(restore_connection(restore), &configured_kb, error) ||
      !count_workers(restore, configured_kb, &n_workers, error))
    return FALSE;
  overwrite->configured_sort_kb = configured_kb;
  const GArray *steps = restore_plan(restore)->steps;
  for (guint i = 0; i < steps->len; i++) {
    const RestoreStep *step = &g_array_index(steps, RestoreStep, i);
    guint64 bytes =
        step->kind == STEP_ROWS ? archive_reader_data_info(restore_reader(restore), step->entry)->data_bytes : 0;
    largest = MAX(largest, bytes);
    if (n_workers > 0 && bytes >= PARALLEL_MIN_BYTES && !ask_for_workers(restore, step->entry, n_workers, error))
      return FALSE;
  }
  guint kb = MIN(restore_sort_kb(largest, configured_kb) * (n_workers + 1), configured_kb);
  return pg_connection_execf(restore_connection(restore), error, "SET LOCAL maintenance_work_mem = %u", kb);
}

static gboolean
reset_sorts(Restore *restore, GError **error)
{
  Overwrite *overwrite = restore_way_state(restore);
  for (guint i = 0; i < overwrite->parallel->len; i++) {
    g_autofree char *alter = g_strdup_printf("ALTER TABLE IF EXISTS ONLY %s RESET (parallel_workers)",
                                             (const char *)overwrite->parallel->pdata[i]);
    if (!restore_run_sql(restore, alter, error))
      return FALSE;
  }
  return pg_connection_execf(restore_connection(restore), error, "SET LOCAL maintenance_work_mem = %u",
                             overwrite->configured_sort_kb);
}

const RestoreWay overwrite_way = {
    .name = "overwrite",
    .freezes_rows = TRUE,
    .begin = clear_target,
    .leaves_out = leaves_out,
    .end_rows = check_rows,
    .begin_post_data = prepare_sorts,
    .end_post_data = reset_sorts,
};
