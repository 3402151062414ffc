#include "http/sse.h"

#include <string.h>

#define PROGRESS_INTERVAL_US (250 * 1000)
#define HEARTBEAT_US         (1000 * 1000)

struct SseQueue {
  gatomicrefcount references;
  GMutex mutex;
  GCond changed;
  GQueue messages; /* of char*, JSON */
  gsize queued_bytes;
  char *progress; /* newest JSON not sent yet, or NULL */
  gint64 progress_sent_us;
  gboolean is_closed;
  char *current; /* the frame being sent, and how much of it is */
  gsize current_length, current_sent;
};

SseQueue *
sse_queue_new(void)
{
  SseQueue *queue = g_new0(SseQueue, 1);
  g_atomic_ref_count_init(&queue->references);
  g_mutex_init(&queue->mutex);
  g_cond_init(&queue->changed);
  g_queue_init(&queue->messages);
  return queue;
}

SseQueue *
sse_queue_ref(SseQueue *queue)
{
  g_atomic_ref_count_inc(&queue->references);
  return queue;
}

void
sse_queue_unref(SseQueue *queue)
{
  if (queue == NULL || !g_atomic_ref_count_dec(&queue->references))
    return;
  g_queue_clear_full(&queue->messages, g_free);
  g_free(queue->progress);
  g_free(queue->current);
  g_cond_clear(&queue->changed);
  g_mutex_clear(&queue->mutex);
  g_free(queue);
}

void
sse_queue_push_message(SseQueue *queue, char *json)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  if (queue->is_closed) {
    g_free(json);
    return;
  }
  g_clear_pointer(&queue->progress, g_free); /* older than this message's own counts */
  g_queue_push_tail(&queue->messages, json);
  queue->queued_bytes += strlen(json);
  while (queue->queued_bytes > SSE_MAX_QUEUED_BYTES && g_queue_get_length(&queue->messages) > 1) {
    g_autofree char *oldest = g_queue_pop_head(&queue->messages);
    queue->queued_bytes -= strlen(oldest);
  }
  g_cond_signal(&queue->changed);
}

void
sse_queue_push_progress(SseQueue *queue, char *json)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  if (queue->is_closed) {
    g_free(json);
    return;
  }
  g_free(queue->progress);
  queue->progress = json;
  g_cond_signal(&queue->changed);
}

void
sse_queue_close(SseQueue *queue)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  queue->is_closed = TRUE;
  g_cond_signal(&queue->changed);
}

/* The JSON that is due now, or NULL. */
static char *
take_due(SseQueue *queue, gint64 now_us)
{
  char *message = g_queue_pop_head(&queue->messages);
  if (message != NULL) {
    queue->queued_bytes -= strlen(message);
    return message;
  }
  if (queue->progress == NULL || (!queue->is_closed && now_us < queue->progress_sent_us + PROGRESS_INTERVAL_US))
    return NULL;
  queue->progress_sent_us = now_us;
  return g_steal_pointer(&queue->progress);
}

/* Waits for the next frame; NULL when closed and empty. */
static char *
next_frame(SseQueue *queue)
{
  gint64 heartbeat_us = g_get_monotonic_time() + HEARTBEAT_US;
  for (;;) {
    gint64 now_us = g_get_monotonic_time();
    g_autofree char *json = take_due(queue, now_us);
    if (json != NULL)
      return g_strdup_printf("data: %s\n\n", json);
    if (queue->is_closed)
      return NULL;
    if (now_us >= heartbeat_us)
      return g_strdup(": \n\n");
    gint64 until_us = heartbeat_us;
    if (queue->progress != NULL)
      until_us = MIN(until_us, queue->progress_sent_us + PROGRESS_INTERVAL_US);
    g_cond_wait_until(&queue->changed, &queue->mutex, until_us);
  }
}

gsize
sse_queue_read(SseQueue *queue, guint8 *buffer, gsize size)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  if (queue->current == NULL) {
    queue->current = next_frame(queue);
    if (queue->current == NULL)
      return 0;
    queue->current_length = strlen(queue->current);
    queue->current_sent = 0;
  }
  gsize n = MIN(size, queue->current_length - queue->current_sent);
  memcpy(buffer, queue->current + queue->current_sent, n);
  queue->current_sent += n;
  if (queue->current_sent == queue->current_length)
    g_clear_pointer(&queue->current, g_free);
  return n;
}
