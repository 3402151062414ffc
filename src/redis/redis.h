/* A connection to Redis: the only module that knows hiredis (its protocol parser; the socket is ours, so that every
 * timeout is a deadline).
 *
 * Opening, with name lookup, login and SELECT, takes at most 2 s, and so does each command. REDIS_UNAVAILABLE for
 * everything that fails. After a failure only redis_connection_free may be called; the caller opens another connection.
 * Not thread-safe: one thread at a time. */
#pragma once

#include <glib.h>

typedef struct RedisConnection RedisConnection;
typedef struct redisReply RedisReply;

enum { REDIS_TIMEOUT_MS = 2000 };

/* redis://[[user]:password@]host[:port][/db], unix:///path[?db=n]; percent-encoding is decoded, an IPv6 host stands in
 * brackets. CONFIG for anything else; rediss:// too, as this build has no TLS to Redis. */
RedisConnection *redis_connection_open(const char *url, GError **error);
void redis_connection_free(RedisConnection *connection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RedisConnection, redis_connection_free)

/* CONFIG on a URL that redis_connection_open would not accept; connects to nothing. */
gboolean redis_url_check(const char *url, GError **error);

/* One command from `argc` NUL-terminated arguments; an error reply is an error. Free with redis_reply_free. */
RedisReply *redis_command(RedisConnection *connection, GError **error, guint argc, ...);
RedisReply *redis_commandv(RedisConnection *connection, GError **error, guint argc, const char *const *argv);
void redis_reply_free(RedisReply *reply);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RedisReply, redis_reply_free)

/* NULL when nil, or no string. Owned by the reply. */
const char *redis_reply_string(const RedisReply *reply);
gint64 redis_reply_integer(const RedisReply *reply);

/* Of an array, 0 for anything else; the elements are owned by the reply. */
guint redis_reply_length(const RedisReply *reply);
const RedisReply *redis_reply_element(const RedisReply *reply, guint index);
