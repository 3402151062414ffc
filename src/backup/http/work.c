#include "backup/http/work.h"

#include "backup/report/event_json.h"
#include "base/error.h"

struct HttpWork {
  HttpRequest *request; /* outlives this */
  const BackupHttp *http;
  const char *kind;
  GCancellable *cancellable; /* triggered by the request's cancellable and the lock's */
  BackupLock *lock;
  RunningOperation *running;
  SseQueue *queue; /* NULL: only watchers get events */
  void (*run)(gpointer data);
  void (*release)(gpointer data);
  gpointer data;
  GThread *thread;
  json_t *last_event; /* sent when everything is released */
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
  json_decref(work->last_event);
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
      .dsn = pg_pool_dsn(work->http->pool),
      .redis_url = work->http->config->redis_url,
      .ttl_ms = (guint)work->http->config->lock_ttl_ms,
  };
  g_auto(BackupLockHolder) holder = {0};
  g_autoptr(GError) problem = NULL;
  work->lock =
      backup_lock_acquire(&options, work->kind, http_request_who(work->request), work->cancellable, &holder, &problem);
  if (work->lock != NULL) {
    pg_pool_pause(work->http->pool); /* the operation may exchange the database */
    return TRUE;
  }
  if (error_code(problem) == CCH_ERROR_LOCK_HELD)
    backup_http_explain_lock(work->request, &holder);
  g_propagate_error(error, g_steal_pointer(&problem));
  return FALSE;
}

void
http_work_release_lock(HttpWork *work)
{
  if (work->lock == NULL)
    return;
  g_clear_pointer(&work->lock, backup_lock_release);
  pg_pool_resume(work->http->pool);
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
  g_autoptr(json_t) json = backup_event_to_json(event);
  if (event->type != BACKUP_EVENT_PROGRESS) {
    json_decref(work->last_event);
    work->last_event = g_steal_pointer(&json);
    return;
  }
  g_autofree char *text = backup_event_json_text(json);
  gboolean is_message = event->message != NULL;
  running_report(work->running, text, is_message);
  if (work->queue != NULL && is_message)
    sse_queue_push_message(work->queue, g_steal_pointer(&text));
  else if (work->queue != NULL)
    sse_queue_push_progress(work->queue, g_steal_pointer(&text));
}

void
http_work_extend_last(HttpWork *work, const char *name, json_t *value)
{
  json_object_set_new(work->last_event, name, value);
}

/* Returns the last event's text. */
static char *
run_to_end(HttpWork *work, void (*run)(gpointer data), void (*release)(gpointer data), gpointer data)
{
  run(data);
  g_assert(work->last_event != NULL);
  if (release != NULL)
    release(data);
  http_work_release_lock(work);
  char *text = backup_event_json_text(work->last_event);
  running_end(g_steal_pointer(&work->running), text);
  return text;
}

void
http_work_run(HttpWork *work, void (*run)(gpointer data), void (*release)(gpointer data), gpointer data)
{
  work->running = running_begin(work->http->running, work->kind, NULL, http_request_who(work->request));
  g_free(run_to_end(work, run, release, data));
}

static gpointer
work_thread(gpointer user_data)
{
  HttpWork *work = user_data;
  sse_queue_push_message(work->queue, run_to_end(work, work->run, work->release, work->data));
  sse_queue_close(work->queue);
  return NULL;
}

HttpResponse *
http_work_start(HttpWork *work, void (*run)(gpointer data), void (*release)(gpointer data), gpointer data,
                GDestroyNotify free_data)
{
  work->run = run;
  work->release = release;
  work->data = data;
  work->queue = sse_queue_new();
  work->running = running_begin(work->http->running, work->kind, NULL, http_request_who(work->request));
  HttpResponse *response = http_response_events(sse_queue_ref(work->queue), data, free_data);
  http_response_set_header(response, "X-Operation-Id", running_id(work->running));
  work->thread = g_thread_new(work->kind, work_thread, work);
  return response;
}
