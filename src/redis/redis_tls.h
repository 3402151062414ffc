/* TLS over a socket to Redis, with OpenSSL; every wait ends at a deadline (a monotonic time in µs). TLS 1.2 or
 * newer. The certificate must be valid for the host's name or address, which is also sent as SNI. */
#pragma once

#include "redis/redis_url.h"

typedef struct RedisTls RedisTls;

/* Performs the handshake. REDIS_UNAVAILABLE if the peer is gone; REDIS_REFUSED for an untrusted certificate, or a
 * peer without TLS. The socket belongs to the caller and must outlive the result. */
RedisTls *redis_tls_open(int fd, const RedisUrl *url, const char *host, gint64 deadline_us, GError **error);
void redis_tls_free(RedisTls *tls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RedisTls, redis_tls_free)

/* As redis_socket_send and redis_socket_receive. */
gboolean redis_tls_send(RedisTls *tls, const char *data, gsize size, gint64 deadline_us, GError **error);
gsize redis_tls_receive(RedisTls *tls, char *buffer, gsize size, gint64 deadline_us, GError **error);
