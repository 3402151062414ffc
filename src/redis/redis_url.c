#include "redis/redis_url.h"

#include "base/error.h"
#include "redis/redis.h"

#include <string.h>

enum { REDIS_DEFAULT_PORT = 6379, REDIS_URL_MAX_BYTES = 4096, REDIS_DATABASE_MAX_DIGITS = 9 };

static void
free_secret(char *secret)
{
  if (secret != NULL)
    explicit_bzero(secret, strlen(secret));
  g_free(secret);
}

void
redis_url_clear(RedisUrl *url)
{
  g_clear_pointer(&url->host, g_free);
  g_clear_pointer(&url->socket_path, g_free);
  g_clear_pointer(&url->user, g_free);
  g_clear_pointer(&url->password, free_secret);
  g_clear_pointer(&url->database, g_free);
}

static gboolean
set_database(RedisUrl *url, const char *digits, GError **error)
{
  gsize length = strlen(digits);
  if (length == 0)
    return TRUE;
  if (length > REDIS_DATABASE_MAX_DIGITS || strspn(digits, "0123456789") != length) {
    error_set(error, CCH_ERROR_CONFIG, "the Redis URL's database is not a number");
    return FALSE;
  }
  g_free(url->database);
  url->database = g_strdup(digits);
  return TRUE;
}

/* ?db=n; other parameters are options of other clients. */
static gboolean
read_query(RedisUrl *url, const char *query, GError **error)
{
  if (query == NULL)
    return TRUE;
  g_autoptr(GHashTable) parameters = g_uri_parse_params(query, -1, "&", G_URI_PARAMS_NONE, NULL);
  const char *database = parameters != NULL ? g_hash_table_lookup(parameters, "db") : NULL;
  return database == NULL || set_database(url, database, error);
}

static gboolean
read_tcp(RedisUrl *url, GUri *uri, GError **error)
{
  const char *host = g_uri_get_host(uri);
  url->host = g_strdup(host != NULL && *host != '\0' ? host : "localhost");
  int port = g_uri_get_port(uri);
  if (port == 0 || port > G_MAXUINT16) {
    error_set(error, CCH_ERROR_CONFIG, "the Redis URL's port is not between 1 and 65535");
    return FALSE;
  }
  url->port = port > 0 ? (guint16)port : REDIS_DEFAULT_PORT;
  const char *path = g_uri_get_path(uri);
  return set_database(url, *path == '/' ? path + 1 : path, error);
}

static gboolean
read_unix(RedisUrl *url, GUri *uri, GError **error)
{
  const char *host = g_uri_get_host(uri);
  if ((host != NULL && *host != '\0') || *g_uri_get_path(uri) != '/') {
    error_set(error, CCH_ERROR_CONFIG, "a Redis socket is written unix:///path");
    return FALSE;
  }
  url->socket_path = g_strdup(g_uri_get_path(uri));
  return TRUE;
}

static gboolean
read_uri(RedisUrl *url, GUri *uri, GError **error)
{
  const char *scheme = g_uri_get_scheme(uri);
  gboolean is_unix = strcmp(scheme, "unix") == 0;
  if (strcmp(scheme, "rediss") == 0) {
    error_set(error, CCH_ERROR_CONFIG, "rediss:// is not supported: there is no TLS to Redis");
    return FALSE;
  }
  if (!is_unix && strcmp(scheme, "redis") != 0) {
    error_set(error, CCH_ERROR_CONFIG, "the Redis URL starts neither with redis:// nor with unix://");
    return FALSE;
  }
  const char *user = g_uri_get_user(uri);
  const char *password = g_uri_get_password(uri);
  url->user = user != NULL && *user != '\0' ? g_strdup(user) : NULL;
  url->password = password != NULL && *password != '\0' ? g_strdup(password) : NULL;
  if (!(is_unix ? read_unix(url, uri, error) : read_tcp(url, uri, error)))
    return FALSE;
  return read_query(url, g_uri_get_query(uri), error);
}

gboolean
redis_url_parse(const char *url, RedisUrl *ret_url, GError **error)
{
  g_autoptr(GUri) uri = strlen(url) <= REDIS_URL_MAX_BYTES
                            ? g_uri_parse(url, G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_PARSE_RELAXED, NULL)
                            : NULL;
  if (uri == NULL) {
    error_set(error, CCH_ERROR_CONFIG, "the Redis URL is malformed");
    return FALSE;
  }
  g_auto(RedisUrl) parsed = {0};
  if (!read_uri(&parsed, uri, error))
    return FALSE;
  *ret_url = parsed;
  memset(&parsed, 0, sizeof parsed);
  return TRUE;
}

gboolean
redis_url_check(const char *url, GError **error)
{
  g_auto(RedisUrl) parsed = {0};
  return redis_url_parse(url, &parsed, error);
}
