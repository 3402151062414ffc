#include "base/wait.h"

#include "base/error.h"

struct PeriodicThread {
  GThread *thread;
  GCancellable *stopping;
  guint interval_s;
  PeriodicFunc work;
  gpointer data;
  GMutex mutex;
  GCond changed;
  gboolean is_woken;
};

gboolean
sleep_ms(guint ms, GCancellable *cancellable, GError **error)
{
  gint64 end_us = g_get_monotonic_time() + (gint64)ms * 1000;
  GPollFD cancelled = {0};
  if (!g_cancellable_make_pollfd(cancellable, &cancelled)) { /* NULL, or no descriptor is available */
    const gint64 step_us = 100000;
    for (gint64 left_us = (gint64)ms * 1000; left_us > 0 && !g_cancellable_is_cancelled(cancellable);
         left_us = end_us - g_get_monotonic_time())
      g_usleep((gulong)(cancellable != NULL ? MIN(left_us, step_us) : left_us));
    return !error_if_cancelled(cancellable, error);
  }
  /* Whole milliseconds, rounded up, so that a signal does not end the wait early. */
  for (gint64 left_ms = ms; left_ms > 0 && !g_cancellable_is_cancelled(cancellable);
       left_ms = (end_us - g_get_monotonic_time() + 999) / 1000)
    g_poll(&cancelled, 1, (int)MIN(left_ms, G_MAXINT));
  g_cancellable_release_fd(cancellable);
  return !error_if_cancelled(cancellable, error);
}

/* Until the interval has passed or somebody wakes the thread; FALSE when it should end. */
static gboolean
rest(PeriodicThread *thread)
{
  gint64 end_us = g_get_monotonic_time() + (gint64)thread->interval_s * G_USEC_PER_SEC;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&thread->mutex);
  while (!thread->is_woken && !g_cancellable_is_cancelled(thread->stopping) &&
         g_cond_wait_until(&thread->changed, &thread->mutex, end_us))
    continue;
  thread->is_woken = FALSE;
  return !g_cancellable_is_cancelled(thread->stopping);
}

static gpointer
run_periodically(gpointer data)
{
  PeriodicThread *thread = data;
  do
    thread->work(thread->data, thread->stopping);
  while (rest(thread));
  return NULL;
}

PeriodicThread *
periodic_thread_start(const char *name, guint interval_s, PeriodicFunc work, gpointer data)
{
  PeriodicThread *thread = g_new0(PeriodicThread, 1);
  *thread = (PeriodicThread){.stopping = g_cancellable_new(), .interval_s = interval_s, .work = work, .data = data};
  g_mutex_init(&thread->mutex);
  g_cond_init(&thread->changed);
  thread->thread = g_thread_new(name, run_periodically, thread);
  return thread;
}

void
periodic_thread_wake(PeriodicThread *thread)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&thread->mutex);
  thread->is_woken = TRUE;
  g_cond_signal(&thread->changed);
}

void
periodic_thread_stop(PeriodicThread *thread)
{
  if (thread == NULL)
    return;
  g_cancellable_cancel(thread->stopping);
  g_mutex_lock(&thread->mutex);
  g_cond_signal(&thread->changed);
  g_mutex_unlock(&thread->mutex);
  g_thread_join(thread->thread);
  g_object_unref(thread->stopping);
  g_mutex_clear(&thread->mutex);
  g_cond_clear(&thread->changed);
  g_free(thread);
}
