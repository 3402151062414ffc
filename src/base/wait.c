#include "base/wait.h"

#include "base/error.h"

struct PeriodicThread {
  GThread *thread;
  GCancellable *stopping;
  guint interval_s;
  PeriodicFunc work;
  gpointer data;
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

static gpointer
run_periodically(gpointer data)
{
  PeriodicThread *thread = data;
  do
    thread->work(thread->data, thread->stopping);
  while (sleep_ms((guint)MIN((guint64)thread->interval_s * 1000, G_MAXUINT), thread->stopping, NULL));
  return NULL;
}

PeriodicThread *
periodic_thread_start(const char *name, guint interval_s, PeriodicFunc work, gpointer data)
{
  PeriodicThread *thread = g_new0(PeriodicThread, 1);
  *thread = (PeriodicThread){.stopping = g_cancellable_new(), .interval_s = interval_s, .work = work, .data = data};
  thread->thread = g_thread_new(name, run_periodically, thread);
  return thread;
}

void
periodic_thread_stop(PeriodicThread *thread)
{
  if (thread == NULL)
    return;
  g_cancellable_cancel(thread->stopping);
  g_thread_join(thread->thread);
  g_object_unref(thread->stopping);
  g_free(thread);
}
