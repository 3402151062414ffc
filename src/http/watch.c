#include "http/watch.h"

#include <glib-unix.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICK_MS 250

struct HttpWatched {
  HttpWatch *watch;
  int fd;
  guint64 id;         /* a descriptor's number is used again, this is not */
  gint64 deadline_us; /* 0: none */
  HttpWatchExpired expired;
  gpointer expired_data;
  GCancellable *client_gone; /* NULL: not watched for that, or noticed already */
};

struct HttpWatch {
  GMutex mutex;            /* guards everything below and every HttpWatched */
  GHashTable *connections; /* id → HttpWatched */
  guint64 last_id;
  gboolean is_stopping;
  int wake_fd;
  GThread *thread;
};

static void
wake(HttpWatch *watch)
{
  eventfd_write(watch->wake_fd, 1);
}

static void
expire_late(HttpWatch *watch, gint64 now_us)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, watch->connections);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    HttpWatched *watched = value;
    if (watched->deadline_us == 0 || watched->deadline_us > now_us)
      continue;
    watched->deadline_us = 0;
    if (watched->expired != NULL) {
      watched->expired(watched->expired_data);
      g_clear_object(&watched->client_gone); /* else our own shutdown would look like the client's */
      shutdown(watched->fd, SHUT_RD);
    } else {
      shutdown(watched->fd, SHUT_RDWR);
    }
  }
}

/* What is to be polled now: the wake-up first, then every connection whose client may go away. */
static void
collect(HttpWatch *watch, GArray *polls, GArray *ids)
{
  g_array_set_size(polls, 0);
  g_array_set_size(ids, 0);
  struct pollfd first = {.fd = watch->wake_fd, .events = POLLIN};
  guint64 no_id = 0;
  g_array_append_val(polls, first);
  g_array_append_val(ids, no_id);
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, watch->connections);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    HttpWatched *watched = value;
    if (watched->client_gone == NULL)
      continue;
    struct pollfd entry = {.fd = watched->fd, .events = POLLRDHUP};
    g_array_append_val(polls, entry);
    g_array_append_val(ids, watched->id);
  }
}

/* The connection may be another by now: asks again under the mutex. Returns what is to be cancelled, or NULL. */
static GCancellable *
take_if_gone(HttpWatch *watch, guint64 id)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&watch->mutex);
  HttpWatched *watched = g_hash_table_lookup(watch->connections, &id);
  if (watched == NULL || watched->client_gone == NULL)
    return NULL;
  struct pollfd entry = {.fd = watched->fd, .events = POLLRDHUP};
  if (poll(&entry, 1, 0) <= 0)
    return NULL;
  shutdown(watched->fd, SHUT_RDWR);
  return g_steal_pointer(&watched->client_gone);
}

static gpointer
watch_thread(gpointer data)
{
  HttpWatch *watch = data;
  g_autoptr(GArray) polls = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
  g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(guint64));
  for (;;) {
    g_mutex_lock(&watch->mutex);
    gboolean is_stopping = watch->is_stopping;
    expire_late(watch, g_get_monotonic_time());
    collect(watch, polls, ids);
    g_mutex_unlock(&watch->mutex);
    if (is_stopping)
      return NULL;
    if (poll((struct pollfd *)(gpointer)polls->data, polls->len, TICK_MS) <= 0)
      continue;
    if (g_array_index(polls, struct pollfd, 0).revents != 0) {
      eventfd_t count;
      eventfd_read(watch->wake_fd, &count);
    }
    for (guint i = 1; i < polls->len; i++) {
      if (g_array_index(polls, struct pollfd, i).revents == 0)
        continue;
      g_autoptr(GCancellable) gone = take_if_gone(watch, g_array_index(ids, guint64, i));
      if (gone != NULL)
        g_cancellable_cancel(gone);
    }
  }
}

HttpWatch *
http_watch_new(void)
{
  HttpWatch *watch = g_new0(HttpWatch, 1);
  g_mutex_init(&watch->mutex);
  watch->connections = g_hash_table_new(g_int64_hash, g_int64_equal);
  watch->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  g_assert(watch->wake_fd >= 0);
  watch->thread = g_thread_new("http-watch", watch_thread, watch);
  return watch;
}

void
http_watch_free(HttpWatch *watch)
{
  if (watch == NULL)
    return;
  g_mutex_lock(&watch->mutex);
  watch->is_stopping = TRUE;
  g_mutex_unlock(&watch->mutex);
  wake(watch);
  g_thread_join(watch->thread);
  g_assert(g_hash_table_size(watch->connections) == 0);
  g_hash_table_unref(watch->connections);
  close(watch->wake_fd);
  g_mutex_clear(&watch->mutex);
  g_free(watch);
}

HttpWatched *
http_watch_add(HttpWatch *watch, int fd)
{
  HttpWatched *watched = g_new0(HttpWatched, 1);
  watched->watch = watch;
  watched->fd = fd;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&watch->mutex);
  watched->id = ++watch->last_id;
  g_hash_table_insert(watch->connections, &watched->id, watched);
  return watched;
}

void
http_watch_remove(HttpWatched *watched)
{
  g_mutex_lock(&watched->watch->mutex);
  g_hash_table_remove(watched->watch->connections, &watched->id);
  g_mutex_unlock(&watched->watch->mutex);
  g_clear_object(&watched->client_gone);
  g_free(watched);
}

void
http_watched_set_deadline(HttpWatched *watched, guint timeout_ms, HttpWatchExpired expired, gpointer user_data)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&watched->watch->mutex);
  watched->deadline_us = timeout_ms == 0 ? 0 : g_get_monotonic_time() + (gint64)timeout_ms * 1000;
  watched->expired = expired;
  watched->expired_data = user_data;
}

void
http_watched_set_client_gone(HttpWatched *watched, GCancellable *cancellable)
{
  g_mutex_lock(&watched->watch->mutex);
  g_set_object(&watched->client_gone, cancellable);
  g_mutex_unlock(&watched->watch->mutex);
  wake(watched->watch);
}
