#include "backup/http/work.h"

#include "backup/report/event_json.h"
#include "base/error.h"

#define WAIT_EVENT_US G_USEC_PER_SEC

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

  GMutex mutex;       /* guards the members below */
  UploadHold *upload; /* that the operation follows; NULL: none */
  gboolean is_waiting;
  gint64 told_us; /* when an event told of the upload */
  json_t *newest; /* event; NULL: none */
};

HttpWork *
http_work_new(HttpRequest *request, const BackupHttp *http, const char *kind)
{
  HttpWork *work = g_new0(HttpWork, 1);
  work->request = request;
  work->http = http;
  work->kind = kind;
  work->cancellable = g_object_ref(http_request_cancellable(request));
  g_mutex_init(&work->mutex);
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
  json_decref(work->newest);
  g_mutex_clear(&work->mutex);
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
    backup_http_explain_lock(work->request, work->http, &holder);
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
http_work_follow(HttpWork *work, UploadHold *upload)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&work->mutex);
  work->upload = upload;
}

/* Called with the mutex held. */
static void
add_upload(HttpWork *work, json_t *event)
{
  if (work->upload == NULL)
    return;
  g_autoptr(UploadInfo) info = upload_info(work->upload);
  json_object_set_new(event, "upload",
                      json_pack("{s:I, s:I, s:b}", "bytes", (json_int_t)info->offset, "bytesTotal",
                                (json_int_t)info->length, "isWaiting", work->is_waiting));
  work->told_us = g_get_monotonic_time();
}

static void
send_event(HttpWork *work, const json_t *event, gboolean is_message)
{
  g_autofree char *text = backup_event_json_text(event);
  running_report(work->running, text, is_message);
  if (work->queue != NULL && is_message)
    sse_queue_push_message(work->queue, g_steal_pointer(&text));
  else if (work->queue != NULL)
    sse_queue_push_progress(work->queue, g_steal_pointer(&text));
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
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&work->mutex);
  json_decref(work->newest);
  work->newest = json_incref(json);
  add_upload(work, json);
  send_event(work, json, event->message != NULL);
}

/* The newest event again, with the upload as it is now. */
void
http_work_report_wait(gboolean is_waiting, gpointer user_data)
{
  HttpWork *work = user_data;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&work->mutex);
  gboolean is_due = is_waiting != work->is_waiting || g_get_monotonic_time() - work->told_us >= WAIT_EVENT_US;
  work->is_waiting = is_waiting;
  if (!is_due || work->newest == NULL)
    return;
  g_autoptr(json_t) json = json_copy(work->newest);
  json_object_set_new(json, "message", json_string(""));
  json_object_del(json, "warning");
  add_upload(work, json);
  send_event(work, json, FALSE);
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
