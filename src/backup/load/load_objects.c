#include "backup/load/load_objects.h"

#include "backup/load/load_graph.h"
#include "base/error.h"

typedef struct {
  guint n_steps, n_workers;
  guint configured_kb; /* the server's memory for building an index */
  BackupProgress *progress;

  GMutex mutex; /* guards the members below */
  GCond changed;
  LoadGraph *graph;
  gboolean is_stopped;
} ObjectLoad;

/* A step to run. */
typedef struct {
  const RestoreStep *step;
  guint handle;
  guint sort_kb;
} Task;

/* While there is enough work for all workers, each of them sorts by itself. Otherwise the server may sort with
 * parallel workers, if it is configured so. */
static guint
choose_sort_kb(const ObjectLoad *load, guint handle)
{
  guint others = load->n_workers - 1;
  if (load_graph_n_beside(load->graph, handle, others) < others)
    return load->configured_kb;
  return restore_sort_kb(load_graph_weight(load->graph, handle), load->configured_kb);
}

/* Waits for a step that may run; FALSE if all are done, or the load was stopped. */
static gboolean
next_task(ObjectLoad *load, Task *ret_task)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&load->mutex);
  while (!load->is_stopped && load_graph_n_left(load->graph) > 0) {
    ret_task->step = load_graph_take(load->graph, &ret_task->handle);
    if (ret_task->step != NULL) {
      ret_task->sort_kb = choose_sort_kb(load, ret_task->handle);
      return TRUE;
    }
    g_cond_wait(&load->changed, &load->mutex);
  }
  return FALSE;
}

static void
finish_step(ObjectLoad *load, guint handle)
{
  g_mutex_lock(&load->mutex);
  load_graph_finish(load->graph, handle);
  guint n_done = load->n_steps - load_graph_n_left(load->graph);
  g_cond_broadcast(&load->changed);
  g_mutex_unlock(&load->mutex);
  backup_progress_set(load->progress, n_done, load->n_steps);
}

static gboolean
use_sort_kb(Restore *restore, guint kb, guint *current_kb, GError **error)
{
  if (kb == *current_kb)
    return TRUE;
  *current_kb = kb;
  return pg_connection_execf(restore_connection(restore), error, "SET maintenance_work_mem = %u", kb);
}

static gboolean
build_objects(Restore *restore, gpointer user_data, GError **error)
{
  ObjectLoad *load = user_data;
  guint sort_kb = load->configured_kb;
  Task task;
  while (next_task(load, &task)) {
    if (!use_sort_kb(restore, task.sort_kb, &sort_kb, error) || !restore_apply_step(restore, task.step, error))
      return FALSE;
    finish_step(load, task.handle);
  }
  return !error_if_cancelled(restore_cancellable(restore), error);
}

static void
stop_objects(gpointer user_data)
{
  ObjectLoad *load = user_data;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&load->mutex);
  load->is_stopped = TRUE;
  g_cond_broadcast(&load->changed);
}

/* Maps a table's dump ID to the bytes loaded into it. */
static GHashTable *
weigh_tables(const GArray *tables)
{
  GHashTable *weights = g_hash_table_new(NULL, NULL);
  for (guint i = 0; i < tables->len; i++) {
    LoadedTable *table = &g_array_index(tables, LoadedTable, i);
    g_hash_table_insert(weights, GINT_TO_POINTER(table->entry->dump_id), &table->totals.bytes);
    for (guint j = 0; j < table->entry->n_dependencies; j++)
      g_hash_table_insert(weights, GINT_TO_POINTER(table->entry->dependencies[j]), &table->totals.bytes);
  }
  return weights;
}

gboolean
load_objects(LoadTeam *team, const GArray *tables, GError **error)
{
  Restore *leader = load_team_leader(team);
  g_autoptr(GPtrArray) steps = g_ptr_array_new();
  const GArray *all = restore_plan(leader)->steps;
  for (guint i = 0; i < all->len; i++)
    if (g_array_index(all, RestoreStep, i).stage == STAGE_POST_DATA)
      g_ptr_array_add(steps, &g_array_index(all, RestoreStep, i));
  if (steps->len == 0)
    return TRUE;
  restore_enter_stage(leader, STAGE_POST_DATA);
  g_autoptr(GHashTable) weights = weigh_tables(tables);
  ObjectLoad load = {
      .n_steps = steps->len, .n_workers = load_team_n_workers(team), .progress = restore_progress(leader)};
  if (!restore_configured_sort_kb(restore_connection(leader), &load.configured_kb, error))
    return FALSE;
  load.graph = load_graph_new(restore_reader(leader), steps, weights);
  g_mutex_init(&load.mutex);
  g_cond_init(&load.changed);
  gboolean ok = load_team_run(team, build_objects, NULL, stop_objects, &load, error);
  load_graph_free(load.graph);
  g_mutex_clear(&load.mutex);
  g_cond_clear(&load.changed);
  return ok;
}
