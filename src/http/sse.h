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

/* The next bytes of the stream: frames "data: {json}\n\n" and heartbeats ": \n\n". Waits for them, at most until the
 * next heartbeat. 0: closed and all sent. */
gsize sse_queue_read(SseQueue *queue, guint8 *buffer, gsize size);
