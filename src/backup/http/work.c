#include "backup/http/work.h"

#include "backup/report/event_json.h"
#include "base/error.h"

#include <stdlib.h>

struct HttpWork {
  HttpRequest *request; /* outlives this */
  const BackupHttp *http;
  const char *kind;
  GCancellable *cancellable; /* the request's, and the lock's */
  BackupLock *lock;
  RunningOperation *running;
  SseQueue *queue; /* NULL: nobody is told but watchers */
  void (*run)(gpointer data);
  void (*release)(gpointer data);
  gpointer data;
  GThread *thread;
  char *last_event; /* JSON; sent when all is cleared away */
};

HttpWork *
http_work_new(HttpRequest *request, const BackupHttp *http, const char *kind)
{
  HttpWork *work = g_new0(HttpWork, 1);
  work->request = request;
  work->http = http;
  work->kind = kind;
  work->cancellable = g_object_ref(http_request_cancellable(request));
  return work;
}

void
http_work_free(HttpWork *work)
{
  if (work == NULL)
    return;
  if (work->thread != NULL) {
    g_cancellable_cancel(work->cancellable);
    g_thread_join(work->thread);
  }
  http_work_release_lock(work);
  sse_queue_unref(work->queue);
  g_object_unref(work->cancellable);
  g_free(work->last_event);
  g_free(work);
}

HttpRequest *
http_work_request(const HttpWork *work)
{
  return work->request;
}

const BackupHttp *
http_work_http(const HttpWork *work)
{
  return work->http;
}

GCancellable *
http_work_cancellable(const HttpWork *work)
{
  return work->cancellable;
}

BackupLock *
http_work_lock(const HttpWork *work)
{
  return work->lock;
}

gboolean
http_work_take_lock(HttpWork *work, GError **error)
{
  BackupLockOptions options = {
      .dsn = work->http->dsn,
      .redis_url = work->http->config->redis_url,
      .ttl_ms = (guint)work->http->config->lock_ttl_ms,
  };
  g_auto(BackupLockHolder) holder = {0};
  g_autoptr(GError) problem = NULL;
  work->lock =
      backup_lock_acquire(&options, work->kind, http_request_who(work->request), work->cancellable, &holder, &problem);
  if (work->lock != NULL)
    return TRUE;
  if (error_code(problem) == CCH_ERROR_LOCK_HELD)
    backup_http_explain_lock(work->request, &holder);
  g_propagate_error(error, g_steal_pointer(&problem));
  return FALSE;
}

void
http_work_release_lock(HttpWork *work)
{
  g_clear_pointer(&work->lock, backup_lock_release);
}

gboolean
http_work_check(const HttpWork *work, GError **error)
{
  if (!g_cancellable_is_cancelled(work->cancellable))
    return TRUE;
  if (work->lock != NULL && backup_lock_is_lost(work->lock))
    error_set(error, CCH_ERROR_LOCK_LOST, "during the upload");
  else
    error_set(error, CCH_ERROR_CANCELLED, "during the upload");
  return FALSE;
}

void
http_work_report(const BackupEvent *event, gpointer user_data)
{
  HttpWork *work = user_data;
  g_autofree char *json = backup_event_to_json(event);
  if (event->type != BACKUP_EVENT_PROGRESS) {
    g_free(work->last_event);
    work->last_event = g_steal_pointer(&json);
    return;
  }
  gboolean is_message = event->message != NULL;
  running_report(work->running, json, is_message);
  if (work->queue != NULL && is_message)
    sse_queue_push_message(work->queue, g_steal_pointer(&json));
  else if (work->queue != NULL)
    sse_queue_push_progress(work->queue, g_steal_pointer(&json));
}

void
http_work_extend_last(HttpWork *work, const char *name, json_t *value)
{
  json_t *event = json_loads(work->last_event, 0, NULL);
  json_object_set_new(event, name, value);
  char *text = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(6));
  json_decref(event);
  g_free(work->last_event);
  work->last_event = g_strdup(text);
  free(text);
}

void
http_work_run(HttpWork *work, void (*run)(gpointer data), void (*release)(gpointer data), gpointer data)
{
  if (work->running == NULL)
    work->running = running_begin(work->http->running, work->kind, NULL, http_request_who(work->request));
  run(data);
  g_assert(work->last_event != NULL);
  release(data);
  http_work_release_lock(work);
  running_end(g_steal_pointer(&work->running), work->last_event);
}

static gpointer
work_thread(gpointer user_data)
{
  HttpWork *work = user_data;
  http_work_run(work, work->run, work->release, work->data);
  sse_queue_push_message(work->queue, g_steal_pointer(&work->last_event));
  sse_queue_close(work->queue);
  return NULL;
}

HttpResponse *
http_work_start(HttpWork *work, void (*run)(gpointer data), void (*release)(gpointer data), gpointer data)
{
  work->run = run;
  work->release = release;
  work->data = data;
  work->queue = sse_queue_new();
  work->running = running_begin(work->http->running, work->kind, NULL, http_request_who(work->request));
  HttpResponse *response = backup_http_event_stream(sse_queue_ref(work->queue));
  http_response_set_header(response, "X-Operation-Id", running_id(work->running));
  work->thread = g_thread_new(work->kind, work_thread, work);
  return response;
}
