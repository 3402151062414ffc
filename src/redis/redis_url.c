#include "redis/redis_url.h"

#include "base/error.h"
#include "redis/redis.h"

#include <string.h>

enum { DEFAULT_PORT = 6379, SENTINEL_PORT = 26379, MAX_BYTES = 4096, MAX_DATABASE_DIGITS = 9, MAX_SENTINELS = 16 };

/* Does not say which part is wrong, because that part may be the password. */
#define URL_HINT                                                                                                       \
  "the Redis URL is malformed: a user name or password writes @ as %40, % as %25, / as %2F, : as %3A, ? as %3F and "   \
  "# as %23, and a port is a number"

static gboolean
fail(GError **error, const char *message)
{
  error_set(error, CCH_ERROR_CONFIG, "%s", message);
  return FALSE;
}

static void
free_secret(char *secret)
{
  if (secret != NULL)
    explicit_bzero(secret, strlen(secret));
  g_free(secret);
}

static void
clear_address(gpointer address)
{
  g_clear_pointer(&((RedisAddress *)address)->host, g_free);
}

void
redis_url_clear(RedisUrl *url)
{
  clear_address(&url->address);
  g_clear_pointer(&url->socket_path, g_free);
  g_clear_pointer(&url->sentinels, g_array_unref);
  g_clear_pointer(&url->master_name, g_free);
  g_clear_pointer(&url->user, g_free);
  g_clear_pointer(&url->password, free_secret);
  g_clear_pointer(&url->sentinel_user, g_free);
  g_clear_pointer(&url->sentinel_password, free_secret);
  g_clear_pointer(&url->database, g_free);
  g_clear_pointer(&url->ca_file, g_free);
}

/* NULL on a '%' that does not begin an encoded byte, and on an encoded NUL. */
static char *
decode(const char *text, gsize size)
{
  g_autofree char *part = g_strndup(text, size);
  return g_uri_unescape_string(part, NULL);
}

/* Sets a field unless the value is empty. */
static gboolean
set_decoded(char **field, const char *text, gsize size, GError **error)
{
  if (size == 0)
    return TRUE;
  char *decoded = decode(text, size);
  if (decoded == NULL)
    return fail(error, URL_HINT);
  g_free(*field);
  *field = decoded;
  return TRUE;
}

static gboolean
set_database(RedisUrl *url, const char *digits, GError **error)
{
  gsize length = strlen(digits);
  if (length == 0)
    return TRUE;
  if (length > MAX_DATABASE_DIGITS || strspn(digits, "0123456789") != length)
    return fail(error, "the Redis URL's database is not a number");
  g_free(url->database);
  url->database = g_strdup(digits);
  return TRUE;
}

/* "user:password"; either may be missing. */
static gboolean
read_user(RedisUrl *url, const char *text, gsize size, GError **error)
{
  const char *colon = memchr(text, ':', size);
  gsize user_size = colon != NULL ? (gsize)(colon - text) : size;
  return set_decoded(&url->user, text, user_size, error) &&
         (colon == NULL || set_decoded(&url->password, colon + 1, size - user_size - 1, error));
}

/* "host:port" or "[::1]:port". */
static gboolean
read_address(RedisAddress *address, const char *text, guint16 default_port, GError **error)
{
  gboolean is_bracketed = *text == '[';
  gsize size = is_bracketed ? strcspn(text, "]") : strcspn(text, ":");
  const char *behind = text + size + (is_bracketed && text[size] == ']');
  g_autofree char *host = decode(text + is_bracketed, size - is_bracketed);
  if (host == NULL || (is_bracketed && text[size] != ']') || (*behind != '\0' && *behind != ':'))
    return fail(error, URL_HINT);
  guint64 port = default_port;
  if (*behind == ':' && !g_ascii_string_to_unsigned(behind + 1, 10, 1, G_MAXUINT16, &port, NULL))
    return fail(error, URL_HINT);
  address->host = *host != '\0' ? g_steal_pointer(&host) : g_strdup("localhost");
  address->port = (guint16)port;
  return TRUE;
}

/* "host:port,host:port/master/db". */
static gboolean
read_sentinels(RedisUrl *url, const char *hosts, const char *path, GError **error)
{
  url->sentinels = g_array_new(FALSE, TRUE, sizeof(RedisAddress));
  g_array_set_clear_func(url->sentinels, clear_address);
  g_auto(GStrv) names = g_strsplit(hosts, ",", -1);
  for (char **name = names; *name != NULL; name++) {
    RedisAddress address = {0};
    if (url->sentinels->len == MAX_SENTINELS || !read_address(&address, *name, SENTINEL_PORT, error))
      return url->sentinels->len < MAX_SENTINELS ? FALSE : fail(error, "the Redis URL names too many Sentinels");
    g_array_append_val(url->sentinels, address);
  }
  g_auto(GStrv) parts = g_strsplit(*path == '/' ? path + 1 : path, "/", -1);
  guint n = g_strv_length(parts);
  if (n == 0 || *parts[0] == '\0' || n > 2 || url->sentinels->len == 0)
    return fail(error, "Sentinels are written redis+sentinel://host:port,host:port/name-of-the-master/database");
  return set_decoded(&url->master_name, parts[0], strlen(parts[0]), error) &&
         (n == 1 || set_database(url, parts[1], error));
}

/* "tls" alone asks for it, too, as to other clients. */
static gboolean
asks_for_tls(const char *value)
{
  static const char *const off[] = {"false", "0", "no", "off"};
  for (gsize i = 0; i < G_N_ELEMENTS(off); i++)
    if (g_ascii_strcasecmp(value, off[i]) == 0)
      return FALSE;
  return TRUE;
}

/* Unknown parameters are options of other clients; those about TLS must not be passed over. */
static gboolean
read_query(RedisUrl *url, const char *query, GError **error)
{
  g_auto(GStrv) parameters = g_strsplit(query, "&", -1);
  for (char **parameter = parameters; *parameter != NULL; parameter++) {
    char *equals = strchr(*parameter, '=');
    if (equals != NULL)
      *equals = '\0';
    const char *name = *parameter, *value = equals != NULL ? equals + 1 : "";
    gboolean ok = TRUE;
    if (strcmp(name, "tls") == 0 || strcmp(name, "ssl") == 0)
      url->is_tls |= asks_for_tls(value);
    else if (equals == NULL)
      continue;
    else if (strcmp(name, "db") == 0)
      ok = set_database(url, value, error);
    else if (strcmp(name, "ssl_cert_reqs") == 0)
      url->is_unverified = g_ascii_strcasecmp(value, "none") == 0;
    else if (strcmp(name, "tls_ca_file") == 0 || strcmp(name, "ssl_ca_certs") == 0)
      ok = set_decoded(&url->ca_file, value, strlen(value), error);
    else if (strcmp(name, "sentinel_user") == 0)
      ok = set_decoded(&url->sentinel_user, value, strlen(value), error);
    else if (strcmp(name, "sentinel_password") == 0)
      ok = set_decoded(&url->sentinel_password, value, strlen(value), error);
    else if (strcmp(name, "tls_verify") == 0)
      url->is_unverified = strcmp(value, "no") == 0;
    if (!ok)
      return FALSE;
  }
  return TRUE;
}

typedef enum { KIND_TCP, KIND_UNIX, KIND_SENTINELS } UrlKind;

/* The part after "scheme://", or NULL. */
static const char *
read_scheme(RedisUrl *url, const char *text, UrlKind *ret_kind)
{
  static const struct {
    const char *scheme;
    UrlKind kind;
    gboolean is_tls;
  } schemes[] = {
      {"redis://", KIND_TCP, FALSE},
      {"rediss://", KIND_TCP, TRUE},
      {"valkey://", KIND_TCP, FALSE},
      {"valkeys://", KIND_TCP, TRUE},
      {"unix://", KIND_UNIX, FALSE},
      {"redis+unix://", KIND_UNIX, FALSE},
      {"redis+socket://", KIND_UNIX, FALSE},
      {"redis-socket://", KIND_UNIX, FALSE},
      {"redis+sentinel://", KIND_SENTINELS, FALSE},
      {"rediss+sentinel://", KIND_SENTINELS, TRUE},
      {"redis-sentinel://", KIND_SENTINELS, FALSE},
      {"rediss-sentinel://", KIND_SENTINELS, TRUE},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++)
    if (g_ascii_strncasecmp(text, schemes[i].scheme, strlen(schemes[i].scheme)) == 0) {
      *ret_kind = schemes[i].kind;
      url->is_tls = schemes[i].is_tls;
      return text + strlen(schemes[i].scheme);
    }
  return NULL;
}

static gboolean
read_url(RedisUrl *url, const char *text, GError **error)
{
  UrlKind kind = KIND_TCP;
  const char *authority = read_scheme(url, text, &kind);
  if (authority == NULL)
    return fail(error, "the Redis URL starts with none of redis://, rediss://, redis+sentinel://, rediss+sentinel:// "
                       "and unix://");
  gsize size = strcspn(authority, "/?#");
  /* The last '@' ends the password, as in the hub's client; one after the hosts was meant to. */
  const char *at = g_strrstr_len(authority, (gssize)size, "@");
  if (strchr(authority + size, '#') != NULL || strchr(authority + size, '@') != NULL)
    return fail(error, URL_HINT);
  if (at != NULL && !read_user(url, authority, (gsize)(at - authority), error))
    return FALSE;
  const char *hosts_start = at != NULL ? at + 1 : authority;
  g_autofree char *hosts = g_strndup(hosts_start, (gsize)(authority + size - hosts_start));
  gsize path_size = strcspn(authority + size, "?");
  g_autofree char *path = g_strndup(authority + size, path_size);
  const char *query = authority + size + path_size;
  switch (kind) {
  case KIND_UNIX:
    if (*hosts != '\0' || *path != '/')
      return fail(error, "a Redis socket is written unix:///path");
    if (!set_decoded(&url->socket_path, path, path_size, error))
      return FALSE;
    break;
  case KIND_SENTINELS:
    if (!read_sentinels(url, hosts, path, error))
      return FALSE;
    break;
  case KIND_TCP:
  default:
    if (!read_address(&url->address, hosts, DEFAULT_PORT, error) ||
        !set_database(url, *path == '/' ? path + 1 : path, error))
      return FALSE;
  }
  if (*query == '?' && !read_query(url, query + 1, error))
    return FALSE;
  if (kind == KIND_UNIX)
    url->is_tls = FALSE; /* a socket has no TLS */
  return TRUE;
}

gboolean
redis_url_parse(const char *url, RedisUrl *ret_url, GError **error)
{
  if (strlen(url) > MAX_BYTES)
    return fail(error, "the Redis URL is too long");
  g_autofree char *stripped = g_strstrip(g_strdup(url));
  gsize size = strlen(stripped);
  gboolean is_quoted = size >= 2 && strchr("'\"", *stripped) != NULL && stripped[size - 1] == *stripped;
  g_autofree char *unquoted = is_quoted ? g_strndup(stripped + 1, size - 2) : g_strdup(stripped);
  /* A path alone is a socket, as for the hub's client. */
  g_autofree char *bare = *unquoted == '/' ? g_strconcat("unix://", unquoted, NULL) : g_strdup(unquoted);
  g_auto(RedisUrl) parsed = {0};
  if (!read_url(&parsed, bare, error))
    return FALSE;
  *ret_url = parsed;
  memset(&parsed, 0, sizeof parsed);
  return TRUE;
}

gboolean
redis_url_check(const char *url, GError **error)
{
  g_auto(RedisUrl) parsed = {0};
  if (!redis_url_parse(url, &parsed, error))
    return FALSE;
  if (parsed.ca_file == NULL || g_file_test(parsed.ca_file, G_FILE_TEST_IS_REGULAR))
    return TRUE;
  error_set(error, CCH_ERROR_CONFIG, "the file of Redis's certificate authority is not there: %s", parsed.ca_file);
  return FALSE;
}
