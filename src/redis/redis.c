#include "redis/redis.h"

#include "base/error.h"
#include "redis/redis_socket.h"
#include "redis/redis_tls.h"
#include "redis/redis_url.h"

#include <gio/gio.h>
#include <hiredis/hiredis.h>
#include <string.h>
#include <unistd.h>

enum {
  REPLY_MAX_BYTES = 16 * 1024 * 1024,
  COMMAND_MAX_ARGUMENTS = 4096,
  SENTINEL_TIMEOUT_MS = 700 /* per Sentinel, so that one that hangs leaves time for the next */
};

struct RedisConnection {
  int fd;
  RedisTls *tls; /* NULL: the socket's bytes are the protocol's */
  redisReader *reader;
};

static gint64
deadline_in(guint timeout_ms)
{
  return g_get_monotonic_time() + timeout_ms * G_TIME_SPAN_MILLISECOND;
}

static gboolean
send_command(RedisConnection *connection, guint argc, const char *const *argv, gint64 deadline_us, GError **error)
{
  char *formatted = NULL;
  /* hiredis takes `const char **` but does not write to it; NULL lengths mean strlen. */
  long long size = redisFormatCommandArgv(&formatted, (int)argc, (const char **)argv, NULL);
  if (size < 0) {
    error_set(error, CCH_ERROR_INTERNAL, "out of memory");
    return FALSE;
  }
  gboolean ok = connection->tls != NULL ? redis_tls_send(connection->tls, formatted, (gsize)size, deadline_us, error)
                                        : redis_socket_send(connection->fd, formatted, (gsize)size, deadline_us, error);
  explicit_bzero(formatted, (gsize)size); /* may be AUTH */
  redisFreeCommand(formatted);
  return ok;
}

static RedisReply *
receive_reply(RedisConnection *connection, gint64 deadline_us, GError **error)
{
  gsize n_received = 0;
  for (;;) {
    void *reply = NULL;
    if (redisReaderGetReply(connection->reader, &reply) != REDIS_OK) {
      error_set(error, CCH_ERROR_REDIS_REFUSED, "no Redis answers there: %s", connection->reader->errstr);
      return NULL;
    }
    if (reply != NULL)
      return reply;
    if (n_received > REPLY_MAX_BYTES) {
      error_set(error, CCH_ERROR_REDIS_REFUSED, "Redis protocol: the reply is too large");
      return NULL;
    }
    char buffer[16 * 1024];
    gsize n = connection->tls != NULL ? redis_tls_receive(connection->tls, buffer, sizeof buffer, deadline_us, error)
                                      : redis_socket_receive(connection->fd, buffer, sizeof buffer, deadline_us, error);
    if (n == 0)
      return NULL;
    n_received += n;
    redisReaderFeed(connection->reader, buffer, n); /* a failure shows in redisReaderGetReply */
  }
}

static RedisReply *
run_command(RedisConnection *connection, guint argc, const char *const *argv, gint64 deadline_us, GError **error)
{
  if (!send_command(connection, argc, argv, deadline_us, error))
    return NULL;
  g_autoptr(RedisReply) reply = receive_reply(connection, deadline_us, error);
  if (reply == NULL)
    return NULL;
  if (reply->type == REDIS_REPLY_ERROR) {
    error_set(error, CCH_ERROR_REDIS_REFUSED, "Redis: %s", reply->str);
    return NULL;
  }
  return g_steal_pointer(&reply);
}

/* Shows only the code of a refusal: a server without AUTH repeats its arguments. */
static gboolean
log_in(RedisConnection *connection, const char *user, const char *password, gint64 deadline_us, GError **error)
{
  if (password == NULL)
    return TRUE;
  const char *with_user[] = {"AUTH", user, password};
  const char *without_user[] = {"AUTH", password};
  if (!(user != NULL ? send_command(connection, 3, with_user, deadline_us, error)
                     : send_command(connection, 2, without_user, deadline_us, error)))
    return FALSE;
  g_autoptr(RedisReply) reply = receive_reply(connection, deadline_us, error);
  if (reply == NULL)
    return FALSE;
  if (reply->type != REDIS_REPLY_ERROR)
    return TRUE;
  error_set(error, CCH_ERROR_REDIS_REFUSED, "Redis refused the login (%.*s): check user and password of the Redis URL",
            (int)MIN(strcspn(reply->str, " "), 32), reply->str);
  return FALSE;
}

/* Every connection begins in database 0, and an ACL may forbid SELECT. */
static gboolean
select_database(RedisConnection *connection, const RedisUrl *url, gint64 deadline_us, GError **error)
{
  if (url->database == NULL || strspn(url->database, "0") == strlen(url->database))
    return TRUE;
  const char *argv[] = {"SELECT", url->database};
  g_autoptr(RedisReply) reply = run_command(connection, 2, argv, deadline_us, error);
  return reply != NULL;
}

/* Opens a socket, with TLS if the URL says so. `address` is NULL for a Unix socket. */
static RedisConnection *
connect_to(const RedisUrl *url, const RedisAddress *address, gint64 deadline_us, GError **error)
{
  g_autoptr(RedisConnection) connection = g_new0(RedisConnection, 1);
  connection->reader = redisReaderCreate();
  connection->fd = address != NULL ? redis_socket_connect(address->host, address->port, deadline_us, error)
                                   : redis_socket_connect_path(url->socket_path, deadline_us, error);
  if (connection->fd < 0)
    return NULL;
  if (url->is_tls) {
    connection->tls = redis_tls_open(connection->fd, url, address->host, deadline_us, error);
    if (connection->tls == NULL)
      return NULL;
  }
  return g_steal_pointer(&connection);
}

static RedisConnection *
open_server(const RedisUrl *url, const RedisAddress *address, gint64 deadline_us, GError **error)
{
  g_autoptr(RedisConnection) connection = connect_to(url, address, deadline_us, error);
  if (connection == NULL || !log_in(connection, url->user, url->password, deadline_us, error) ||
      !select_database(connection, url, deadline_us, error))
    return NULL;
  return g_steal_pointer(&connection);
}

/* Asks a Sentinel for the master's address. REDIS_UNAVAILABLE if it knows no such master. */
static gboolean
ask_sentinel(const RedisUrl *url, const RedisAddress *sentinel, gint64 deadline_us, char **ret_host, guint16 *ret_port,
             GError **error)
{
  g_autoptr(RedisConnection) connection = connect_to(url, sentinel, deadline_us, error);
  if (connection == NULL || !log_in(connection, url->sentinel_user, url->sentinel_password, deadline_us, error))
    return FALSE;
  const char *argv[] = {"SENTINEL", "get-master-addr-by-name", url->master_name};
  g_autoptr(RedisReply) reply = run_command(connection, 3, argv, deadline_us, error);
  if (reply == NULL)
    return FALSE;
  guint64 port = 0;
  const char *host = redis_reply_length(reply) == 2 ? redis_reply_string(reply->element[0]) : NULL;
  const char *port_text = redis_reply_length(reply) == 2 ? redis_reply_string(reply->element[1]) : NULL;
  if (host == NULL || port_text == NULL || !g_ascii_string_to_unsigned(port_text, 10, 1, G_MAXUINT16, &port, NULL)) {
    error_set(error, CCH_ERROR_REDIS_UNAVAILABLE, "the Sentinel knows no master of the name %s", url->master_name);
    return FALSE;
  }
  *ret_host = g_strdup(host);
  *ret_port = (guint16)port;
  return TRUE;
}

/* A Sentinel that has not noticed a failover names a server that is now a replica. An ACL may forbid the query. */
static gboolean
check_master(RedisConnection *connection, gint64 deadline_us, GError **error)
{
  const char *argv[] = {"ROLE"};
  g_autoptr(GError) failure = NULL;
  g_autoptr(RedisReply) reply = run_command(connection, 1, argv, deadline_us, &failure);
  if (reply == NULL && error_code(failure) != CCH_ERROR_REDIS_REFUSED) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  const char *role = reply != NULL && redis_reply_length(reply) > 0 ? redis_reply_string(reply->element[0]) : NULL;
  if (role == NULL || strcmp(role, "master") == 0)
    return TRUE;
  error_set(error, CCH_ERROR_REDIS_UNAVAILABLE,
            "the server that the Sentinels name is no master; a failover is under "
            "way");
  return FALSE;
}

/* Uses the first Sentinel whose answer leads to a master. A refusal is reported in preference to an absence. */
static RedisConnection *
open_by_sentinels(const RedisUrl *url, GError **error)
{
  g_autoptr(GError) first_refusal = NULL;
  g_autoptr(GError) last = NULL;
  for (guint i = 0; i < url->sentinels->len; i++) {
    const RedisAddress *sentinel = &g_array_index(url->sentinels, RedisAddress, i);
    g_autofree char *host = NULL;
    RedisAddress master = {0};
    g_clear_error(&last);
    if (ask_sentinel(url, sentinel, deadline_in(SENTINEL_TIMEOUT_MS), &host, &master.port, &last)) {
      master.host = host;
      gint64 deadline_us = deadline_in(REDIS_TIMEOUT_MS);
      g_autoptr(RedisConnection) connection = open_server(url, &master, deadline_us, &last);
      if (connection != NULL && check_master(connection, deadline_us, &last))
        return g_steal_pointer(&connection);
    }
    if (first_refusal == NULL && error_code(last) == CCH_ERROR_REDIS_REFUSED)
      first_refusal = g_error_copy(last);
  }
  g_propagate_error(error, first_refusal != NULL ? g_steal_pointer(&first_refusal) : g_steal_pointer(&last));
  return NULL;
}

RedisConnection *
redis_connection_open(const char *url, GError **error)
{
  g_auto(RedisUrl) parsed = {0};
  if (!redis_url_parse(url, &parsed, error))
    return NULL;
  if (parsed.sentinels != NULL)
    return open_by_sentinels(&parsed, error);
  return open_server(&parsed, parsed.socket_path == NULL ? &parsed.address : NULL, deadline_in(REDIS_TIMEOUT_MS),
                     error);
}

void
redis_connection_free(RedisConnection *connection)
{
  if (connection == NULL)
    return;
  g_clear_pointer(&connection->tls, redis_tls_free);
  if (connection->fd >= 0)
    close(connection->fd);
  g_clear_pointer(&connection->reader, redisReaderFree);
  g_free(connection);
}

RedisReply *
redis_commandv(RedisConnection *connection, GError **error, guint argc, const char *const *argv)
{
  return run_command(connection, argc, argv, deadline_in(REDIS_TIMEOUT_MS), error);
}

RedisReply *
redis_command(RedisConnection *connection, GError **error, guint argc, ...)
{
  g_return_val_if_fail(argc > 0 && argc <= COMMAND_MAX_ARGUMENTS, NULL);
  g_autofree const char **argv = g_new(const char *, argc);
  va_list arguments;
  va_start(arguments, argc);
  for (guint i = 0; i < argc; i++)
    argv[i] = va_arg(arguments, const char *);
  va_end(arguments);
  return redis_commandv(connection, error, argc, argv);
}

void
redis_reply_free(RedisReply *reply)
{
  freeReplyObject(reply);
}

const char *
redis_reply_string(const RedisReply *reply)
{
  gboolean is_string = reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;
  return is_string ? reply->str : NULL;
}

gint64
redis_reply_integer(const RedisReply *reply)
{
  return reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
}

guint
redis_reply_length(const RedisReply *reply)
{
  return reply->type == REDIS_REPLY_ARRAY ? (guint)reply->elements : 0;
}

const RedisReply *
redis_reply_element(const RedisReply *reply, guint index)
{
  g_return_val_if_fail(index < redis_reply_length(reply), NULL);
  return reply->element[index];
}
