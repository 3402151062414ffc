/* The queue between a thread that reports (an import) and the connection that sends the reports as Server-Sent Events.
 *
 * Messages are kept in order. Progress without a message is only worth its newest state: one frame waits at a time, and
 * at most one is sent every 250 ms. When a slow client lets messages pile up beyond the bound, the oldest are dropped,
 * never the last. When nothing happens for a second a comment is sent, so that proxies keep the stream open. */
#pragma once

#include <gio/gio.h>

#define SSE_MAX_QUEUED_BYTES (4 * 1024 * 1024)

typedef struct SseQueue SseQueue;

SseQueue *sse_queue_new(void);
SseQueue *sse_queue_ref(SseQueue *queue);
void sse_queue_unref(SseQueue *queue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SseQueue, sse_queue_unref)

/* `json` is one line of JSON, stolen. After close both do nothing. */
void sse_queue_push_message(SseQueue *queue, char *json);
void sse_queue_push_progress(SseQueue *queue, char *json);

/* Nothing more comes; what waits is still sent. */
void sse_queue_close(SseQueue *queue);

/* The next frame, "data: {json}\n\n" or the heartbeat ": \n\n"; free with g_free. NULL when none is due: then either
 * `ret_is_ended` says that the queue is closed and all was taken, or `ret_wake_us` (of g_get_monotonic_time) when to
 * ask again if nothing is pushed before. */
char *sse_queue_take(SseQueue *queue, gboolean *ret_is_ended, gint64 *ret_wake_us);

/* Called on every change, on the thread that makes it; must not call the queue. NULL: not any more. */
typedef void (*SseQueueChanged)(gpointer user_data);
void sse_queue_on_change(SseQueue *queue, SseQueueChanged changed, gpointer user_data);
