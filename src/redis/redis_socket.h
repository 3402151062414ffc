/* The socket under a Redis connection: non-blocking, and every wait ends at a deadline. */
#pragma once

#include "redis/redis_url.h"

/* Connects to the first of the host's addresses that answers. `deadline_us` is a monotonic time, of the name lookup
 * too. -1 with REDIS_UNAVAILABLE. */
int redis_socket_connect(const RedisUrl *url, gint64 deadline_us, GError **error);

/* Sends all of it. */
gboolean redis_socket_send(int fd, const char *data, gsize size, gint64 deadline_us, GError **error);

/* Receives at least one byte; 0 on failure, the end of the stream included. */
gsize redis_socket_receive(int fd, char *buffer, gsize size, gint64 deadline_us, GError **error);
