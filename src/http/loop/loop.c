#include "http/loop/loop.h"

#include "base/log.h"
#include "http/loop/loop_state.h"
#include "http/parse/address.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define RESERVED_DESCRIPTORS 256 /* for databases, files and the rest */
#define MIN_CONNECTIONS      64
#define MAX_CONNECTIONS      16384
#define ACCEPTS_AT_ONCE      64
#define EVENTS_AT_ONCE       256
#define UNSENT_BYTES         (256 * 1024) /* kept by the kernel for a client that does not read */
#define TICK_MS              250          /* deadlines */
#define STREAM_TICK_MS       100          /* event streams */
#define REPORT_INTERVAL_US   (60 * G_USEC_PER_SEC)
#define ID_LISTEN            0 /* epoll's data; connections count from ID_FIRST */
#define ID_WAKE              1
#define ID_FIRST             2

/* --- refusals --- */

/* Logs the first at once, then a line per minute, however many there are. */
static void
report_refusals(HttpLoop *loop, gint64 now_us)
{
  Refusals *refusals = &loop->refusals;
  if (refusals->n_displaced + refusals->n_late + refusals->n_malformed + refusals->n_refused == 0 ||
      (loop->reported_us != 0 && now_us - loop->reported_us < REPORT_INTERVAL_US))
    return;
  char displaced[12], late[12], malformed[12], refused[12], open[12];
  g_snprintf(displaced, sizeof displaced, "%u", refusals->n_displaced);
  g_snprintf(late, sizeof late, "%u", refusals->n_late);
  g_snprintf(malformed, sizeof malformed, "%u", refusals->n_malformed);
  g_snprintf(refused, sizeof refused, "%u", refusals->n_refused);
  g_snprintf(open, sizeof open, "%u", g_hash_table_size(loop->connections));
  log_event(LOG_WARNING, "connections refused", "displaced", displaced, "late", late, "malformed", malformed, "no_room",
            refused, "open", open, NULL);
  *refusals = (Refusals){0};
  loop->reported_us = now_us;
}

/* --- new connections --- */

/* A peer whose machine has vanished must not keep a stalled download open. */
static void
set_options(int fd)
{
  const int on = 1, idle_s = 30, interval_s = 10, probes = 3, unsent_bytes = UNSENT_BYTES;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes, sizeof unsent_bytes);
}

static void
add_connection(HttpLoop *loop, int fd, const struct sockaddr *peer)
{
  if (loop->is_quiescent ||
      (g_hash_table_size(loop->connections) >= loop->capacity && !http_connection_displace_one(loop))) {
    loop->refusals.n_refused += loop->is_quiescent ? 0 : 1;
    close(fd);
    return;
  }
  set_options(fd);
  HttpConnection *connection = g_new0(HttpConnection, 1);
  connection->loop = loop;
  connection->server = loop->server;
  connection->fd = fd;
  connection->id = ++loop->last_id;
  connection->address = http_address_text(peer);
  connection->share = http_address_share(connection->address);
  connection->in = g_byte_array_new();
  g_hash_table_insert(loop->connections, &connection->id, connection);
  http_connection_wait(connection, HTTP_CONNECTION_HEAD, HTTP_HEADER_TIMEOUT_MS);
  struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = connection->id};
  if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
    http_connection_close(connection);
}

static void
accept_connections(HttpLoop *loop)
{
  for (guint i = 0; i < ACCEPTS_AT_ONCE && loop->listen_fd >= 0; i++) {
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof peer;
    int fd = accept4(loop->listen_fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
      add_connection(loop, fd, (const struct sockaddr *)&peer);
    else if ((errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) &&
             http_connection_displace_one(loop))
      continue;
    else if (errno != EINTR && errno != ECONNABORTED)
      return;
  }
}

/* --- returned by workers --- */

void
http_loop_give_back(HttpConnection *connection, HttpNext next)
{
  HttpLoop *loop = connection->loop;
  connection->next = next;
  g_mutex_lock(&loop->mutex);
  g_queue_push_tail(&loop->given_back, connection);
  g_mutex_unlock(&loop->mutex);
  eventfd_write(loop->wake_fd, 1);
}

static void
take_all_back(HttpLoop *loop)
{
  for (;;) {
    g_mutex_lock(&loop->mutex);
    HttpConnection *connection = g_queue_pop_head(&loop->given_back);
    g_mutex_unlock(&loop->mutex);
    if (connection == NULL)
      return;
    http_connection_take_back(connection);
  }
}

static void
look_at_changed(HttpLoop *loop)
{
  g_mutex_lock(&loop->mutex);
  g_autoptr(GArray) changed = g_steal_pointer(&loop->changed);
  g_autoptr(GArray) adopted = g_steal_pointer(&loop->adopted);
  loop->changed = g_array_new(FALSE, FALSE, sizeof(guint64));
  loop->adopted = g_array_new(FALSE, FALSE, sizeof(int));
  g_mutex_unlock(&loop->mutex);
  for (guint i = 0; i < changed->len; i++) {
    HttpConnection *connection = g_hash_table_lookup(loop->connections, &g_array_index(changed, guint64, i));
    gboolean is_blocked = connection != NULL && connection->wake_us == G_MAXINT64;
    if (connection != NULL && connection->state == HTTP_CONNECTION_EVENTS && !is_blocked)
      http_connection_stream(connection);
  }
  for (guint i = 0; i < adopted->len; i++)
    add_connection(loop, g_array_index(adopted, int, i), NULL);
}

/* --- the thread --- */

static void
wake_streams(HttpLoop *loop, gint64 now_us)
{
  GHashTableIter iter;
  gpointer key;
  g_autoptr(GPtrArray) due = g_ptr_array_new();
  g_hash_table_iter_init(&iter, loop->streams);
  while (g_hash_table_iter_next(&iter, &key, NULL)) {
    if (((HttpConnection *)key)->wake_us <= now_us)
      g_ptr_array_add(due, key);
  }
  for (guint i = 0; i < due->len; i++)
    http_connection_stream(g_ptr_array_index(due, i));
}

static void
end_late_connections(HttpLoop *loop, gint64 now_us)
{
  for (GList *link = loop->waiting.head, *next; link != NULL; link = next) {
    next = link->next;
    HttpConnection *connection = link->data;
    gboolean is_lingering = connection->state == HTTP_CONNECTION_LINGER;
    if (connection->deadline_us > now_us && !(is_lingering && connection->idle_until_us <= now_us))
      continue;
    gboolean is_idle = connection->state == HTTP_CONNECTION_HEAD && connection->has_served && connection->in->len == 0;
    if (!is_lingering && !is_idle)
      loop->refusals.n_late++;
    http_connection_drop(connection);
  }
}

static void
quiesce_connections(HttpLoop *loop)
{
  if (loop->listen_fd >= 0)
    close(loop->listen_fd);
  loop->listen_fd = -1;
  for (GList *link = loop->waiting.head, *next; link != NULL; link = next) {
    next = link->next;
    HttpConnection *connection = link->data;
    if (connection->state == HTTP_CONNECTION_HEAD)
      http_connection_close(connection);
  }
  g_mutex_lock(&loop->mutex);
  loop->is_quiescent = TRUE;
  g_cond_signal(&loop->quiesced);
  g_mutex_unlock(&loop->mutex);
}

/* The worker that has a connection notices; epoll reports the armed ones. */
static void
cut_connections(HttpLoop *loop)
{
  GHashTableIter iter;
  gpointer value;
  g_autoptr(GPtrArray) ours = g_ptr_array_new();
  g_hash_table_iter_init(&iter, loop->connections);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    HttpConnection *connection = value;
    shutdown(connection->fd, SHUT_RDWR);
    if (connection->state != HTTP_CONNECTION_WORKER)
      g_ptr_array_add(ours, connection);
  }
  for (guint i = 0; i < ours->len; i++)
    http_connection_drop(g_ptr_array_index(ours, i));
}

static int
wait_ms(const HttpLoop *loop)
{
  if (g_hash_table_size(loop->streams) > 0)
    return STREAM_TICK_MS;
  return loop->waiting.length > 0 || loop->reported_us != 0 ? TICK_MS : -1;
}

static gpointer
loop_thread(gpointer data)
{
  HttpLoop *loop = data;
  gint64 looked_us = 0;
  for (;;) {
    struct epoll_event events[EVENTS_AT_ONCE];
    int n = epoll_wait(loop->epoll_fd, events, EVENTS_AT_ONCE, wait_ms(loop));
    for (int i = 0; i < n; i++) {
      guint64 id = events[i].data.u64;
      eventfd_t count;
      if (id == ID_LISTEN)
        accept_connections(loop);
      else if (id == ID_WAKE)
        eventfd_read(loop->wake_fd, &count);
      else {
        HttpConnection *connection = g_hash_table_lookup(loop->connections, &id);
        if (connection != NULL)
          http_connection_on_event(connection, events[i].events);
      }
    }
    take_all_back(loop);
    look_at_changed(loop);
    g_mutex_lock(&loop->mutex);
    gboolean must_quiesce = loop->must_quiesce, must_cut = loop->must_cut, must_end = loop->must_end;
    if (loop->must_turn)
      g_cond_broadcast(&loop->turned);
    loop->must_turn = FALSE;
    g_mutex_unlock(&loop->mutex);
    if (must_quiesce && !loop->is_quiescent)
      quiesce_connections(loop);
    if (must_cut)
      cut_connections(loop);
    if (must_end)
      return NULL;
    gint64 now_us = g_get_monotonic_time();
    wake_streams(loop, now_us);
    if (now_us - looked_us >= TICK_MS * 1000) {
      end_late_connections(loop, now_us);
      report_refusals(loop, now_us);
      looked_us = now_us;
    }
  }
}

static void
run_on_worker(gpointer data, gpointer user_data)
{
  HttpLoop *loop = user_data;
  loop->functions->run(data);
}

/* As many as descriptors are allowed; the limit is raised as far as possible. */
static guint
find_capacity(void)
{
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return MIN_CONNECTIONS;
  rlim_t wanted = MAX_CONNECTIONS + RESERVED_DESCRIPTORS;
  if (limit.rlim_cur < wanted && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = MIN(wanted, limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  rlim_t room = limit.rlim_cur > RESERVED_DESCRIPTORS ? limit.rlim_cur - RESERVED_DESCRIPTORS : 0;
  return (guint)CLAMP(room, MIN_CONNECTIONS, MAX_CONNECTIONS);
}

static void
watch_own_fd(HttpLoop *loop, int fd, guint64 id)
{
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = id};
  int failed = epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event);
  g_assert(failed == 0);
}

HttpLoop *
http_loop_new(int listen_fd, const HttpLoopFunctions *functions, gpointer server)
{
  HttpLoop *loop = g_new0(HttpLoop, 1);
  loop->functions = functions;
  loop->server = server;
  loop->listen_fd = listen_fd;
  loop->last_id = ID_FIRST;
  loop->capacity = find_capacity();
  loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  g_assert(loop->epoll_fd >= 0 && loop->wake_fd >= 0);
  g_mutex_init(&loop->mutex);
  g_cond_init(&loop->quiesced);
  g_cond_init(&loop->turned);
  g_queue_init(&loop->given_back);
  g_queue_init(&loop->waiting);
  loop->adopted = g_array_new(FALSE, FALSE, sizeof(int));
  loop->changed = g_array_new(FALSE, FALSE, sizeof(guint64));
  loop->connections = g_hash_table_new(g_int64_hash, g_int64_equal);
  loop->streams = g_hash_table_new(NULL, NULL);
  loop->shares = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  loop->workers = g_thread_pool_new(run_on_worker, loop, HTTP_MAX_WORKERS, FALSE, NULL);
  watch_own_fd(loop, loop->wake_fd, ID_WAKE);
  if (listen_fd >= 0)
    watch_own_fd(loop, listen_fd, ID_LISTEN);
  loop->thread = g_thread_new("http-loop", loop_thread, loop);
  return loop;
}

static void
set_flag_and_wake(HttpLoop *loop, gboolean *what)
{
  g_mutex_lock(&loop->mutex);
  *what = TRUE;
  g_mutex_unlock(&loop->mutex);
  eventfd_write(loop->wake_fd, 1);
}

void
http_loop_quiesce(HttpLoop *loop)
{
  set_flag_and_wake(loop, &loop->must_quiesce);
  g_mutex_lock(&loop->mutex);
  while (!loop->is_quiescent)
    g_cond_wait(&loop->quiesced, &loop->mutex);
  g_mutex_unlock(&loop->mutex);
}

void
http_loop_cut(HttpLoop *loop)
{
  set_flag_and_wake(loop, &loop->must_cut);
}

gboolean
http_loop_turns(HttpLoop *loop, guint timeout_ms)
{
  gint64 until_us = g_get_monotonic_time() + timeout_ms * (gint64)1000;
  set_flag_and_wake(loop, &loop->must_turn);
  g_mutex_lock(&loop->mutex);
  gboolean is_late = FALSE;
  while (loop->must_turn && !is_late)
    is_late = !g_cond_wait_until(&loop->turned, &loop->mutex, until_us);
  gboolean has_turned = !loop->must_turn;
  g_mutex_unlock(&loop->mutex);
  return has_turned;
}

void
http_loop_adopt(HttpLoop *loop, int fd)
{
  g_mutex_lock(&loop->mutex);
  g_array_append_val(loop->adopted, fd);
  g_mutex_unlock(&loop->mutex);
  eventfd_write(loop->wake_fd, 1);
}

void
http_loop_free(HttpLoop *loop)
{
  g_thread_pool_free(loop->workers, FALSE, TRUE);
  set_flag_and_wake(loop, &loop->must_end);
  g_thread_join(loop->thread);
  GHashTableIter iter;
  gpointer value;
  g_autoptr(GPtrArray) rest = g_ptr_array_new();
  g_hash_table_iter_init(&iter, loop->connections);
  while (g_hash_table_iter_next(&iter, NULL, &value))
    g_ptr_array_add(rest, value);
  for (guint i = 0; i < rest->len; i++)
    http_connection_close(g_ptr_array_index(rest, i));
  if (loop->listen_fd >= 0)
    close(loop->listen_fd);
  close(loop->epoll_fd);
  close(loop->wake_fd);
  g_array_unref(loop->adopted);
  g_array_unref(loop->changed);
  g_hash_table_unref(loop->connections);
  g_hash_table_unref(loop->streams);
  g_hash_table_unref(loop->shares);
  g_queue_clear(&loop->given_back);
  g_mutex_clear(&loop->mutex);
  g_cond_clear(&loop->quiesced);
  g_cond_clear(&loop->turned);
  g_free(loop);
}
