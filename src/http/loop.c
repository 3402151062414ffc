#include "http/loop.h"

#include "base/error.h"
#include "base/log.h"
#include "http/address.h"
#include "http/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define RESERVED_DESCRIPTORS  256 /* for databases, files and the rest */
#define MIN_CONNECTIONS       64
#define MAX_CONNECTIONS       16384
#define ACCEPTS_AT_ONCE       64
#define EVENTS_AT_ONCE        256
#define RECEIVE_BYTES         (16 * 1024)
#define UNSENT_BYTES          (256 * 1024) /* that the kernel keeps for a client that does not read */
#define TICK_MS               250          /* deadlines */
#define STREAM_TICK_MS        100          /* event streams */
#define LINGER_MS             30000
#define LINGER_IDLE_MS        10000 /* a client may have a lot to prepare between headers and body */
#define REPORT_INTERVAL_US    (60 * G_USEC_PER_SEC)
#define SHARES_LOOKED_THROUGH 64
#define ID_LISTEN             0 /* epoll's data; connections count from ID_FIRST */
#define ID_WAKE               1
#define ID_FIRST              2

/* Why connections were ended without an answer, since the last line in the log. */
typedef struct {
  guint n_displaced; /* for a newcomer */
  guint n_late;      /* a step took longer than it may */
  guint n_malformed; /* answered with 400 */
  guint n_refused;   /* no room, and nothing to displace */
} Refusals;

struct HttpLoop {
  const HttpLoopFunctions *functions;
  gpointer server;
  int epoll_fd, listen_fd, wake_fd;
  guint capacity;
  GThread *thread;
  GThreadPool *workers;

  GCond quiesced;
  GMutex mutex;      /* guards the next ones, and every connection's client_gone */
  GQueue given_back; /* of HttpConnection */
  GArray *adopted;   /* of int */
  GArray *changed;   /* of guint64: connections whose event queue has something new */
  gboolean must_quiesce, must_cut, must_end;

  /* The loop's thread alone. */
  GHashTable *connections; /* id → HttpConnection */
  GHashTable *streams;     /* the set of those in EVENTS */
  GHashTable *shares;      /* share → count of those waiting */
  GQueue waiting;          /* those that could be displaced, oldest first */
  guint64 last_id;
  gsize held_bytes;
  gboolean is_quiescent;
  Refusals refusals;
  gint64 reported_us; /* 0: never */
};

/* --- refusals --- */

/* The first at once, then a line a minute, however many there are. */
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

/* --- what a connection holds, and its place among those that wait --- */

static void
count_held(HttpConnection *connection)
{
  HttpLoop *loop = connection->loop;
  gsize held = connection->in->len;
  if (connection->request != NULL)
    held += loop->functions->held_bytes(connection);
  loop->held_bytes += held;
  loop->held_bytes -= connection->held_bytes;
  connection->held_bytes = held;
}

static guint
share_count(HttpLoop *loop, const char *share)
{
  return GPOINTER_TO_UINT(g_hash_table_lookup(loop->shares, share));
}

static void
stop_waiting(HttpConnection *connection)
{
  HttpLoop *loop = connection->loop;
  if (connection->waiting.data == NULL)
    return;
  g_queue_unlink(&loop->waiting, &connection->waiting);
  connection->waiting.data = NULL;
  guint count = share_count(loop, connection->share) - 1;
  if (count > 0)
    g_hash_table_insert(loop->shares, g_strdup(connection->share), GUINT_TO_POINTER(count));
  else
    g_hash_table_remove(loop->shares, connection->share);
}

static void
begin_waiting(HttpConnection *connection, HttpConnectionState state, guint timeout_ms)
{
  HttpLoop *loop = connection->loop;
  stop_waiting(connection);
  connection->state = state;
  connection->deadline_us = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
  connection->waiting.data = connection;
  g_queue_push_tail_link(&loop->waiting, &connection->waiting);
  g_hash_table_insert(loop->shares, g_strdup(connection->share),
                      GUINT_TO_POINTER(share_count(loop, connection->share) + 1));
}

/* One event; then the connection is silent until it is armed again, with which nothing can come while a worker has it.
 */
static void
arm(HttpConnection *connection, guint32 events)
{
  struct epoll_event event = {.events = events | EPOLLONESHOT, .data.u64 = connection->id};
  epoll_ctl(connection->loop->epoll_fd, EPOLL_CTL_MOD, connection->fd, &event);
}

static void
close_connection(HttpConnection *connection)
{
  HttpLoop *loop = connection->loop;
  g_assert(connection->request == NULL);
  stop_waiting(connection);
  loop->held_bytes -= connection->held_bytes;
  close(connection->fd); /* which takes it out of epoll */
  http_output_clear(&connection->output);
  g_byte_array_unref(connection->in);
  g_free(connection->address);
  g_free(connection->share);
  guint64 id = connection->id;
  g_hash_table_remove(loop->connections, &id);
  g_free(connection);
}

static void
hand_to_worker(HttpConnection *connection)
{
  stop_waiting(connection);
  if (connection->state == HTTP_CONNECTION_EVENTS) {
    sse_queue_on_change(connection->loop->functions->events(connection), NULL, NULL);
    g_hash_table_remove(connection->loop->streams, connection);
  }
  connection->state = HTTP_CONNECTION_WORKER;
  connection->deadline_us = 0;
  g_thread_pool_push(connection->loop->workers, connection, NULL);
}

/* Ends a connection that the loop has, whatever it waits for; a request that has begun is ended by a worker. */
static void
drop(HttpConnection *connection)
{
  if (connection->request == NULL) {
    close_connection(connection);
    return;
  }
  connection->is_broken = TRUE;
  shutdown(connection->fd, SHUT_RDWR);
  hand_to_worker(connection);
}

static void
displace(HttpLoop *loop, HttpConnection *connection)
{
  loop->refusals.n_displaced++;
  drop(connection);
}

/* Of an address that has more than its share, the connection that has waited longest; FALSE when none waits. */
static gboolean
displace_one(HttpLoop *loop)
{
  if (loop->waiting.length == 0)
    return FALSE;
  guint share = loop->waiting.length / g_hash_table_size(loop->shares);
  GList *link = loop->waiting.head;
  for (guint i = 0; i < SHARES_LOOKED_THROUGH && link != NULL; i++, link = link->next) {
    if (share_count(loop, ((HttpConnection *)link->data)->share) >= share)
      break;
  }
  displace(loop, link != NULL ? link->data : loop->waiting.head->data);
  return TRUE;
}

static void
bound_held_bytes(HttpLoop *loop)
{
  while (loop->held_bytes > HTTP_MAX_HELD_BYTES && displace_one(loop))
    continue;
}

/* --- what a client does --- */

static void linger(HttpConnection *connection);

/* Lets the first `used` bytes go, and the room that they took: an array keeps what it has grown to, which is not
 * counted. */
static void
let_go(HttpConnection *connection, gsize used)
{
  g_autoptr(GByteArray) old = connection->in;
  connection->in = g_byte_array_new();
  if (used < old->len)
    g_byte_array_append(connection->in, old->data + used, old->len - (guint)used);
}

/* Sends what is left of the output; afterwards the connection is a worker's, lingers, or waits until it can go on. */
static void
go_on_writing(HttpConnection *connection)
{
  HttpOutputResult result = http_output_send(&connection->output, connection->fd);
  if (result == HTTP_OUTPUT_BLOCKED) {
    arm(connection, EPOLLOUT);
    return;
  }
  connection->is_broken = result == HTTP_OUTPUT_BROKEN;
  if (connection->request != NULL)
    hand_to_worker(connection);
  else if (connection->is_broken)
    close_connection(connection);
  else
    linger(connection);
}

static void
begin_writing(HttpConnection *connection)
{
  HttpLoop *loop = connection->loop;
  begin_waiting(connection, HTTP_CONNECTION_WRITE, HTTP_REPLY_TIMEOUT_MS);
  go_on_writing(connection); /* which may be the connection's end */
  bound_held_bytes(loop);
}

static void
refuse_malformed(HttpConnection *connection, const GError *error)
{
  connection->loop->refusals.n_malformed++;
  connection->loop->functions->refuse(connection, error);
  let_go(connection, connection->in->len);
  begin_writing(connection);
}

/* A client may end a body with empty lines that do not belong to it, in whatever pieces they come. */
static void
skip_empty_lines(HttpConnection *connection)
{
  gsize length = 0;
  while (connection->in->len - length >= 2 && memcmp(connection->in->data + length, "\r\n", 2) == 0)
    length += 2;
  if (length == 0)
    return;
  g_byte_array_remove_range(connection->in, 0, (guint)length);
  connection->scanned = 0;
}

/* With all of a head the connection is a worker's; otherwise it waits for more. */
static void
look_for_head(HttpConnection *connection)
{
  skip_empty_lines(connection);
  HttpHeadEnd end = http_head_find_end(connection->in->data, connection->in->len, &connection->scanned);
  g_autoptr(GError) error = NULL;
  if (end == HTTP_HEAD_COMPLETE && connection->scanned <= HTTP_MAX_HEAD_BYTES) {
    HttpHead *head = http_head_parse(connection->in->data, connection->scanned, &error);
    if (head != NULL) {
      let_go(connection, connection->scanned);
      connection->scanned = 0;
      connection->loop->functions->begin(connection, head);
      count_held(connection);
      hand_to_worker(connection);
      return;
    }
  } else if (end == HTTP_HEAD_MALFORMED) {
    error_set(&error, CCH_ERROR_REQUEST_INVALID, "the head is not lines that end with CRLF");
  } else if (connection->in->len > HTTP_MAX_HEAD_BYTES) {
    error_set(&error, CCH_ERROR_REQUEST_HEAD_TOO_LARGE, "the limit is %d bytes", HTTP_MAX_HEAD_BYTES);
  } else {
    count_held(connection);
    arm(connection, EPOLLIN);
    bound_held_bytes(connection->loop);
    return;
  }
  refuse_malformed(connection, error);
}

static void
look_for_body(HttpConnection *connection)
{
  if (connection->loop->functions->collect(connection)) {
    hand_to_worker(connection);
    return;
  }
  let_go(connection, 0);
  count_held(connection);
  arm(connection, EPOLLIN);
  bound_held_bytes(connection->loop);
}

static void
linger(HttpConnection *connection)
{
  begin_waiting(connection, HTTP_CONNECTION_LINGER, LINGER_MS);
  connection->idle_until_us = g_get_monotonic_time() + LINGER_IDLE_MS * 1000;
  let_go(connection, connection->in->len);
  count_held(connection);
  http_output_clear(&connection->output);
  shutdown(connection->fd, SHUT_WR);
  arm(connection, EPOLLIN);
}

/* Reads what has come. FALSE when the connection is not there any more. */
static gboolean
receive(HttpConnection *connection)
{
  static guint8 buffer[RECEIVE_BYTES]; /* the loop's thread has it alone */
  ssize_t n = recv(connection->fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return TRUE;
  if (n <= 0) {
    drop(connection);
    return FALSE;
  }
  connection->idle_until_us = g_get_monotonic_time() + LINGER_IDLE_MS * 1000;
  if (connection->state != HTTP_CONNECTION_LINGER)
    g_byte_array_append(connection->in, buffer, (guint)n);
  return TRUE;
}

/* --- event streams --- */

static void
on_queue_changed(gpointer user_data)
{
  HttpConnection *connection = user_data;
  HttpLoop *loop = connection->loop;
  g_mutex_lock(&loop->mutex);
  g_array_append_val(loop->changed, connection->id);
  g_mutex_unlock(&loop->mutex);
  eventfd_write(loop->wake_fd, 1);
}

/* Puts the queue's next frame into the output; FALSE when there is none now. */
static gboolean
next_frame(HttpConnection *connection)
{
  const HttpLoopFunctions *functions = connection->loop->functions;
  gboolean is_ended = FALSE;
  g_autofree char *frame = sse_queue_take(functions->events(connection), &is_ended, &connection->wake_us);
  if (frame == NULL && (!is_ended || connection->has_events_end))
    return FALSE;
  connection->has_events_end = frame == NULL;
  functions->put_frame(connection, frame);
  return TRUE;
}

/* Sends all that is due; the end goes to a worker. */
static void
go_on_streaming(HttpConnection *connection)
{
  do {
    HttpOutputResult result = http_output_send(&connection->output, connection->fd);
    connection->is_broken = result == HTTP_OUTPUT_BROKEN;
    if (result == HTTP_OUTPUT_BLOCKED) {
      connection->wake_us = G_MAXINT64; /* when it can go on, epoll tells */
      arm(connection, EPOLLOUT | EPOLLRDHUP);
      return;
    }
    if (connection->is_broken || connection->has_events_end) {
      hand_to_worker(connection);
      return;
    }
  } while (next_frame(connection));
  arm(connection, EPOLLRDHUP);
}

static void
begin_streaming(HttpConnection *connection)
{
  connection->state = HTTP_CONNECTION_EVENTS;
  connection->has_events_end = FALSE;
  g_hash_table_add(connection->loop->streams, connection);
  sse_queue_on_change(connection->loop->functions->events(connection), on_queue_changed, connection);
  go_on_streaming(connection);
}

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
    go_on_streaming(g_ptr_array_index(due, i));
}

/* --- a client that leaves --- */

/* While a worker has the connection. */
static void
cancel_client_gone(HttpConnection *connection)
{
  g_mutex_lock(&connection->loop->mutex);
  g_autoptr(GCancellable) gone = g_steal_pointer(&connection->client_gone);
  g_mutex_unlock(&connection->loop->mutex);
  if (gone == NULL)
    return;
  shutdown(connection->fd, SHUT_RDWR);
  g_cancellable_cancel(gone);
}

void
http_connection_watch_client(HttpConnection *connection, GCancellable *cancellable)
{
  g_mutex_lock(&connection->loop->mutex);
  g_set_object(&connection->client_gone, cancellable);
  g_mutex_unlock(&connection->loop->mutex);
  if (cancellable != NULL)
    arm(connection, EPOLLRDHUP);
}

static void
on_connection_event(HttpConnection *connection, guint32 events)
{
  switch (connection->state) {
  case HTTP_CONNECTION_HEAD:
    if (receive(connection))
      look_for_head(connection);
    break;
  case HTTP_CONNECTION_BODY:
    if (receive(connection))
      look_for_body(connection);
    break;
  case HTTP_CONNECTION_LINGER:
    if (receive(connection))
      arm(connection, EPOLLIN);
    break;
  case HTTP_CONNECTION_WRITE:
    go_on_writing(connection);
    break;
  case HTTP_CONNECTION_EVENTS:
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
      drop(connection);
    else
      go_on_streaming(connection);
    break;
  case HTTP_CONNECTION_WORKER:
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
      cancel_client_gone(connection);
    break;
  }
}

/* --- connections that come --- */

/* A peer whose machine vanished must not keep a stalled download for ever. */
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
  if (loop->is_quiescent || (g_hash_table_size(loop->connections) >= loop->capacity && !displace_one(loop))) {
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
  begin_waiting(connection, HTTP_CONNECTION_HEAD, HTTP_HEADER_TIMEOUT_MS);
  struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = connection->id};
  if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
    close_connection(connection);
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
    else if ((errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) && displace_one(loop))
      continue;
    else if (errno != EINTR && errno != ECONNABORTED)
      return;
  }
}

/* --- what workers give back --- */

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
take_back(HttpConnection *connection)
{
  HttpLoop *loop = connection->loop;
  if (connection->request == NULL)
    http_output_clear(&connection->output);
  count_held(connection);
  switch (connection->next) {
  case HTTP_NEXT_HEAD:
    if (loop->is_quiescent) {
      close_connection(connection);
      break;
    }
    connection->has_served = TRUE;
    begin_waiting(connection, HTTP_CONNECTION_HEAD, HTTP_HEADER_TIMEOUT_MS);
    look_for_head(connection);
    break;
  case HTTP_NEXT_BODY:
    begin_waiting(connection, HTTP_CONNECTION_BODY, HTTP_HEADER_TIMEOUT_MS);
    look_for_body(connection);
    break;
  case HTTP_NEXT_WRITE:
    begin_writing(connection);
    break;
  case HTTP_NEXT_EVENTS:
    begin_streaming(connection);
    break;
  case HTTP_NEXT_LINGER:
    linger(connection);
    break;
  case HTTP_NEXT_CLOSE:
    close_connection(connection);
    break;
  }
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
    take_back(connection);
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
      go_on_streaming(connection);
  }
  for (guint i = 0; i < adopted->len; i++)
    add_connection(loop, g_array_index(adopted, int, i), NULL);
}

/* --- the thread --- */

static void
end_late(HttpLoop *loop, gint64 now_us)
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
    drop(connection);
  }
}

static void
quiesce(HttpLoop *loop)
{
  if (loop->listen_fd >= 0)
    close(loop->listen_fd);
  loop->listen_fd = -1;
  for (GList *link = loop->waiting.head, *next; link != NULL; link = next) {
    next = link->next;
    HttpConnection *connection = link->data;
    if (connection->state == HTTP_CONNECTION_HEAD)
      close_connection(connection);
  }
  g_mutex_lock(&loop->mutex);
  loop->is_quiescent = TRUE;
  g_cond_signal(&loop->quiesced);
  g_mutex_unlock(&loop->mutex);
}

/* Whoever has a connection notices; so does epoll, of those that are armed. */
static void
cut(HttpLoop *loop)
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
    drop(g_ptr_array_index(ours, i));
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
          on_connection_event(connection, events[i].events);
      }
    }
    take_all_back(loop);
    look_at_changed(loop);
    g_mutex_lock(&loop->mutex);
    gboolean must_quiesce = loop->must_quiesce, must_cut = loop->must_cut, must_end = loop->must_end;
    g_mutex_unlock(&loop->mutex);
    if (must_quiesce && !loop->is_quiescent)
      quiesce(loop);
    if (must_cut)
      cut(loop);
    if (must_end)
      return NULL;
    gint64 now_us = g_get_monotonic_time();
    wake_streams(loop, now_us);
    if (now_us - looked_us >= TICK_MS * 1000) {
      end_late(loop, now_us);
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

/* As many as there may be descriptors; the limit is raised as far as it goes. */
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
add_own(HttpLoop *loop, int fd, guint64 id)
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
  g_queue_init(&loop->given_back);
  g_queue_init(&loop->waiting);
  loop->adopted = g_array_new(FALSE, FALSE, sizeof(int));
  loop->changed = g_array_new(FALSE, FALSE, sizeof(guint64));
  loop->connections = g_hash_table_new(g_int64_hash, g_int64_equal);
  loop->streams = g_hash_table_new(NULL, NULL);
  loop->shares = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  loop->workers = g_thread_pool_new(run_on_worker, loop, HTTP_MAX_WORKERS, FALSE, NULL);
  add_own(loop, loop->wake_fd, ID_WAKE);
  if (listen_fd >= 0)
    add_own(loop, listen_fd, ID_LISTEN);
  loop->thread = g_thread_new("http-loop", loop_thread, loop);
  return loop;
}

static void
tell(HttpLoop *loop, gboolean *what)
{
  g_mutex_lock(&loop->mutex);
  *what = TRUE;
  g_mutex_unlock(&loop->mutex);
  eventfd_write(loop->wake_fd, 1);
}

void
http_loop_quiesce(HttpLoop *loop)
{
  tell(loop, &loop->must_quiesce);
  g_mutex_lock(&loop->mutex);
  while (!loop->is_quiescent)
    g_cond_wait(&loop->quiesced, &loop->mutex);
  g_mutex_unlock(&loop->mutex);
}

void
http_loop_cut(HttpLoop *loop)
{
  tell(loop, &loop->must_cut);
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
  tell(loop, &loop->must_end);
  g_thread_join(loop->thread);
  GHashTableIter iter;
  gpointer value;
  g_autoptr(GPtrArray) rest = g_ptr_array_new();
  g_hash_table_iter_init(&iter, loop->connections);
  while (g_hash_table_iter_next(&iter, NULL, &value))
    g_ptr_array_add(rest, value);
  for (guint i = 0; i < rest->len; i++)
    close_connection(g_ptr_array_index(rest, i));
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
  g_free(loop);
}
