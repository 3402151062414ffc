/* A connection to Redis. Only this module uses hiredis (its protocol parser; socket and TLS are ours, so that every
 * timeout is a deadline).
 *
 * Opening, with name lookup, TLS, login and SELECT, takes at most 2 s, and so does each command; each Sentinel may
 * take 0.7 s more. REDIS_UNAVAILABLE means that no server is reachable: refused, no route, timeout, closed, unknown
 * name, no master. REDIS_REFUSED means that a server refuses: wrong password, no permission, replica, no memory,
 * untrusted certificate; the message has the server's words. After a failure only redis_connection_free may be
 * called; the caller opens another connection. Not thread-safe: one thread at a time. */
#pragma once

#include <glib.h>

typedef struct RedisConnection RedisConnection;
typedef struct redisReply RedisReply;

enum { REDIS_TIMEOUT_MS = 2000 };

/* One of
 *
 *   redis://[[user]:password@]host[:port][/db]
 *   rediss://…                                      the same over TLS
 *   redis+sentinel://[user:password@]host[:port][,host[:port]…]/master[/db]
 *   rediss+sentinel://…                             TLS to the Sentinels and to the server
 *   unix:///path[?db=n]
 *
 * Percent-encoding is decoded, an IPv6 host stands in brackets. Parameters: db, tls_ca_file (a file of certificate
 * authorities instead of the system's), tls_verify=no (any certificate will do), sentinel_user and sentinel_password;
 * others are other clients'. Through Sentinels each opening asks for the master anew. CONFIG for anything else. */
RedisConnection *redis_connection_open(const char *url, GError **error);
void redis_connection_free(RedisConnection *connection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RedisConnection, redis_connection_free)

/* CONFIG for a URL that redis_connection_open would not accept, or if its file is missing; does not connect. */
gboolean redis_url_check(const char *url, GError **error);

/* Runs a command of `argc` NUL-terminated arguments; an error reply is an error. Free with redis_reply_free. */
RedisReply *redis_command(RedisConnection *connection, GError **error, guint argc, ...);
RedisReply *redis_commandv(RedisConnection *connection, GError **error, guint argc, const char *const *argv);
void redis_reply_free(RedisReply *reply);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RedisReply, redis_reply_free)

/* NULL for nil, or if it is not a string. Owned by the reply. */
const char *redis_reply_string(const RedisReply *reply);
gint64 redis_reply_integer(const RedisReply *reply);

/* The length of an array, 0 for anything else; the elements are owned by the reply. */
guint redis_reply_length(const RedisReply *reply);
const RedisReply *redis_reply_element(const RedisReply *reply, guint index);
