#include "backup/load/load_team.h"

#include "base/error.h"
#include "pg/connection/sqlstate.h"

struct LoadTeam {
  Restore *leader;
  GPtrArray *workers;        /* Restore */
  GCancellable *cancellable; /* the members' */
  GCancellable *outer;       /* the caller's; may be NULL */
  gulong outer_handler;

  GMutex mutex;
  GError *failure; /* the first failure; guarded by the mutex */
};

/* One member's share of a run. */
typedef struct {
  LoadTeam *team;
  Restore *restore;
  LoadFunc func;
  gpointer user_data;
} Part;

static void
free_member(gpointer data)
{
  Restore *restore = data;
  if (restore == NULL)
    return;
  PgConnection *connection = restore_connection(restore);
  restore_free(restore);
  pg_connection_free(connection);
}

static Restore *
new_member(LoadTeam *team, const RestoreOptions *member, const char *dsn, GError **error)
{
  RestoreOptions options = *member;
  options.cancellable = team->cancellable;
  options.connection = pg_connection_open(dsn, "cch-data import", team->cancellable, error);
  if (options.connection == NULL)
    return NULL;
  Restore *restore = restore_new(&options);
  if (restore_prepare_session(restore, error) &&
      pg_connection_exec(options.connection, "SET synchronous_commit = off", error))
    return restore;
  free_member(restore);
  return NULL;
}

static void
cancel_members(GCancellable *outer, gpointer cancellable)
{
  g_cancellable_cancel(cancellable);
}

LoadTeam *
load_team_new(const RestoreOptions *member, const LoadOptions *options, GCancellable *cancellable, GError **error)
{
  g_autoptr(LoadTeam) team = g_new0(LoadTeam, 1);
  g_mutex_init(&team->mutex);
  team->workers = g_ptr_array_new_with_free_func(free_member);
  team->cancellable = g_cancellable_new();
  if (cancellable != NULL) {
    team->outer = g_object_ref(cancellable);
    team->outer_handler = g_cancellable_connect(cancellable, G_CALLBACK(cancel_members), team->cancellable, NULL);
  }
  team->leader = new_member(team, member, options->dsn, error);
  if (team->leader == NULL)
    return NULL;
  guint jobs = CLAMP(options->jobs, 1, LOAD_MAX_JOBS);
  while (team->workers->len < jobs) {
    g_autoptr(GError) failure = NULL;
    Restore *worker = new_member(team, member, options->dsn, &failure);
    if (worker != NULL) {
      g_ptr_array_add(team->workers, worker);
      continue;
    }
    gboolean is_full = error_has_sqlstate(failure, SQLSTATE_TOO_MANY_CONNECTIONS);
    if (is_full && team->workers->len > 0)
      break;
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  return g_steal_pointer(&team);
}

void
load_team_free(LoadTeam *team)
{
  if (team == NULL)
    return;
  if (team->outer != NULL)
    g_cancellable_disconnect(team->outer, team->outer_handler);
  g_ptr_array_unref(team->workers);
  free_member(team->leader);
  g_clear_error(&team->failure);
  g_clear_object(&team->outer);
  g_object_unref(team->cancellable);
  g_mutex_clear(&team->mutex);
  g_free(team);
}

Restore *
load_team_leader(const LoadTeam *team)
{
  return team->leader;
}

guint
load_team_n_workers(const LoadTeam *team)
{
  return team->workers->len;
}

gboolean
load_team_begin_sessions(LoadTeam *team, GError **error)
{
  const GArray *steps = restore_plan(team->leader)->steps;
  for (guint i = 0; i < steps->len; i++) {
    const RestoreStep *step = &g_array_index(steps, RestoreStep, i);
    if (!toc_entry_has(step->entry, TOC_SESSION))
      continue;
    for (guint j = 0; j < team->workers->len; j++)
      if (!restore_apply_step(team->workers->pdata[j], step, error))
        return FALSE;
  }
  return TRUE;
}

static void
run_part(Part *part)
{
  LoadTeam *team = part->team;
  GError *failure = NULL;
  if (part->func(part->restore, part->user_data, &failure))
    return;
  g_mutex_lock(&team->mutex);
  if (team->failure == NULL)
    team->failure = g_steal_pointer(&failure);
  g_mutex_unlock(&team->mutex);
  g_clear_error(&failure);
  g_cancellable_cancel(team->cancellable);
}

static gpointer
run_thread(gpointer part)
{
  run_part(part);
  return NULL;
}

/* A run's stop function, called when the members are cancelled. */
typedef struct {
  LoadStopFunc stop;
  gpointer user_data;
} Stopper;

static void
stop_members(GCancellable *cancellable, gpointer user_data)
{
  const Stopper *stopper = user_data;
  stopper->stop(stopper->user_data);
}

gboolean
load_team_run(LoadTeam *team, LoadFunc work, LoadFunc lead, LoadStopFunc stop, gpointer user_data, GError **error)
{
  Stopper stopper = {.stop = stop, .user_data = user_data};
  gulong handler = g_cancellable_connect(team->cancellable, G_CALLBACK(stop_members), &stopper, NULL);
  guint n = team->workers->len;
  g_autofree Part *parts = g_new0(Part, n);
  g_autofree GThread **threads = g_new0(GThread *, n);
  for (guint i = 0; i < n; i++) {
    parts[i] = (Part){.team = team, .restore = team->workers->pdata[i], .func = work, .user_data = user_data};
    threads[i] = g_thread_new("load", run_thread, &parts[i]);
  }
  if (lead != NULL)
    run_part(&(Part){.team = team, .restore = team->leader, .func = lead, .user_data = user_data});
  for (guint i = 0; i < n; i++)
    g_thread_join(threads[i]);
  g_cancellable_disconnect(team->cancellable, handler);
  if (team->failure == NULL)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&team->failure));
  return FALSE;
}
