/* The operations of this process, for other watchers: a page that was loaded again, another administrator, the page
 * that started a download.
 *
 * An operation begins, reports its newest state, and ends. A watcher gets the newest state first, then all reports,
 * and finally the last event. A watcher that comes shortly after the end still gets the last event. Any number may
 * watch. None slows the operation: a watcher that does not read loses old messages (http/loop/sse.h). Thread-safe.
 */
#pragma once

#include "http/loop/sse.h"

#include <jansson.h>

#define RUNNING_MAX_ENDED 16 /* ended operations whose last event is kept */

typedef struct Running Running;
typedef struct RunningOperation RunningOperation;

Running *running_new(void);
/* All operations must have ended. */
void running_free(Running *running);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Running, running_free)

/* `kind`: "export", "import", "preview", "undo". `id` NULL: a new one is generated. */
RunningOperation *running_begin(Running *running, const char *kind, const char *id, const char *who);
const char *running_id(const RunningOperation *operation);
/* Reports one line of JSON. Messages are sent to all watchers; of mere progress only the newest counts. */
void running_report(RunningOperation *operation, const char *json, gboolean is_message);
/* Reports the last event and frees the operation. */
void running_end(RunningOperation *operation, const char *json);

/* The events of an operation, or of the running one (`id` NULL); NULL if there is none. */
SseQueue *running_watch(Running *running, const char *id);
/* The upload that a running operation of this kind follows, as in its newest event; NULL: none. */
json_t *running_upload(Running *running, const char *kind);
/* [{id, operation, holder, since, progress: the newest event}] of all running operations; `with_ended`: also of
 * remembered ones that have ended. */
json_t *running_describe(Running *running, gboolean with_ended);
