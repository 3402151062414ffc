#include "http/loop/connection.h"

#include "base/error.h"
#include "http/loop/loop_state.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BYTES         (16 * 1024)
#define LINGER_MS             30000
#define LINGER_IDLE_MS        10000 /* a client may take a while between headers and body */
#define SHARES_LOOKED_THROUGH 64

/* --- a connection's resources, and its place among the waiting ones --- */

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

void
http_connection_wait(HttpConnection *connection, HttpConnectionState state, guint timeout_ms)
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

/* Enables one event. After it, the connection is silent until it is armed again, so nothing happens while a worker
 * has it.
 */
static void
arm_connection(HttpConnection *connection, guint32 events)
{
  struct epoll_event event = {.events = events | EPOLLONESHOT, .data.u64 = connection->id};
  epoll_ctl(connection->loop->epoll_fd, EPOLL_CTL_MOD, connection->fd, &event);
}

void
http_connection_close(HttpConnection *connection)
{
  HttpLoop *loop = connection->loop;
  g_assert(connection->request == NULL);
  stop_waiting(connection);
  loop->held_bytes -= connection->held_bytes;
  close(connection->fd); /* also removes it from epoll */
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

void
http_connection_drop(HttpConnection *connection)
{
  if (connection->request == NULL) {
    http_connection_close(connection);
    return;
  }
  connection->is_broken = TRUE;
  shutdown(connection->fd, SHUT_RDWR);
  hand_to_worker(connection);
}

static void
displace_connection(HttpLoop *loop, HttpConnection *connection)
{
  loop->refusals.n_displaced++;
  http_connection_drop(connection);
}

gboolean
http_connection_displace_one(HttpLoop *loop)
{
  if (loop->waiting.length == 0)
    return FALSE;
  guint share = loop->waiting.length / g_hash_table_size(loop->shares);
  GList *link = loop->waiting.head;
  for (guint i = 0; i < SHARES_LOOKED_THROUGH && link != NULL; i++, link = link->next) {
    if (share_count(loop, ((HttpConnection *)link->data)->share) >= share)
      break;
  }
  displace_connection(loop, link != NULL ? link->data : loop->waiting.head->data);
  return TRUE;
}

static void
bound_held_bytes(HttpLoop *loop)
{
  while (loop->held_bytes > HTTP_MAX_HELD_BYTES && http_connection_displace_one(loop))
    continue;
}

/* --- the client's actions --- */

static void begin_lingering(HttpConnection *connection);

/* Removes the first `used` bytes, and frees large buffers: an array keeps its largest size, which is not counted. */
static void
drop_received(HttpConnection *connection, gsize used)
{
  g_autoptr(GByteArray) old = connection->in;
  connection->in = g_byte_array_new();
  if (used < old->len)
    g_byte_array_append(connection->in, old->data + used, old->len - (guint)used);
}

/* Sends the rest of the output. Afterwards a worker gets the connection, or it lingers, or waits until it can go on. */
static void
go_on_writing(HttpConnection *connection)
{
  HttpOutputResult result = http_output_send(&connection->output, connection->fd);
  if (result == HTTP_OUTPUT_BLOCKED) {
    arm_connection(connection, EPOLLOUT);
    return;
  }
  connection->is_broken = result == HTTP_OUTPUT_BROKEN;
  if (connection->request != NULL)
    hand_to_worker(connection);
  else if (connection->is_broken)
    http_connection_close(connection);
  else
    begin_lingering(connection);
}

static void
begin_writing(HttpConnection *connection)
{
  HttpLoop *loop = connection->loop;
  http_connection_wait(connection, HTTP_CONNECTION_WRITE, HTTP_REPLY_TIMEOUT_MS);
  go_on_writing(connection); /* may end the connection */
  bound_held_bytes(loop);
}

static void
refuse_malformed(HttpConnection *connection, const GError *error)
{
  connection->loop->refusals.n_malformed++;
  connection->loop->functions->refuse(connection, error);
  drop_received(connection, connection->in->len);
  begin_writing(connection);
}

/* A client may end a body with empty lines that do not belong to it, split in any way. */
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

/* With a complete head, a worker gets the connection. Otherwise it waits for more. */
static void
look_for_head(HttpConnection *connection)
{
  skip_empty_lines(connection);
  HttpHeadEnd end = http_head_find_end(connection->in->data, connection->in->len, &connection->scanned);
  g_autoptr(GError) error = NULL;
  if (end == HTTP_HEAD_COMPLETE && connection->scanned <= HTTP_MAX_HEAD_BYTES) {
    HttpHead *head = http_head_parse(connection->in->data, connection->scanned, &error);
    if (head != NULL) {
      drop_received(connection, connection->scanned);
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
    arm_connection(connection, EPOLLIN);
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
  drop_received(connection, 0);
  count_held(connection);
  arm_connection(connection, EPOLLIN);
  bound_held_bytes(connection->loop);
}

static void
begin_lingering(HttpConnection *connection)
{
  http_connection_wait(connection, HTTP_CONNECTION_LINGER, LINGER_MS);
  connection->idle_until_us = g_get_monotonic_time() + LINGER_IDLE_MS * 1000;
  drop_received(connection, connection->in->len);
  count_held(connection);
  http_output_clear(&connection->output);
  shutdown(connection->fd, SHUT_WR);
  arm_connection(connection, EPOLLIN);
}

/* Reads the available bytes. FALSE if the connection no longer exists. */
static gboolean
receive_bytes(HttpConnection *connection)
{
  static guint8 buffer[RECEIVE_BYTES]; /* used by the loop's thread only */
  ssize_t n = recv(connection->fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return TRUE;
  if (n <= 0) {
    http_connection_drop(connection);
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

/* Puts the queue's next frame into the output; FALSE if none is due. */
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

void
http_connection_stream(HttpConnection *connection)
{
  do {
    HttpOutputResult result = http_output_send(&connection->output, connection->fd);
    connection->is_broken = result == HTTP_OUTPUT_BROKEN;
    if (result == HTTP_OUTPUT_BLOCKED) {
      connection->wake_us = G_MAXINT64; /* epoll reports when it can go on */
      arm_connection(connection, EPOLLOUT | EPOLLRDHUP);
      return;
    }
    if (connection->is_broken || connection->has_events_end) {
      hand_to_worker(connection);
      return;
    }
  } while (next_frame(connection));
  arm_connection(connection, EPOLLRDHUP);
}

static void
begin_streaming(HttpConnection *connection)
{
  connection->state = HTTP_CONNECTION_EVENTS;
  connection->has_events_end = FALSE;
  g_hash_table_add(connection->loop->streams, connection);
  sse_queue_on_change(connection->loop->functions->events(connection), on_queue_changed, connection);
  http_connection_stream(connection);
}

/* --- a client that leaves --- */

/* Called while a worker has the connection. */
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
    arm_connection(connection, EPOLLRDHUP);
}

void
http_connection_on_event(HttpConnection *connection, guint32 events)
{
  switch (connection->state) {
  case HTTP_CONNECTION_HEAD:
    if (receive_bytes(connection))
      look_for_head(connection);
    break;
  case HTTP_CONNECTION_BODY:
    if (receive_bytes(connection))
      look_for_body(connection);
    break;
  case HTTP_CONNECTION_LINGER:
    if (receive_bytes(connection))
      arm_connection(connection, EPOLLIN);
    break;
  case HTTP_CONNECTION_WRITE:
    go_on_writing(connection);
    break;
  case HTTP_CONNECTION_EVENTS:
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
      http_connection_drop(connection);
    else
      http_connection_stream(connection);
    break;
  case HTTP_CONNECTION_WORKER:
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
      cancel_client_gone(connection);
    break;
  }
}

/* --- returned by a worker --- */

void
http_connection_take_back(HttpConnection *connection)
{
  HttpLoop *loop = connection->loop;
  if (connection->request == NULL)
    http_output_clear(&connection->output);
  count_held(connection);
  switch (connection->next) {
  case HTTP_NEXT_HEAD:
    if (loop->is_quiescent) {
      http_connection_close(connection);
      break;
    }
    connection->has_served = TRUE;
    http_connection_wait(connection, HTTP_CONNECTION_HEAD, HTTP_HEADER_TIMEOUT_MS);
    look_for_head(connection);
    break;
  case HTTP_NEXT_BODY:
    http_connection_wait(connection, HTTP_CONNECTION_BODY, HTTP_HEADER_TIMEOUT_MS);
    look_for_body(connection);
    break;
  case HTTP_NEXT_WRITE:
    begin_writing(connection);
    break;
  case HTTP_NEXT_EVENTS:
    begin_streaming(connection);
    break;
  case HTTP_NEXT_LINGER:
    begin_lingering(connection);
    break;
  case HTTP_NEXT_CLOSE:
    http_connection_close(connection);
    break;
  }
}
