#include "backup/preview/preview_locks.h"

#include "backup/merge/merge.h"
#include "backup/plan/entry_sql.h"

#include <string.h>

/* A merge inserts each row into every index; an overwrite builds the indexes at the end. */
enum {
  MERGED_ROWS_PER_S = 4000,
  INDEXED_ROWS_PER_S = 200000,
  OVERWRITTEN_ROWS_PER_S = 40000,
  OVERWRITTEN_BYTES_PER_S = 10 * 1000 * 1000
};

gboolean
preview_note_lock(PreviewRun *run, const TocEntry *entry, GError **error)
{
  BackupPreviewTable *table = run->preview->tables->pdata[run->preview->tables->len - 1];
  guint64 rows = table->expected.rows_inserted + table->expected.rows_updated;
  if (run->options->clean_first || table->is_new || !table->is_compared || rows == 0)
    return TRUE;
  return merge_lock_of(run->restore, entry, &table->lock, error);
}

static void
warn_of_lock(PreviewRun *run, const BackupPreviewTable *table)
{
  static const TextId texts[] = {
      [MERGE_LOCK_TRIGGERS] = TEXT_PREVIEW_TABLE_LOCKED,
      [MERGE_LOCK_TRIGGERS_OF_ROLE] = TEXT_PREVIEW_TABLE_LOCKED_BY_ROLE,
      [MERGE_LOCK_IDENTITY] = TEXT_PREVIEW_IDENTITY_LOCKED,
      [MERGE_LOCK_CYCLE] = TEXT_PREVIEW_CYCLE_LOCKED,
  };
  preview_warn(run, texts[table->lock], table->table, table->lock_s);
}

/* A lock lasts until the commit, so the first table stays locked while all later ones are imported. Keys that form a
 * cycle are deferred before the first row. */
static gboolean
warn_of_rows(PreviewRun *run, GError **error)
{
  const GPtrArray *tables = run->preview->tables;
  g_autoptr(GHashTable) cyclic = NULL;
  if (!merge_cyclic_tables(run->restore, &cyclic, error))
    return FALSE;
  guint64 rows = 0;
  for (guint i = tables->len; i > 0; i--) {
    BackupPreviewTable *table = tables->pdata[i - 1];
    rows += table->expected.rows_inserted + table->expected.rows_updated;
    if (table->lock != MERGE_LOCK_NONE)
      table->lock_s = (guint)(1 + rows / MERGED_ROWS_PER_S);
  }
  for (guint i = 0; i < tables->len; i++) {
    BackupPreviewTable *table = tables->pdata[i];
    if (g_hash_table_contains(cyclic, table->table)) {
      table->lock = MERGE_LOCK_CYCLE;
      table->lock_s = (guint)(1 + rows / MERGED_ROWS_PER_S);
    }
    if (table->lock != MERGE_LOCK_NONE)
      warn_of_lock(run, table);
  }
  return TRUE;
}

/* ---- Objects that a merge makes on existing tables ---- */

typedef struct {
  BackupPreviewTable *table; /* NULL: it gets no rows */
  char *name;                /* "public.users" */
  GString *objects;          /* "INDEX by_name, TRIGGER note" */
  guint64 rows_until_end;    /* that are read for this object and all later ones */
} PartLock;

static void
part_lock_free(gpointer data)
{
  PartLock *lock = data;
  g_free(lock->name);
  g_string_free(lock->objects, TRUE);
  g_free(lock);
}

static BackupPreviewTable *
find_table(const PreviewRun *run, const char *name)
{
  for (guint i = 0; i < run->preview->tables->len; i++) {
    BackupPreviewTable *table = run->preview->tables->pdata[i];
    if (strcmp(table->table, name) == 0)
      return table;
  }
  return NULL;
}

static PartLock *
part_lock_of(PreviewRun *run, GPtrArray *locks, const TocEntry *entry)
{
  g_autofree char *name = entry_display_name(entry);
  for (guint i = 0; i < locks->len; i++)
    if (strcmp(((PartLock *)locks->pdata[i])->name, name) == 0)
      return locks->pdata[i];
  PartLock *lock = g_new0(PartLock, 1);
  lock->table = find_table(run, name);
  lock->name = g_steal_pointer(&name);
  lock->objects = g_string_new(NULL);
  g_ptr_array_add(locks, lock);
  return lock;
}

static gboolean
exists_here(PreviewRun *run, const TocEntry *table, gboolean *ret_exists, GError **error)
{
  g_autofree char *name = pg_quote_qualified(table->namespace_name, table->tag);
  g_autofree char *found = NULL;
  if (!pg_connection_value(run->connection, &found, error, "SELECT pg_catalog.to_regclass($1)", 1, name))
    return FALSE;
  *ret_exists = found != NULL;
  return TRUE;
}

/* Notes the locks of one statement. */
static gboolean
note_part(PreviewRun *run, const TocEntry *entry, GPtrArray *locks, GError **error)
{
  g_autoptr(GPtrArray) tables = restore_locked_tables(run->restore, entry);
  gboolean is_present = FALSE;
  if (tables->len == 0 || !restore_find_present(run->restore, entry, &is_present, error))
    return tables->len == 0;
  for (guint i = 0; i < tables->len && !is_present; i++) {
    gboolean exists = FALSE;
    if (!exists_here(run, tables->pdata[i], &exists, error))
      return FALSE;
    if (!exists)
      continue;
    PartLock *lock = part_lock_of(run, locks, tables->pdata[i]);
    g_string_append_printf(lock->objects, "%s%s %s", lock->objects->len > 0 ? ", " : "", entry->desc, entry->tag);
    guint64 rows = lock->table != NULL ? lock->table->live_rows + lock->table->expected.rows_inserted : 0;
    for (guint j = 0; j < locks->len; j++)
      ((PartLock *)locks->pdata[j])->rows_until_end += rows;
  }
  return TRUE;
}

static gboolean
warn_of_parts(PreviewRun *run, GError **error)
{
  g_autoptr(GPtrArray) locks = g_ptr_array_new_with_free_func(part_lock_free);
  for (guint i = 0; i < run->plan->steps->len; i++) {
    const RestoreStep *step = &g_array_index(run->plan->steps, RestoreStep, i);
    if (step->kind == STEP_SQL && !note_part(run, step->entry, locks, error))
      return FALSE;
  }
  for (guint i = 0; i < locks->len; i++) {
    const PartLock *lock = locks->pdata[i];
    guint seconds = (guint)(1 + lock->rows_until_end / INDEXED_ROWS_PER_S);
    if (lock->table != NULL)
      lock->table->lock_s = MAX(lock->table->lock_s, seconds);
    g_autofree char *objects = g_utf8_make_valid(lock->objects->str, -1);
    preview_warn(run, TEXT_PREVIEW_PART_LOCKED, lock->name, seconds, objects);
  }
  return TRUE;
}

/* ---- All together ---- */

/* AUTO becomes the method that an import would use now, with the reason of one that is not the gentle one. */
static gboolean
choose_method(const PreviewRun *run, BackupMethod *method, char **ret_reason, GError **error)
{
  const BackupImportOptions *options = run->options;
  if (*method != BACKUP_METHOD_AUTO)
    return TRUE;
  /* The preview's own connection speaks the archive's encoding. */
  g_autoptr(PgConnection) connection = pg_connection_open(options->dsn, "cch-data preview", run->cancellable, error);
  return connection != NULL &&
         backup_import_method(connection, options->dsn, NULL, options->language, method, ret_reason, error);
}

static gboolean
warn_of_overwrite(PreviewRun *run, GError **error)
{
  BackupMethod method = run->options->method;
  g_autofree char *reason = NULL;
  if (!choose_method(run, &method, &reason, error))
    return FALSE;
  if (method != BACKUP_METHOD_TRANSACTION)
    return TRUE;
  run->preview->lock_s =
      (guint)(1 + run->plan->rows / OVERWRITTEN_ROWS_PER_S + run->plan->bytes / OVERWRITTEN_BYTES_PER_S);
  if (reason != NULL)
    preview_warn(run, TEXT_PREVIEW_ALL_LOCKED_NO_SWAP, run->preview->lock_s, reason);
  else
    preview_warn(run, TEXT_PREVIEW_ALL_LOCKED, run->preview->lock_s);
  return TRUE;
}

gboolean
preview_warn_of_locks(PreviewRun *run, GError **error)
{
  if (run->options->clean_first)
    return warn_of_overwrite(run, error);
  return warn_of_rows(run, error) && warn_of_parts(run, error);
}
