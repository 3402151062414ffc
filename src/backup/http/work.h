/* An operation over HTTP: holds the backup lock, runs on its own thread, and reports to the event stream of its
 * request and to watchers (running.h). The answer without a stream, and the last event, are sent when lock and files
 * are released: the client may then start the next operation. */
#pragma once

#include "backup/http/context.h"
#include "backup/report/event.h"

typedef struct HttpWork HttpWork;

/* `kind` is the kind for running_begin and the lock's operation. From now on the operation is cancelled if the
 * client closes its connection. */
HttpWork *http_work_new(HttpRequest *request, const BackupHttp *http, const char *kind);
/* Cancels, waits for the thread, and releases the lock. */
void http_work_free(HttpWork *work);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpWork, http_work_free)

HttpRequest *http_work_request(const HttpWork *work);
const BackupHttp *http_work_http(const HttpWork *work);
GCancellable *http_work_cancellable(const HttpWork *work);
BackupLock *http_work_lock(const HttpWork *work);

/* LOCK_HELD, with the explained answer. */
gboolean http_work_take_lock(HttpWork *work, GError **error);
void http_work_release_lock(HttpWork *work);
/* FALSE if the client has left, the service stops, or the lock was lost: CANCELLED, LOCK_LOST. */
gboolean http_work_check(const HttpWork *work, GError **error);

/* `run` does the work and reports through http_work_report, COMPLETE or ERROR last. `release` (may be NULL) then
 * frees its resources. Both run on the new thread in this order; then the lock is released and the last event sent.
 * Returns the event stream, which frees `data` by `free_data` at its end; if NULL, the caller frees it. */
HttpResponse *http_work_start(HttpWork *work, void (*run)(gpointer data), void (*release)(gpointer data), gpointer data,
                              GDestroyNotify free_data);
/* The same on this thread, without an event stream for the client; watchers get the events. */
void http_work_run(HttpWork *work, void (*run)(gpointer data), void (*release)(gpointer data), gpointer data);

/* The upload that the operation reads while it arrives; NULL: none, or no longer. Until then each event tells how much
 * of it is here. */
void http_work_follow(HttpWork *work, UploadHold *upload);
/* Reports that the operation waits for the upload, about once a second while it is said again; `user_data` is an
 * HttpWork. From any thread. */
void http_work_report_wait(gboolean is_waiting, gpointer user_data);

/* A BackupEventFunc; `user_data` is an HttpWork. */
void http_work_report(const BackupEvent *event, gpointer user_data);
/* Adds a member to the last event, which has been reported already; takes ownership of `value`. */
void http_work_extend_last(HttpWork *work, const char *name, json_t *value);
