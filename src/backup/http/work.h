/* An operation over HTTP: under the backup lock, on a thread of its own, reporting to the event stream of the request
 * that started it and to whoever watches (running.h). The answer before the stream, and the last event, come when lock
 * and files are gone: who sees them may start the next operation. */
#pragma once

#include "backup/http/context.h"
#include "backup/report/event.h"

typedef struct HttpWork HttpWork;

/* `kind` as for running_begin, and the lock's name for the operation. From now on the client's connection is watched:
 * when it closes, the operation is cancelled. */
HttpWork *http_work_new(HttpRequest *request, const BackupHttp *http, const char *kind);
/* Cancels, waits for the thread, releases the lock. */
void http_work_free(HttpWork *work);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpWork, http_work_free)

HttpRequest *http_work_request(const HttpWork *work);
const BackupHttp *http_work_http(const HttpWork *work);
GCancellable *http_work_cancellable(const HttpWork *work);
BackupLock *http_work_lock(const HttpWork *work);

/* LOCK_HELD, with the answer explained. */
gboolean http_work_take_lock(HttpWork *work, GError **error);
void http_work_release_lock(HttpWork *work);
/* FALSE when the client went away, the service stops, or the lock was lost: CANCELLED, LOCK_LOST. */
gboolean http_work_check(const HttpWork *work, GError **error);

/* `run` does the work and reports by http_work_report, COMPLETE or ERROR last; `release` (may be NULL) then lets go of
 * what it used. Both run on the new thread, in this order, then the lock goes and the last event is sent. Returns the
 * event stream, which frees `data` by `free_data` at its end; NULL: somebody else does. */
HttpResponse *http_work_start(HttpWork *work, void (*run)(gpointer data), void (*release)(gpointer data), gpointer data,
                              GDestroyNotify free_data);
/* As above on this thread, without an event stream for the client; whoever watches gets one. */
void http_work_run(HttpWork *work, void (*run)(gpointer data), void (*release)(gpointer data), gpointer data);

/* A BackupEventFunc; `user_data` is an HttpWork. */
void http_work_report(const BackupEvent *event, gpointer user_data);
/* Adds a member to the last event, which has been reported; `value` is stolen. */
void http_work_extend_last(HttpWork *work, const char *name, json_t *value);
