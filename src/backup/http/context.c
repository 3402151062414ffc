#include "backup/http/context.h"

#include "base/text.h"

/* A queue on its way to a client. */
typedef struct {
  SseQueue *queue;
  gpointer owned;
  GDestroyNotify free_owned;
} EventStream;

static gssize
event_stream_read(gpointer state, guint8 *buffer, gsize size, GError **error)
{
  (void)error;
  EventStream *stream = state;
  return (gssize)sse_queue_read(stream->queue, buffer, size);
}

static void
event_stream_free(gpointer state)
{
  EventStream *stream = state;
  if (stream->free_owned != NULL)
    stream->free_owned(stream->owned);
  sse_queue_unref(stream->queue);
  g_free(stream);
}

HttpResponse *
backup_http_event_stream(SseQueue *queue, gpointer owned, GDestroyNotify free_owned)
{
  EventStream *stream = g_new0(EventStream, 1);
  *stream = (EventStream){queue, owned, free_owned};
  HttpResponse *response = http_response_stream(200, "text/event-stream", event_stream_read, stream, event_stream_free);
  http_response_set_header(response, "Cache-Control", "no-cache, no-store");
  http_response_set_header(response, "X-Accel-Buffering", "no"); /* nginx would hold the events back */
  return response;
}

json_t *
backup_http_holder_json(const BackupLockHolder *holder)
{
  return json_pack("{s:o, s:o, s:o}", "operation", http_json_text(holder->operation), "holder",
                   http_json_text(holder->holder), "since", http_json_text(holder->since));
}

void
backup_http_explain_lock(HttpRequest *request, const BackupLockHolder *holder)
{
  http_request_set_error_details(request, text_get(TEXT_LOCK_DETAILS, http_request_language(request)));
  http_request_set_error_member(request, "holder", backup_http_holder_json(holder));
}
