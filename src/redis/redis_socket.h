/* The socket under a Redis connection: non-blocking, and every wait ends at a deadline. */
#pragma once

#include <glib.h>

/* Connects to the first of the host's addresses that answers. `deadline_us` is a monotonic time, of the name lookup
 * too. -1 with REDIS_UNAVAILABLE, or REDIS_REFUSED where the socket's file may not be opened. */
int redis_socket_connect(const char *host, guint16 port, gint64 deadline_us, GError **error);
int redis_socket_connect_path(const char *path, gint64 deadline_us, GError **error);

/* Waits for poll(2)'s events; FALSE at the deadline. */
gboolean redis_socket_wait(int fd, short events, gint64 deadline_us, GError **error);

/* Sends all of it. */
gboolean redis_socket_send(int fd, const char *data, gsize size, gint64 deadline_us, GError **error);

/* Receives at least one byte; 0 on failure, the end of the stream included. */
gsize redis_socket_receive(int fd, char *buffer, gsize size, gint64 deadline_us, GError **error);
