/* The queue between a reporting thread (an import) and the connection that sends its reports as Server-Sent Events.
 *
 * Messages stay in order. Of progress without a message only the newest state counts: one frame waits at a time, and
 * at most one is sent every 250 ms. If messages for a slow client pile up beyond the limit, the oldest are dropped,
 * never the last. After a second without events a comment is sent, so that proxies keep the stream open. */
#pragma once

#include <gio/gio.h>

#define SSE_MAX_QUEUED_BYTES (4 * 1024 * 1024)

typedef struct SseQueue SseQueue;

SseQueue *sse_queue_new(void);
SseQueue *sse_queue_ref(SseQueue *queue);
void sse_queue_unref(SseQueue *queue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SseQueue, sse_queue_unref)

/* `json` is one line of JSON; takes ownership. Both do nothing after close. */
void sse_queue_push_message(SseQueue *queue, char *json);
void sse_queue_push_progress(SseQueue *queue, char *json);

/* Ends the stream; waiting frames are still sent. */
void sse_queue_close(SseQueue *queue);

/* Returns the next frame, "data: {json}\n\n" or the heartbeat ": \n\n"; free with g_free. NULL if none is due:
 * either `ret_is_ended` says that the queue is closed and empty, or `ret_wake_us` (of g_get_monotonic_time) is when
 * to ask again, unless something is pushed before. */
char *sse_queue_take(SseQueue *queue, gboolean *ret_is_ended, gint64 *ret_wake_us);

/* Called on every change, on the thread that makes it; must not call the queue. NULL: no callback. */
typedef void (*SseQueueChanged)(gpointer user_data);
void sse_queue_on_change(SseQueue *queue, SseQueueChanged changed, gpointer user_data);
