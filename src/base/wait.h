/* Waiting that can be cancelled, and work that is repeated on a thread of its own. */
#pragma once

#include <gio/gio.h>

/* Sleeps `ms` milliseconds; FALSE with CANCELLED as soon as `cancellable` (may be NULL) is cancelled. */
gboolean sleep_ms(guint ms, GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct PeriodicThread PeriodicThread;

/* Runs on the thread. `stopping` is cancelled when the thread is to end. */
typedef void (*PeriodicFunc)(gpointer data, GCancellable *stopping);

/* Calls `work` at once and again `interval_s` seconds after each call's end. */
PeriodicThread *periodic_thread_start(const char *name, guint interval_s, PeriodicFunc work, gpointer data);
/* Cancels, waits for the thread, and frees; NULL is ignored. */
void periodic_thread_stop(PeriodicThread *thread);
