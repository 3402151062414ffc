/* Cancellable waiting, and periodic work on its own thread. */
#pragma once

#include <gio/gio.h>

/* Sleeps `ms` milliseconds; FALSE with CANCELLED when `cancellable` (may be NULL) is cancelled. */
gboolean sleep_ms(guint ms, GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct PeriodicThread PeriodicThread;

/* Runs on the thread. `stopping` is cancelled when the thread should end. */
typedef void (*PeriodicFunc)(gpointer data, GCancellable *stopping);

/* Calls `work` at once, and again `interval_s` seconds after each call's end. */
PeriodicThread *periodic_thread_start(const char *name, guint interval_s, PeriodicFunc work, gpointer data);
/* Has `work` called now, or once more after the call that is running. From any thread. */
void periodic_thread_wake(PeriodicThread *thread);
/* Cancels, waits for the thread, and frees; NULL is ignored. */
void periodic_thread_stop(PeriodicThread *thread);
