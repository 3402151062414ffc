/* A connection to Redis: the only module that knows hiredis. Every call has a timeout (2 s); after an error the connection
 * is closed and the caller opens another. REDIS_UNAVAILABLE for everything that fails. */
#pragma once

#include <glib.h>

typedef struct RedisConnection RedisConnection;
typedef struct redisReply RedisReply;

/* redis://[user:password@]host[:port][/db], unix:///path[?db=n]; percent-encoding is decoded. Names that only TLS could
 * reach (rediss://) are a CONFIG error: this build has no TLS to Redis. */
RedisConnection *redis_connection_open(const char *url, GError **error);
void redis_connection_free(RedisConnection *connection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RedisConnection, redis_connection_free)

/* One command from `argc` NUL-terminated arguments; an error reply is an error. Free with redis_reply_free. */
RedisReply *redis_command(RedisConnection *connection, GError **error, guint argc, ...);
void redis_reply_free(RedisReply *reply);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RedisReply, redis_reply_free)

/* NULL when nil. Owned by the reply. */
const char *redis_reply_string(const RedisReply *reply);
gint64 redis_reply_integer(const RedisReply *reply);
