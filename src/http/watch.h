/* Watches connections from a thread of its own, because their threads are busy (waiting for pg_dump, writing a file) or
 * blocked (a client that reads nothing): notices a client that went away, and ends connections that are too slow.
 *
 * libmicrohttpd has one timeout, which restarts with every byte; this is what bounds a client that sends a byte a
 * minute. */
#pragma once

#include <gio/gio.h>

typedef struct HttpWatch HttpWatch;
typedef struct HttpWatched HttpWatched; /* one connection */

HttpWatch *http_watch_new(void);
void http_watch_free(HttpWatch *watch); /* no connection may be left */

/* `fd` must be open until remove returns. */
HttpWatched *http_watch_add(HttpWatch *watch, int fd);
void http_watch_remove(HttpWatched *watched);

/* Runs on the watch's thread, before the connection is shut down for reading; must not block or call the watch. */
typedef void (*HttpWatchExpired)(gpointer user_data);

/* From now on the connection must not take longer than `timeout_ms` (0: as long as it likes). Then `expired` (may be
 * NULL) is called and the socket shut down. Replaces the last deadline; when this returns, that one cannot expire any
 * more. */
void http_watched_set_deadline(HttpWatched *watched, guint timeout_ms, HttpWatchExpired expired, gpointer user_data);

/* Cancels when the client closes its connection, and shuts the socket down, so that its thread wakes up. NULL: not any
 * more. */
void http_watched_set_client_gone(HttpWatched *watched, GCancellable *cancellable);
