/* The operations that run in this process, for others who want to watch: a page that was loaded again, another
 * administrator, the page that started a download.
 *
 * An operation is begun, reports its newest state, and ends. A watcher gets the state that is newest when it comes,
 * then all that is reported, and at last the final event; one that comes soon after the end still gets that. Any number
 * may watch, and none slows the operation: a watcher that does not read loses old messages (http/loop/sse.h).
 * Thread-safe.
 */
#pragma once

#include "http/loop/sse.h"

#include <jansson.h>

#define RUNNING_MAX_ENDED 16 /* whose last event is remembered */

typedef struct Running Running;
typedef struct RunningOperation RunningOperation;

Running *running_new(void);
/* Everything must have ended. */
void running_free(Running *running);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Running, running_free)

/* `kind`: "export", "import", "preview", "undo". `id` NULL: a new one is made. */
RunningOperation *running_begin(Running *running, const char *kind, const char *id, const char *who);
const char *running_id(const RunningOperation *operation);
/* One line of JSON each. A message is sent to all watchers; of mere progress only the newest counts. */
void running_report(RunningOperation *operation, const char *json, gboolean is_message);
/* The last event; frees the operation. */
void running_end(RunningOperation *operation, const char *json);

/* The events of an operation, or of the one that runs (`id` NULL); NULL when there is none. */
SseQueue *running_watch(Running *running, const char *id);
/* [{id, operation, holder, since, progress: the newest event}] of all that run; `with_ended`: and of those that ended
 * and are remembered. */
json_t *running_describe(Running *running, gboolean with_ended);
