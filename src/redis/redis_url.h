/* What a Redis URL says (redis.h has its forms). */
#pragma once

#include <glib.h>

typedef struct {
  char *host; /* without brackets; NULL for a Unix socket */
  guint16 port;
  char *socket_path; /* NULL for TCP */
  char *user;        /* NULL: the default user */
  char *password;    /* NULL: no login */
  char *database;    /* digits; NULL: 0 */
} RedisUrl;

/* CONFIG on a URL that is not understood; the error never repeats the URL, which may hold a password. */
gboolean redis_url_parse(const char *url, RedisUrl *ret_url, GError **error);
void redis_url_clear(RedisUrl *url);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RedisUrl, redis_url_clear)
