#include "backup/load/load_rows.h"

#include "backup/load/load_queue.h"
#include "backup/plan/entry_sql.h"
#include "base/error.h"

/* Blocks besides those that the workers hold: enough to bridge short pauses of the reading thread. */
enum { BLOCKS_PER_WORKER = 2, BLOCKS_TO_FILL = 2 };

/* One table's rows. */
typedef struct {
  const RestoreStep *step;

  /* Guarded by the mutex of the RowLoad. */
  QueuedRows read;        /* the table's rows, once it has been read completely */
  gboolean is_read;       /* it has been read completely */
  RowTotals hashed;       /* if rows are hashed */
  guint64 blocks_taken;   /* committed or dropped blocks */
  guint64 rows_taken;     /* rows that the server says it took */
  gboolean has_conflicts; /* rows existed already: the rows that the server refused have to be merged */
  gboolean is_given_up;   /* failed, and ignored */
} TableLoad;

typedef struct {
  RowQueue *queue;
  GArray *tables; /* TableLoad; does not grow while workers run */
  gboolean hash_rows;
  const ArchiveReader *reader;
  BackupProgress *progress;

  /* For the progress with an archive whose rows are not counted: bytes of the file. */
  gboolean is_arriving; /* the blocks are not all found: the position in the file counts */
  guint64 stored_total; /* 0: the rows were counted */
  guint64 stored_done;  /* of the tables read so far */
  guint64 block_start;  /* where the current table begins */
  GMutex mutex;
} RowLoad;

/* A worker and its COPY. */
typedef struct {
  RowLoad *load;
  Restore *restore;
  RowHash *hash;    /* NULL: rows are not hashed */
  TableLoad *table; /* the table whose COPY is open; NULL: none */
  guint64 blocks;   /* blocks written to it */
} Worker;

/* Whether all rows of a table are in: TRUE for exactly one caller. */
static gboolean
is_complete(const TableLoad *table)
{
  return table->is_read && table->blocks_taken == table->read.blocks && !table->has_conflicts && !table->is_given_up;
}

static gboolean
complete_table(Restore *restore, const TableLoad *table, GError **error)
{
  GError *failure = NULL;
  if (!restore_check_taken(table->rows_taken, table->read.rows, &failure))
    return restore_judge(restore, table->step->entry, failure, error);
  restore_say_table_done(restore, table->step->entry, table->read.rows, table->read.rows);
  return TRUE;
}

/* ---- The workers ---- */

/* Marks blocks of a table as done; the server took `rows` of them. */
static gboolean
settle_blocks(const Worker *worker, TableLoad *table, guint64 blocks, guint64 rows, GError **error)
{
  RowLoad *load = worker->load;
  g_mutex_lock(&load->mutex);
  table->blocks_taken += blocks;
  table->rows_taken += rows;
  gboolean completes = is_complete(table);
  g_mutex_unlock(&load->mutex);
  return !completes || complete_table(worker->restore, table, error);
}

/* Handles the end of a COPY. */
static gboolean
settle_copy(Worker *worker, guint64 rows, GError **error)
{
  TableLoad *table = g_steal_pointer(&worker->table);
  guint64 blocks = worker->blocks;
  worker->blocks = 0;
  return settle_blocks(worker, table, blocks, rows, error);
}

/* Handles a failed COPY, which has left no rows: whether to go on. */
static gboolean
judge_copy(Worker *worker, GError *failure, GError **error)
{
  TableLoad *table = worker->table;
  g_assert(table != NULL);
  const TocEntry *entry = table->step->entry;
  restore_explain_text(worker->restore, entry, &failure);
  Verdict verdict = restore_verdict(worker->restore, entry, failure);
  /* COPYs of one table block each other only over equal rows. */
  gboolean is_conflict = verdict == VERDICT_DUPLICATE_KEY || verdict == VERDICT_RESTART;
  if (is_conflict && !g_cancellable_is_cancelled(restore_cancellable(worker->restore)))
    g_error_free(failure);
  else if (!restore_judge(worker->restore, entry, failure, error))
    return FALSE;
  g_mutex_lock(&worker->load->mutex);
  table->has_conflicts = table->has_conflicts || is_conflict;
  table->is_given_up = table->is_given_up || !is_conflict;
  g_mutex_unlock(&worker->load->mutex);
  return settle_copy(worker, 0, error);
}

static gboolean
end_copy(Worker *worker, GError **error)
{
  GError *failure = NULL;
  guint64 rows = 0;
  if (worker->table == NULL)
    return TRUE;
  if (!pg_connection_copy_in_end(restore_connection(worker->restore), &rows, &failure))
    return judge_copy(worker, failure, error);
  return settle_copy(worker, rows, error);
}

/* Hashes rows even if they are not imported: the hash covers the archive's contents. */
static void
hash_block(Worker *worker, const RowBlock *block)
{
  if (worker->hash == NULL)
    return;
  row_hash_push(worker->hash, block->data, block->size);
  if (block->is_open)
    return;
  TableLoad *table = block->table;
  RowTotals totals = row_hash_take(worker->hash);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&worker->load->mutex);
  row_totals_add(&table->hashed, &totals);
}

static gboolean
is_dropped(const Worker *worker, const TableLoad *table)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&worker->load->mutex);
  return table->has_conflicts || table->is_given_up;
}

static gboolean
begin_copy(Worker *worker, const TocEntry *entry, GError **error)
{
  g_autofree char *copy = entry_copy_statement(entry, error);
  return copy != NULL && restore_search(worker->restore, entry, error) &&
         pg_connection_copy_in_begin(restore_connection(worker->restore), copy, error);
}

/* Writes a block to its table's COPY, which is begun if necessary. */
static gboolean
load_block(Worker *worker, const RowBlock *block, GError **error)
{
  TableLoad *table = block->table;
  PgConnection *connection = restore_connection(worker->restore);
  GError *failure = NULL;
  if (worker->table != table && !end_copy(worker, error))
    return FALSE;
  gboolean is_begun = worker->table == table;
  if (!is_begun && is_dropped(worker, table))
    return settle_blocks(worker, table, 1, 0, error);
  worker->table = table;
  worker->blocks++;
  if ((!is_begun && !begin_copy(worker, table->step->entry, &failure)) ||
      !pg_connection_copy_in_write(connection, block->data, block->size, &failure))
    return judge_copy(worker, failure, error);
  backup_progress_add(restore_progress(worker->restore), block->rows, block->size);
  return TRUE;
}

static gboolean
load_blocks(Worker *worker, GError **error)
{
  RowBlock *block;
  while ((block = row_queue_take(worker->load->queue, worker)) != NULL) {
    hash_block(worker, block);
    gboolean ok = load_block(worker, block, error);
    row_queue_give_back(worker->load->queue, block);
    if (!ok)
      return FALSE;
  }
  if (!g_cancellable_is_cancelled(restore_cancellable(worker->restore)))
    return end_copy(worker, error);
  if (worker->table != NULL)
    pg_connection_copy_in_abort(restore_connection(worker->restore));
  error_set_cancelled(error);
  return FALSE;
}

static gboolean
copy_rows(Restore *restore, gpointer user_data, GError **error)
{
  RowLoad *load = user_data;
  g_autoptr(RowHash) hash = load->hash_rows ? row_hash_new() : NULL;
  Worker worker = {.load = load, .restore = restore, .hash = hash};
  return load_blocks(&worker, error);
}

/* ---- The leader ---- */

static gboolean
take_text(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  RowLoad *load = user_data;
  guint64 position = archive_reader_position(load->reader);
  if (load->stored_total > 0)
    backup_progress_set(load->progress, load->is_arriving ? position : load->stored_done + position - load->block_start,
                        load->stored_total);
  if (row_queue_write(load->queue, data, size))
    return TRUE;
  error_set_cancelled(error);
  return FALSE;
}

static gboolean
read_table(RowLoad *load, Restore *leader, TableLoad *table, GError **error)
{
  const TocEntry *entry = table->step->entry;
  QueuedRows rows;
  restore_say_table(leader, entry);
  const ArchiveDataInfo *info = archive_reader_data_info(restore_reader(leader), entry);
  load->block_start = info->position;
  row_queue_begin(load->queue, table);
  if (!archive_reader_read_data(restore_reader(leader), entry, take_text, NULL, load, restore_cancellable(leader),
                                error)) {
    g_autofree char *name = entry_display_name(entry);
    g_prefix_error(error, "restore %s %s: ", entry->desc, name);
    return FALSE;
  }
  if (!row_queue_end(load->queue, &rows)) {
    error_set_cancelled(error);
    return FALSE;
  }
  load->stored_done += info->end_position - info->position;
  g_mutex_lock(&load->mutex);
  table->read = rows;
  table->is_read = TRUE;
  gboolean completes = is_complete(table);
  g_mutex_unlock(&load->mutex);
  return !completes || complete_table(leader, table, error);
}

/* Reads all tables; writes the large objects while the workers load the last tables. */
static gboolean
read_rows(Restore *leader, gpointer user_data, GError **error)
{
  RowLoad *load = user_data;
  for (guint i = 0; i < load->tables->len; i++)
    if (!read_table(load, leader, &g_array_index(load->tables, TableLoad, i), error))
      return FALSE;
  row_queue_finish(load->queue);
  const GArray *steps = restore_plan(leader)->steps;
  for (guint i = 0; i < steps->len; i++) {
    const RestoreStep *step = &g_array_index(steps, RestoreStep, i);
    if (step->kind == STEP_LARGE_OBJECT_DATA && !restore_apply_step(leader, step, error))
      return FALSE;
  }
  return TRUE;
}

/* Rows that a new table has already (an extension's configuration) stay; the others are added. */
static gboolean
add_missing(Restore *leader, const TableLoad *table, GError **error)
{
  guint64 rows = 0, added = 0;
  if (!restore_add_rows(leader, table->step->entry, &rows, &added, error))
    return FALSE;
  restore_say_table_done(leader, table->step->entry, rows, added + table->rows_taken);
  return TRUE;
}

static void
collect_tables(RowLoad *load, const RestorePlan *plan)
{
  load->is_arriving = archive_reader_is_arriving(load->reader);
  for (guint i = 0; i < plan->steps->len; i++) {
    const RestoreStep *step = &g_array_index(plan->steps, RestoreStep, i);
    if (step->kind == STEP_ROWS) {
      TableLoad table = {.step = step};
      g_array_append_val(load->tables, table);
      const ArchiveDataInfo *info = archive_reader_data_info(load->reader, step->entry);
      load->stored_total += plan->bytes == 0 ? info->end_position - info->position : 0;
    }
  }
  if (load->is_arriving)
    load->stored_total = archive_reader_size(load->reader);
}

static void
report_tables(const RowLoad *load, GArray *tables)
{
  for (guint i = 0; i < load->tables->len; i++) {
    const TableLoad *table = &g_array_index(load->tables, TableLoad, i);
    LoadedTable loaded = {.entry = table->step->entry, .totals = table->hashed};
    loaded.totals.rows = table->read.rows;
    loaded.totals.bytes = table->read.bytes;
    g_array_append_val(tables, loaded);
  }
}

static void
stop_rows(gpointer user_data)
{
  row_queue_stop(((RowLoad *)user_data)->queue);
}

gboolean
load_rows(LoadTeam *team, gboolean hash_rows, GArray *tables, GError **error)
{
  Restore *leader = load_team_leader(team);

  /* 1. The list of blocks to read. */
  RowLoad load = {.queue = row_queue_new(load_team_n_workers(team) * BLOCKS_PER_WORKER + BLOCKS_TO_FILL),
                  .tables = g_array_new(FALSE, FALSE, sizeof(TableLoad)),
                  .hash_rows = hash_rows,
                  .reader = restore_reader(leader),
                  .progress = restore_progress(leader)};
  g_mutex_init(&load.mutex);
  collect_tables(&load, restore_plan(leader));
  restore_enter_stage(leader, STAGE_DATA);

  /* 2. The leader reads, the workers copy; it writes the large objects while they finish. */
  gboolean ok = load_team_run(team, copy_rows, read_rows, stop_rows, &load, error);

  /* 3. Tables whose COPY met existing rows. */
  for (guint i = 0; ok && i < load.tables->len; i++) {
    const TableLoad *table = &g_array_index(load.tables, TableLoad, i);
    ok = !table->has_conflicts || table->is_given_up || add_missing(leader, table, error);
  }

  /* 4. The rest of the data stage: sequences, comments on data. */
  const GArray *steps = restore_plan(leader)->steps;
  for (guint i = 0; ok && i < steps->len; i++) {
    const RestoreStep *step = &g_array_index(steps, RestoreStep, i);
    gboolean is_left = step->stage == STAGE_DATA && step->kind != STEP_ROWS && step->kind != STEP_LARGE_OBJECT_DATA;
    ok = !is_left || restore_apply_step(leader, step, error);
  }

  /* 5. The result. */
  if (ok)
    report_tables(&load, tables);
  g_array_unref(load.tables);
  row_queue_free(load.queue);
  g_mutex_clear(&load.mutex);
  return ok;
}
