#include "backup/http/running.h"

#include "base/random_id.h"
#include "http/handler.h"

#include <string.h>

struct RunningOperation {
  Running *running;
  char *id, *kind, *who;
  gint64 since_s;
  char *newest; /* JSON; NULL: nothing reported yet */
  gboolean is_ended;
  GPtrArray *watchers; /* of SseQueue */
};

struct Running {
  GMutex mutex;
  GPtrArray *operations; /* oldest first; includes operations that have ended */
};

static void
operation_free(gpointer data)
{
  RunningOperation *operation = data;
  g_ptr_array_unref(operation->watchers);
  g_free(operation->id);
  g_free(operation->kind);
  g_free(operation->who);
  g_free(operation->newest);
  g_free(operation);
}

Running *
running_new(void)
{
  Running *running = g_new0(Running, 1);
  g_mutex_init(&running->mutex);
  running->operations = g_ptr_array_new_with_free_func(operation_free);
  return running;
}

void
running_free(Running *running)
{
  if (running == NULL)
    return;
  g_ptr_array_unref(running->operations);
  g_mutex_clear(&running->mutex);
  g_free(running);
}

RunningOperation *
running_begin(Running *running, const char *kind, const char *id, const char *who)
{
  RunningOperation *operation = g_new0(RunningOperation, 1);
  operation->running = running;
  operation->id = id != NULL ? g_strdup(id) : random_id_new(16);
  operation->kind = g_strdup(kind);
  operation->who = g_strdup(who);
  operation->since_s = g_get_real_time() / G_USEC_PER_SEC;
  operation->watchers = g_ptr_array_new_with_free_func((GDestroyNotify)sse_queue_unref);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&running->mutex);
  g_ptr_array_add(running->operations, operation);
  return operation;
}

const char *
running_id(const RunningOperation *operation)
{
  return operation->id;
}

static void
push_event(SseQueue *watcher, const char *json, gboolean is_message)
{
  if (is_message)
    sse_queue_push_message(watcher, g_strdup(json));
  else
    sse_queue_push_progress(watcher, g_strdup(json));
}

void
running_report(RunningOperation *operation, const char *json, gboolean is_message)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&operation->running->mutex);
  g_free(operation->newest);
  operation->newest = g_strdup(json);
  for (guint i = 0; i < operation->watchers->len; i++)
    push_event(g_ptr_array_index(operation->watchers, i), json, is_message);
}

static void
forget_oldest_ended(Running *running)
{
  guint n_ended = 0, oldest = 0;
  for (guint i = running->operations->len; i-- > 0;) {
    const RunningOperation *operation = g_ptr_array_index(running->operations, i);
    n_ended += operation->is_ended ? 1 : 0;
    oldest = operation->is_ended ? i : oldest;
  }
  if (n_ended > RUNNING_MAX_ENDED)
    g_ptr_array_remove_index(running->operations, oldest);
}

void
running_end(RunningOperation *operation, const char *json)
{
  Running *running = operation->running;
  running_report(operation, json, TRUE);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&running->mutex);
  for (guint i = 0; i < operation->watchers->len; i++)
    sse_queue_close(g_ptr_array_index(operation->watchers, i));
  g_ptr_array_set_size(operation->watchers, 0);
  operation->is_ended = TRUE;
  forget_oldest_ended(running);
}

static RunningOperation *
find_operation(const Running *running, const char *id)
{
  for (guint i = running->operations->len; i-- > 0;) {
    RunningOperation *operation = g_ptr_array_index(running->operations, i);
    if (id != NULL ? strcmp(operation->id, id) == 0 : !operation->is_ended)
      return operation;
  }
  return NULL;
}

SseQueue *
running_watch(Running *running, const char *id)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&running->mutex);
  RunningOperation *operation = find_operation(running, id);
  if (operation == NULL)
    return NULL;
  SseQueue *queue = sse_queue_new();
  if (operation->newest != NULL)
    push_event(queue, operation->newest, TRUE);
  if (operation->is_ended)
    sse_queue_close(queue);
  else
    g_ptr_array_add(operation->watchers, sse_queue_ref(queue));
  return queue;
}

json_t *
running_upload(Running *running, const char *kind)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&running->mutex);
  for (guint i = 0; i < running->operations->len; i++) {
    const RunningOperation *operation = g_ptr_array_index(running->operations, i);
    if (operation->is_ended || strcmp(operation->kind, kind) != 0 || operation->newest == NULL)
      continue;
    g_autoptr(json_t) newest = json_loads(operation->newest, 0, NULL);
    json_t *upload = json_object_get(newest, "upload");
    if (upload != NULL)
      return json_incref(upload);
  }
  return NULL;
}

static json_t *
describe_operation(const RunningOperation *operation)
{
  g_autoptr(GDateTime) since = g_date_time_new_from_unix_utc(operation->since_s);
  g_autofree char *time = g_date_time_format_iso8601(since);
  json_t *progress = operation->newest != NULL ? json_loads(operation->newest, 0, NULL) : NULL;
  return json_pack("{s:s, s:s, s:o, s:s, s:o}", "id", operation->id, "operation", operation->kind, "holder",
                   http_json_text(operation->who), "since", time, "progress",
                   progress != NULL ? progress : json_null());
}

json_t *
running_describe(Running *running, gboolean with_ended)
{
  json_t *all = json_array();
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&running->mutex);
  for (guint i = 0; i < running->operations->len; i++) {
    const RunningOperation *operation = g_ptr_array_index(running->operations, i);
    if (with_ended || !operation->is_ended)
      json_array_append_new(all, describe_operation(operation));
  }
  return all;
}
