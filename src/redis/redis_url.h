/* The parts of a Redis URL (redis.h has its forms). */
#pragma once

#include <glib.h>

typedef struct {
  char *host; /* without brackets */
  guint16 port;
} RedisAddress;

typedef struct {
  RedisAddress address;  /* host NULL: a Unix socket, or Sentinels */
  char *socket_path;     /* NULL for TCP */
  GArray *sentinels;     /* of RedisAddress; NULL: none */
  char *master_name;     /* the Sentinels' name for it */
  char *user, *password; /* NULL: the default user, no login */
  char *sentinel_user, *sentinel_password;
  char *database; /* digits; NULL: 0 */
  gboolean is_tls, is_unverified;
  char *ca_file; /* NULL: the system's authorities */
} RedisUrl;

/* CONFIG for a URL that cannot be parsed; the error never repeats the URL, which may contain a password. */
gboolean redis_url_parse(const char *url, RedisUrl *ret_url, GError **error);
void redis_url_clear(RedisUrl *url);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RedisUrl, redis_url_clear)
