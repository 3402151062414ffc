#include "http/loop/sse.h"

#include <string.h>

#define PROGRESS_INTERVAL_US (250 * 1000)
#define HEARTBEAT_US         (1000 * 1000)

struct SseQueue {
  gatomicrefcount references;
  GMutex mutex;
  SseQueueChanged changed;
  gpointer changed_data;
  GQueue messages; /* of char*, JSON */
  gsize queued_bytes;
  char *progress; /* newest JSON not sent yet, or NULL */
  gint64 progress_sent_us;
  gint64 frame_us; /* when the last frame was taken */
  gboolean is_closed;
};

SseQueue *
sse_queue_new(void)
{
  SseQueue *queue = g_new0(SseQueue, 1);
  g_atomic_ref_count_init(&queue->references);
  g_mutex_init(&queue->mutex);
  g_queue_init(&queue->messages);
  queue->frame_us = g_get_monotonic_time();
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
  g_mutex_clear(&queue->mutex);
  g_free(queue);
}

static void
tell_change(SseQueue *queue)
{
  if (queue->changed != NULL)
    queue->changed(queue->changed_data);
}

void
sse_queue_on_change(SseQueue *queue, SseQueueChanged changed, gpointer user_data)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  queue->changed = changed;
  queue->changed_data = user_data;
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
  tell_change(queue);
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
  tell_change(queue);
}

void
sse_queue_close(SseQueue *queue)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  queue->is_closed = TRUE;
  tell_change(queue);
}

/* The JSON that is due now, or NULL. */
static char *
take_due_json(SseQueue *queue, gint64 now_us)
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

char *
sse_queue_take(SseQueue *queue, gboolean *ret_is_ended, gint64 *ret_wake_us)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  gint64 now_us = g_get_monotonic_time();
  g_autofree char *json = take_due_json(queue, now_us);
  *ret_is_ended = json == NULL && queue->is_closed;
  if (*ret_is_ended)
    return NULL;
  if (json != NULL || now_us >= queue->frame_us + HEARTBEAT_US) {
    queue->frame_us = now_us;
    return json != NULL ? g_strdup_printf("data: %s\n\n", json) : g_strdup(": \n\n");
  }
  *ret_wake_us = queue->frame_us + HEARTBEAT_US;
  if (queue->progress != NULL)
    *ret_wake_us = MIN(*ret_wake_us, queue->progress_sent_us + PROGRESS_INTERVAL_US);
  return NULL;
}
