#include "lock/keeper.h"

#include "base/error.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct Keeper {
  gint n_references; /* held by the owner and the thread */
  KeeperOptions options;
  int wake_fd; /* an eventfd: a request is pending */
  GMutex mutex;
  GCond answered;
  /* Guarded by the mutex. */
  guint64 n_asked, n_answered;
  KeeperVerdict verdict;
  gboolean is_stopping;
  gboolean is_finished;
  GThread *thread; /* the starter's thread */
};

/* Frees everything but the resource. */
static void
keeper_free(Keeper *keeper)
{
  g_clear_object(&keeper->options.lost);
  close(keeper->wake_fd);
  g_mutex_clear(&keeper->mutex);
  g_cond_clear(&keeper->answered);
  g_free(keeper);
}

static void
keeper_unref(Keeper *keeper)
{
  if (!g_atomic_int_dec_and_test(&keeper->n_references))
    return;
  keeper->options.actions->free(keeper->options.resource);
  keeper_free(keeper);
}

static void
wake(Keeper *keeper)
{
  eventfd_write(keeper->wake_fd, 1); /* can only fail if it is readable already */
}

/* Waits until the next check is due, the socket is readable, or a request comes. */
static void
wait_for_work(Keeper *keeper, KeeperVerdict verdict)
{
  /* A lost resource stays lost, and its socket may stay readable. */
  int watch_fd = verdict != KEEPER_LOST ? keeper->options.watch_fd : -1;
  struct pollfd fds[] = {{.fd = keeper->wake_fd, .events = POLLIN}, {.fd = watch_fd, .events = POLLIN}};
  guint interval_ms = verdict == KEEPER_AWAY ? keeper->options.away_interval_ms : keeper->options.interval_ms;
  int n_ready;
  do
    n_ready = poll(fds, G_N_ELEMENTS(fds), verdict == KEEPER_LOST ? -1 : (int)interval_ms);
  while (n_ready < 0 && errno == EINTR);
  eventfd_t unused;
  eventfd_read(keeper->wake_fd, &unused);
}

static KeeperVerdict
check(Keeper *keeper, KeeperVerdict before, guint64 n_asked)
{
  KeeperVerdict now = before == KEEPER_LOST ? KEEPER_LOST : keeper->options.actions->check(keeper->options.resource);
  g_mutex_lock(&keeper->mutex);
  keeper->verdict = now;
  gboolean is_new_loss = now == KEEPER_LOST && before != KEEPER_LOST && !keeper->is_stopping;
  keeper->n_answered = n_asked;
  g_cond_broadcast(&keeper->answered);
  g_mutex_unlock(&keeper->mutex);
  if (is_new_loss)
    g_cancellable_cancel(keeper->options.lost);
  return now;
}

static gpointer
keeper_run(gpointer user_data)
{
  Keeper *keeper = user_data;
  KeeperVerdict verdict = keeper->options.verdict;
  for (;;) {
    wait_for_work(keeper, verdict);
    g_mutex_lock(&keeper->mutex);
    gboolean is_stopping = keeper->is_stopping;
    guint64 n_asked = keeper->n_asked;
    g_mutex_unlock(&keeper->mutex);
    if (is_stopping)
      break;
    verdict = check(keeper, verdict, n_asked);
  }
  keeper->options.actions->give_back(keeper->options.resource);
  g_mutex_lock(&keeper->mutex);
  keeper->is_finished = TRUE;
  g_cond_broadcast(&keeper->answered);
  g_mutex_unlock(&keeper->mutex);
  keeper_unref(keeper);
  return NULL;
}

Keeper *
keeper_start(const KeeperOptions *options, GError **error)
{
  int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) {
    error_set(error, CCH_ERROR_INTERNAL, "eventfd: %s", g_strerror(errno));
    return NULL;
  }
  Keeper *keeper = g_new0(Keeper, 1);
  keeper->n_references = 2;
  keeper->options = *options;
  keeper->verdict = options->verdict;
  keeper->wake_fd = wake_fd;
  if (options->lost != NULL)
    g_object_ref(options->lost);
  g_mutex_init(&keeper->mutex);
  g_cond_init(&keeper->answered);
  g_autoptr(GError) thread_error = NULL;
  keeper->thread = g_thread_try_new("lock-keeper", keeper_run, keeper, &thread_error);
  if (keeper->thread == NULL) {
    error_set(error, CCH_ERROR_INTERNAL, "%s", thread_error->message);
    keeper_free(keeper);
    return NULL;
  }
  return keeper;
}

KeeperVerdict
keeper_ask(Keeper *keeper, guint timeout_ms)
{
  gint64 deadline_us = g_get_monotonic_time() + timeout_ms * G_TIME_SPAN_MILLISECOND;
  g_mutex_lock(&keeper->mutex);
  guint64 n_asked = ++keeper->n_asked;
  wake(keeper);
  gboolean in_time = TRUE;
  while (keeper->n_answered < n_asked && in_time)
    in_time = g_cond_wait_until(&keeper->answered, &keeper->mutex, deadline_us);
  gboolean is_answered = keeper->n_answered >= n_asked || keeper->verdict == KEEPER_LOST;
  KeeperVerdict verdict = is_answered ? keeper->verdict : KEEPER_AWAY;
  g_mutex_unlock(&keeper->mutex);
  return verdict;
}

gboolean
keeper_is_lost(Keeper *keeper)
{
  g_mutex_lock(&keeper->mutex);
  gboolean is_lost = keeper->verdict == KEEPER_LOST;
  g_mutex_unlock(&keeper->mutex);
  return is_lost;
}

void
keeper_stop(Keeper *keeper, guint timeout_ms)
{
  if (keeper == NULL)
    return;
  gint64 deadline_us = g_get_monotonic_time() + timeout_ms * G_TIME_SPAN_MILLISECOND;
  g_mutex_lock(&keeper->mutex);
  keeper->is_stopping = TRUE;
  wake(keeper);
  gboolean in_time = TRUE;
  while (!keeper->is_finished && in_time)
    in_time = g_cond_wait_until(&keeper->answered, &keeper->mutex, deadline_us);
  gboolean is_finished = keeper->is_finished;
  g_mutex_unlock(&keeper->mutex);
  /* Joins a thread that has finished, with what its libraries hold; a hanging one is left alone. */
  if (is_finished)
    g_thread_join(keeper->thread);
  else
    g_thread_unref(keeper->thread);
  keeper_unref(keeper);
}
