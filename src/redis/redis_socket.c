#include "redis/redis_socket.h"

#include "base/error.h"

#include <errno.h>
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static gint64
left_ms(gint64 deadline_us)
{
  gint64 left_us = deadline_us - g_get_monotonic_time();
  return left_us > 0 ? (left_us + 999) / 1000 : 0;
}

gboolean
redis_socket_wait(int fd, short events, gint64 deadline_us, GError **error)
{
  struct pollfd poll_fd = {.fd = fd, .events = events};
  int n_ready;
  do
    n_ready = poll(&poll_fd, 1, (int)left_ms(deadline_us));
  while (n_ready < 0 && errno == EINTR);
  if (n_ready > 0)
    return TRUE;
  error_set(error, CCH_ERROR_REDIS_UNAVAILABLE, "%s", n_ready == 0 ? "Redis does not answer" : g_strerror(errno));
  return FALSE;
}

typedef struct {
  GList *addresses; /* of GInetAddress */
  GError *error;
  gboolean is_done;
} Lookup;

static void
on_lookup_done(GObject *resolver, GAsyncResult *result, gpointer user_data)
{
  Lookup *lookup = user_data;
  lookup->addresses = g_resolver_lookup_by_name_finish(G_RESOLVER(resolver), result, &lookup->error);
  lookup->is_done = TRUE;
}

static gboolean
on_lookup_timeout(gpointer cancellable)
{
  g_cancellable_cancel(cancellable);
  return G_SOURCE_REMOVE;
}

/* Bounds the lookup: with an unreachable name server, getaddrinfo(3) alone would block for ten seconds and more. */
static GList *
look_up(const char *host, gint64 deadline_us, GError **error)
{
  g_autoptr(GMainContext) context = g_main_context_new();
  g_main_context_push_thread_default(context);
  g_autoptr(GResolver) resolver = g_resolver_get_default();
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  g_autoptr(GSource) timeout = g_timeout_source_new((guint)left_ms(deadline_us));
  g_source_set_callback(timeout, on_lookup_timeout, cancellable, NULL);
  g_source_attach(timeout, context);

  Lookup lookup = {0};
  g_resolver_lookup_by_name_async(resolver, host, cancellable, on_lookup_done, &lookup);
  while (!lookup.is_done)
    g_main_context_iteration(context, TRUE);
  g_source_destroy(timeout);
  g_main_context_pop_thread_default(context);

  if (lookup.error != NULL) {
    gboolean is_late = g_error_matches(lookup.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    error_set(error, CCH_ERROR_REDIS_UNAVAILABLE, "%s",
              is_late ? "looking up the Redis host took too long" : lookup.error->message);
    g_error_free(lookup.error);
  }
  return lookup.addresses;
}

static int
connect_address(GSocketAddress *address, gint64 deadline_us, GError **error)
{
  struct sockaddr_storage native;
  gssize size = g_socket_address_get_native_size(address);
  if (size < 0 || (gsize)size > sizeof native || !g_socket_address_to_native(address, &native, sizeof native, NULL)) {
    error_set(error, CCH_ERROR_REDIS_UNAVAILABLE, "the Redis address is unusable");
    return -1;
  }
  int fd = socket(native.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    error_set(error, CCH_ERROR_REDIS_UNAVAILABLE, "socket: %s", g_strerror(errno));
    return -1;
  }
  int outcome = 0;
  if (connect(fd, (const struct sockaddr *)&native, (socklen_t)size) < 0) {
    outcome = errno;
    if (outcome == EINPROGRESS) {
      socklen_t outcome_size = sizeof outcome;
      if (!redis_socket_wait(fd, POLLOUT, deadline_us, error)) {
        close(fd);
        return -1;
      }
      if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &outcome, &outcome_size) < 0)
        outcome = errno;
    }
  }
  if (outcome != 0) {
    gboolean is_forbidden = outcome == EACCES || outcome == EPERM;
    error_set(error, is_forbidden ? CCH_ERROR_REDIS_REFUSED : CCH_ERROR_REDIS_UNAVAILABLE, "connect to Redis: %s",
              g_strerror(outcome));
    close(fd);
    return -1;
  }
  if (native.ss_family != AF_UNIX)
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  return fd;
}

int
redis_socket_connect(const char *host, guint16 port, gint64 deadline_us, GError **error)
{
  g_autolist(GInetAddress) addresses = look_up(host, deadline_us, error);
  int fd = -1;
  for (GList *item = addresses; item != NULL && fd < 0; item = item->next) {
    g_autoptr(GSocketAddress) address = g_inet_socket_address_new(item->data, port);
    if (error != NULL)
      g_clear_error(error);
    fd = connect_address(address, deadline_us, error);
  }
  return fd;
}

int
redis_socket_connect_path(const char *path, gint64 deadline_us, GError **error)
{
  g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
  return connect_address(address, deadline_us, error);
}

gboolean
redis_socket_send(int fd, const char *data, gsize size, gint64 deadline_us, GError **error)
{
  while (size > 0) {
    gssize n = send(fd, data, size, MSG_NOSIGNAL);
    if (n >= 0) {
      data += n;
      size -= (gsize)n;
    } else if (errno == EAGAIN) {
      if (!redis_socket_wait(fd, POLLOUT, deadline_us, error))
        return FALSE;
    } else if (errno != EINTR) {
      error_set(error, CCH_ERROR_REDIS_UNAVAILABLE, "send to Redis: %s", g_strerror(errno));
      return FALSE;
    }
  }
  return TRUE;
}

gsize
redis_socket_receive(int fd, char *buffer, gsize size, gint64 deadline_us, GError **error)
{
  for (;;) {
    if (!redis_socket_wait(fd, POLLIN, deadline_us, error))
      return 0;
    gssize n = recv(fd, buffer, size, 0);
    if (n > 0)
      return (gsize)n;
    if (n == 0) {
      error_set(error, CCH_ERROR_REDIS_UNAVAILABLE, "Redis closed the connection");
      return 0;
    }
    if (errno != EAGAIN && errno != EINTR) {
      error_set(error, CCH_ERROR_REDIS_UNAVAILABLE, "receive from Redis: %s", g_strerror(errno));
      return 0;
    }
  }
}
