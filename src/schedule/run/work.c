#include "schedule/run/work.h"

#include "base/error.h"
#include "base/log.h"
#include "base/os/directory.h"
#include "base/random_id.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <unistd.h>

#define APPLICATION_NAME "cch-data schedule"

enum { QUERY_TIMEOUT_MS = 10000 };

PgConnection *
run_work_connect(const RunWork *work, GError **error)
{
  return pg_pool_take_within(work->pool, APPLICATION_NAME, QUERY_TIMEOUT_MS, NULL, error);
}

/* A database that is away or being exchanged gets the next sign of life. If another instance has taken the run over
 * meanwhile, that sign tells. */
static void
give_sign(RunWork *work)
{
  g_autoptr(GError) error = NULL;
  gboolean is_cancelled = FALSE;
  g_mutex_lock(&work->mutex);
  g_autoptr(json_t) progress = json_deep_copy(work->progress);
  gboolean is_late = work->limit_us > 0 && g_get_monotonic_time() > work->limit_us;
  work->is_late = work->is_late || is_late;
  g_mutex_unlock(&work->mutex);
  g_autoptr(PgConnection) connection = run_work_connect(work, NULL);
  gboolean is_ours = connection == NULL ||
                     run_beat(connection, work->run.id, work->runner, progress, &is_cancelled, &error) ||
                     error_code(error) != CCH_ERROR_BACKUP_RUN_LOST;
  g_mutex_lock(&work->mutex);
  work->is_lost = work->is_lost || !is_ours;
  g_mutex_unlock(&work->mutex);
  if (is_cancelled || is_late || !is_ours)
    g_cancellable_cancel(work->cancellable);
}

static gpointer
beat_thread(gpointer data)
{
  RunWork *work = data;
  for (;;) {
    give_sign(work);
    g_mutex_lock(&work->mutex);
    gint64 until_us = g_get_monotonic_time() + RUN_BEAT_S * G_TIME_SPAN_SECOND;
    while (!work->is_over && g_cond_wait_until(&work->wake, &work->mutex, until_us))
      continue;
    gboolean is_over = work->is_over;
    g_mutex_unlock(&work->mutex);
    if (is_over)
      return NULL;
  }
}

static void
cancel_run(GCancellable *outer, gpointer cancellable)
{
  (void)outer;
  g_cancellable_cancel(cancellable);
}

/* Only files lie in it. */
static void
remove_directory(const char *path)
{
  g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
  const char *name;
  while (directory != NULL && (name = g_dir_read_name(directory)) != NULL) {
    g_autofree char *file = g_build_filename(path, name, NULL);
    unlink(file);
  }
  rmdir(path);
}

/* A run holds a lock of its directory; what nobody holds is left by a process that died. */
static int
lock_directory(const char *path)
{
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
    return fd;
  if (fd >= 0)
    close(fd);
  return -1;
}

static char *
directory_of_runs(const Config *config)
{
  return g_build_filename(config->data_dir, "backup-runs", NULL);
}

void
run_work_clean(const Config *config)
{
  g_autofree char *parent = directory_of_runs(config);
  g_autoptr(GDir) directory = g_dir_open(parent, 0, NULL);
  const char *name;
  while (directory != NULL && (name = g_dir_read_name(directory)) != NULL) {
    g_autofree char *path = g_build_filename(parent, name, NULL);
    int fd = lock_directory(path);
    if (fd < 0)
      continue;
    remove_directory(path);
    close(fd);
  }
}

static gboolean
make_directory(RunWork *work, GError **error)
{
  g_autofree char *parent = directory_of_runs(work->config);
  g_autofree char *id = random_id_new(8);
  if (!directory_ensure(work->config->data_dir, error))
    return FALSE;
  run_work_clean(work->config);
  g_autofree char *path = g_build_filename(parent, id, NULL);
  if ((g_mkdir(parent, 0700) != 0 && errno != EEXIST) || g_mkdir(path, 0700) != 0) {
    error_set_errno(error, errno, "make %s", path);
    return FALSE;
  }
  work->directory = g_steal_pointer(&path);
  work->directory_fd = lock_directory(work->directory);
  if (work->directory_fd >= 0)
    return TRUE;
  error_set_errno(error, errno, "lock %s", work->directory);
  return FALSE;
}

RunWork *
run_work_new(const Config *config, PgPool *pool, const char *runner, Run *run, GCancellable *outer, GError **error)
{
  RunWork *work = g_new0(RunWork, 1);
  work->config = config;
  work->directory_fd = -1;
  work->pool = pool;
  work->runner = g_strdup(runner);
  work->run = *run;
  *run = (Run){0};
  work->cancellable = g_cancellable_new();
  work->outer = g_object_ref(outer);
  g_mutex_init(&work->mutex);
  g_cond_init(&work->wake);
  work->outer_handler =
      g_cancellable_connect(outer, G_CALLBACK(cancel_run), g_object_ref(work->cancellable), g_object_unref);
  if (!make_directory(work, error)) {
    run_work_free(work);
    return NULL;
  }
  work->beat = g_thread_new("backup-beat", beat_thread, work);
  return work;
}

void
run_work_free(RunWork *work)
{
  if (work == NULL)
    return;
  g_mutex_lock(&work->mutex);
  work->is_over = TRUE;
  g_cond_signal(&work->wake);
  g_mutex_unlock(&work->mutex);
  g_clear_pointer(&work->beat, g_thread_join);
  g_cancellable_disconnect(work->outer, work->outer_handler);
  g_object_unref(work->outer);
  g_object_unref(work->cancellable);
  if (work->directory != NULL)
    remove_directory(work->directory);
  if (work->directory_fd >= 0)
    close(work->directory_fd);
  g_free(work->directory);
  g_free(work->runner);
  run_clear(&work->run);
  json_decref(work->progress);
  g_cond_clear(&work->wake);
  g_mutex_clear(&work->mutex);
  g_free(work);
}

RunAttempt
run_attempt_begin(const RunWork *work)
{
  RunAttempt attempt = {.cancellable = g_cancellable_new(), .outer = work->cancellable};
  attempt.handler = g_cancellable_connect(work->cancellable, G_CALLBACK(cancel_run), g_object_ref(attempt.cancellable),
                                          g_object_unref);
  return attempt;
}

void
run_attempt_end(RunAttempt *attempt)
{
  g_cancellable_disconnect(attempt->outer, attempt->handler);
  g_clear_object(&attempt->cancellable);
}

void
run_work_limit(RunWork *work, guint seconds)
{
  g_mutex_lock(&work->mutex);
  work->limit_us = g_get_monotonic_time() + (gint64)seconds * G_TIME_SPAN_SECOND;
  g_mutex_unlock(&work->mutex);
}

void
run_work_progress(RunWork *work, const char *phase, guint64 done, guint64 total)
{
  json_t *progress = json_pack("{s:s, s:I, s:I}", "phase", phase, "done", (json_int_t)done, "total", (json_int_t)total);
  g_mutex_lock(&work->mutex);
  json_decref(work->progress);
  work->progress = progress;
  g_mutex_unlock(&work->mutex);
}

void
run_work_log(const RunWork *work, const char *event, json_t *details)
{
  g_autoptr(json_t) line = details != NULL ? details : json_object();
  json_object_set_new(line, "event", json_string(event));
  g_autoptr(PgConnection) connection = run_work_connect(work, NULL);
  if (connection != NULL)
    run_log(connection, work->run.id, work->runner, line);
}

json_t *
run_work_problem(const GError *problem)
{
  g_autofree char *message = g_utf8_make_valid(problem->message, -1);
  return json_pack("{s:s, s:s}", "errorCode", error_info(problem)->code, "message", message);
}

static gboolean
is_end(const GError *problem)
{
  return problem != NULL &&
         (error_code(problem) == CCH_ERROR_CANCELLED || error_code(problem) == CCH_ERROR_BACKUP_RUN_LOST);
}

void
run_work_tell(RunWork *work, NotifyKind kind, const char *prefix, const char *name, const GError *problem)
{
  g_autoptr(PgConnection) connection = is_end(problem) ? NULL : run_work_connect(work, NULL);
  if (connection == NULL)
    return;
  g_autofree char *subject = g_strconcat(prefix, ":", name, NULL);
  g_autofree char *reason = problem != NULL ? g_utf8_make_valid(problem->message, -1) : NULL;
  g_autoptr(json_t) details = json_pack("{s:s, s:s*, s:s*}", "name", name, "errorCode",
                                        problem != NULL ? error_info(problem)->code : NULL, "reason", reason);
  g_autoptr(GError) untold = NULL;
  if (!notify_state(work->notify, connection, subject, kind, problem != NULL, details, &untold))
    log_event(LOG_WARNING, "nobody is told of a backup run", "code", error_info(untold)->code, "reason",
              untold->message, NULL);
}

void
run_work_explain(RunWork *work, GError **error)
{
  g_mutex_lock(&work->mutex);
  gboolean is_lost = work->is_lost, is_late = work->is_late;
  g_mutex_unlock(&work->mutex);
  if (error_code(*error) != CCH_ERROR_CANCELLED || (!is_lost && !is_late))
    return;
  g_clear_error(error);
  error_set(error, is_lost ? CCH_ERROR_BACKUP_RUN_LOST : CCH_ERROR_BACKUP_TIME_LIMIT, "the run was stopped");
}

char *
run_work_path(const RunWork *work, const char *name)
{
  return g_build_filename(work->directory, name, NULL);
}
