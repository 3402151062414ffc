#include "schedule/run/scheduler.h"

#include "base/error.h"
#include "base/log.h"
#include "base/random_id.h"
#include "base/wait.h"
#include "pg/connection/sqlstate.h"
#include "schedule/catalog/catalog.h"
#include "schedule/run/execute.h"
#include "schedule/run/work.h"

enum { LOOK_S = 10, AWAY_S = 15, QUERY_TIMEOUT_MS = 10000, CLOCK_SLACK_S = 60, AGES_S = 60 };

struct Scheduler {
  const Config *config;
  PgPool *pool;
  Notify *notify;
  gboolean is_private;
  char *runner;
  GCancellable *stopping;
  GThread *thread;
  PeriodicThread *ages;
  LogRepeat away, undue, unreadable; /* used by the thread only */
  GMutex mutex;                      /* guards is_woken */
  GCond wake;
  gboolean is_woken;
};

Scheduler *
scheduler_new(const Config *config, PgPool *pool, Notify *notify, gboolean is_private)
{
  Scheduler *scheduler = g_new0(Scheduler, 1);
  scheduler->config = config;
  scheduler->pool = pool;
  scheduler->notify = notify;
  scheduler->is_private = is_private;
  scheduler->runner = random_id_new(16);
  scheduler->stopping = g_cancellable_new();
  g_mutex_init(&scheduler->mutex);
  g_cond_init(&scheduler->wake);
  return scheduler;
}

void
scheduler_wake(Scheduler *scheduler)
{
  g_mutex_lock(&scheduler->mutex);
  scheduler->is_woken = TRUE;
  g_cond_signal(&scheduler->wake);
  g_mutex_unlock(&scheduler->mutex);
}

void
scheduler_free(Scheduler *scheduler)
{
  if (scheduler == NULL)
    return;
  g_cancellable_cancel(scheduler->stopping);
  scheduler_wake(scheduler);
  g_clear_pointer(&scheduler->thread, g_thread_join);
  g_clear_pointer(&scheduler->ages, periodic_thread_stop);
  g_object_unref(scheduler->stopping);
  g_cond_clear(&scheduler->wake);
  g_mutex_clear(&scheduler->mutex);
  g_free(scheduler->runner);
  g_free(scheduler);
}

/* A connection that is not kept: an idle one would always be in the way of those who drop or copy the database. */
static PgConnection *
open_short(Scheduler *scheduler, GCancellable *cancellable, GError **error)
{
  return pg_connection_open_within(pg_pool_dsn(scheduler->pool), "cch-data schedule", QUERY_TIMEOUT_MS, cancellable,
                                   error);
}

/* The last due time until now, of which there may be many. */
static gint64
last_due(const Cron *cron, gint64 after_s, gint64 now_s)
{
  gint64 due_s = -1;
  gint64 span_s = 24 * 3600;
  for (gint64 from_s = MAX(after_s, now_s - span_s);; span_s *= 8, from_s = MAX(after_s, now_s - span_s)) {
    for (gint64 next_s = cron_next(cron, from_s); next_s >= 0 && next_s <= now_s; next_s = cron_next(cron, next_s))
      due_s = next_s;
    if (due_s >= 0 || from_s == after_s)
      return due_s;
  }
}

static gboolean
queue_due(PgConnection *connection, const CatalogJob *job, gint64 now_s, GError **error)
{
  const Cron *cron = job->settings->cron;
  gboolean is_set_back = job->handled_s > now_s + CLOCK_SLACK_S, is_first = FALSE;
  gint64 due_s = is_set_back ? -1 : last_due(cron, job->handled_s, now_s), next_s = cron_next(cron, now_s);
  if (due_s < 0 && !is_set_back && job->next_s == next_s)
    return TRUE;
  if (!pg_connection_exec(connection, "BEGIN", error) ||
      !catalog_note_due(connection, job, due_s >= 0 || is_set_back ? now_s : job->handled_s, next_s, &is_first, error))
    return FALSE;
  const Run run = {.kind = (char *)"backup", .job_id = job->id, .job_name = job->name, .asked_by = (char *)"schedule"};
  if (due_s >= 0 && is_first && !run_queue(connection, &run, NULL, error))
    return FALSE;
  return pg_connection_exec(connection, "COMMIT", error);
}

/* A database without our tables has no jobs. */
static void
log_problem(LogRepeat *repeat, const char *event, const GError *error)
{
  guint n = 0;
  if (error_has_sqlstate(error, SQLSTATE_UNDEFINED_TABLE) || error_has_sqlstate(error, SQLSTATE_UNDEFINED_SCHEMA) ||
      error_code(error) == CCH_ERROR_CANCELLED || !log_repeat_is_due(repeat, &n))
    return;
  log_event(LOG_WARNING, event, "code", error_info(error)->code, "reason", error->message, NULL);
}

static gboolean
queue_all_due(Scheduler *scheduler, PgConnection *connection, GError **error)
{
  gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
  if (scheduler->is_private && !catalog_accept_offers(connection, error))
    return FALSE;
  scheduler->is_private = FALSE;
  g_autoptr(GError) unreadable = NULL;
  g_autoptr(GPtrArray) jobs = catalog_jobs(connection, &unreadable, error);
  if (unreadable != NULL)
    log_problem(&scheduler->unreadable, "backup job cannot be read", unreadable);
  else
    log_repeat_end(&scheduler->unreadable);
  for (guint i = 0; jobs != NULL && i < jobs->len; i++) {
    const CatalogJob *job = jobs->pdata[i];
    if (job->is_enabled && !queue_due(connection, job, now_s, error)) {
      pg_connection_rollback(connection);
      return FALSE;
    }
  }
  return jobs != NULL;
}

/* The last but one due time; a good backup that is older means that two were missed. -1: there is none yet. */
static gint64
oldest_allowed(const CatalogJob *job, gint64 now_s)
{
  gint64 last_s = last_due(job->settings->cron, job->owes_s, now_s);
  return last_s < 0 ? -1 : last_due(job->settings->cron, job->owes_s, last_s - 1);
}

static gboolean
tell_age(Scheduler *scheduler, PgConnection *connection, const CatalogJob *job, gint64 now_s, GError **error)
{
  gint64 good_s = MAX(job->good_s, job->owes_s);
  g_autofree char *age = g_strconcat("age:", job->name, NULL), *subject = g_strconcat("job:", job->name, NULL);
  g_autoptr(json_t) details =
      json_pack("{s:s, s:I}", "name", job->name, "hours", (json_int_t)((now_s - good_s) / 3600));
  return notify_state(scheduler->notify, connection, age, NOTIFY_NO_GOOD_BACKUP_FOR_HOURS,
                      good_s < oldest_allowed(job, now_s), details, error) &&
         (!job->has_died ||
          notify_state(scheduler->notify, connection, subject, NOTIFY_BACKUP_FAILED, TRUE, details, error));
}

/* On a thread of its own, so that a run that hangs, or cannot begin, holds up no alarm, and an alarm no run. */
static void
tell_ages(gpointer data, GCancellable *stopping)
{
  Scheduler *scheduler = data;
  gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
  g_autoptr(PgConnection) connection = open_short(scheduler, stopping, NULL);
  g_autoptr(GPtrArray) jobs = connection != NULL ? catalog_jobs(connection, NULL, NULL) : NULL;
  for (guint i = 0; jobs != NULL && i < jobs->len; i++) {
    const CatalogJob *job = jobs->pdata[i];
    g_autoptr(GError) untold = NULL;
    if (job->is_enabled && !tell_age(scheduler, connection, job, now_s, &untold)) {
      log_event(LOG_WARNING, "nobody is told of the age of backups", "code", error_info(untold)->code, "reason",
                untold->message, NULL);
      return;
    }
  }
}

/* Looks once. `ret_found` if there was a run, after which there may be another one. */
static gboolean
look(Scheduler *scheduler, gboolean *ret_found, GError **error)
{
  Run run = {0};
  g_autoptr(GError) undue = NULL;
  g_autoptr(PgConnection) connection = open_short(scheduler, scheduler->stopping, error);
  if (connection == NULL)
    return FALSE;
  if (queue_all_due(scheduler, connection, &undue))
    log_repeat_end(&scheduler->undue);
  else
    log_problem(&scheduler->undue, "backup jobs are not looked at", undue); /* what is queued does not wait for that */
  if (!run_claim(connection, scheduler->runner, 0, &run, ret_found, error))
    return FALSE;
  g_clear_pointer(&connection, pg_connection_free);
  if (!*ret_found)
    return TRUE;
  const ExecuteOptions options = {scheduler->config, scheduler->pool, scheduler->notify, scheduler->runner, NULL, TRUE};
  run_execute(&options, &run, scheduler->stopping, NULL); /* it is recorded */
  run_clear(&run);
  return TRUE;
}

static gpointer
schedule_thread(gpointer data)
{
  Scheduler *scheduler = data;
  while (!g_cancellable_is_cancelled(scheduler->stopping)) {
    g_autoptr(GError) error = NULL;
    gboolean found = FALSE, is_fine = look(scheduler, &found, &error);
    if (is_fine)
      log_repeat_end(&scheduler->away);
    else
      log_problem(&scheduler->away, "schedule waits", error);
    if (found)
      continue;
    g_mutex_lock(&scheduler->mutex);
    gint64 until_us = g_get_monotonic_time() + (is_fine ? LOOK_S : AWAY_S) * G_TIME_SPAN_SECOND;
    while (!scheduler->is_woken && g_cond_wait_until(&scheduler->wake, &scheduler->mutex, until_us))
      continue;
    scheduler->is_woken = FALSE;
    g_mutex_unlock(&scheduler->mutex);
  }
  return NULL;
}

void
scheduler_start(Scheduler *scheduler)
{
  run_work_clean(scheduler->config);
  if (!scheduler->config->schedule)
    return;
  scheduler->thread = g_thread_new("schedule", schedule_thread, scheduler);
  scheduler->ages = periodic_thread_start("backup-ages", AGES_S, tell_ages, scheduler);
}
