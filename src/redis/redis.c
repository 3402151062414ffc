#include "redis/redis.h"

#include "base/error.h"
#include "redis/redis_socket.h"
#include "redis/redis_url.h"

#include <hiredis/hiredis.h>
#include <string.h>
#include <unistd.h>

enum { REPLY_MAX_BYTES = 16 * 1024 * 1024, COMMAND_MAX_ARGUMENTS = 4096 };

struct RedisConnection {
  int fd;
  redisReader *reader;
};

static gint64
deadline_from_now(void)
{
  return g_get_monotonic_time() + REDIS_TIMEOUT_MS * G_TIME_SPAN_MILLISECOND;
}

static gboolean
send_command(RedisConnection *connection, guint argc, const char *const *argv, gint64 deadline_us, GError **error)
{
  char *formatted = NULL;
  /* hiredis takes `const char **` but does not write to it; NULL lengths mean strlen. */
  int size = redisFormatCommandArgv(&formatted, (int)argc, (const char **)argv, NULL);
  if (size < 0) {
    error_set(error, CCH_ERROR_REDIS_UNAVAILABLE, "out of memory");
    return FALSE;
  }
  gboolean ok = redis_socket_send(connection->fd, formatted, (gsize)size, deadline_us, error);
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
      error_set(error, CCH_ERROR_REDIS_UNAVAILABLE, "Redis protocol: %s", connection->reader->errstr);
      return NULL;
    }
    if (reply != NULL)
      return reply;
    if (n_received > REPLY_MAX_BYTES) {
      error_set(error, CCH_ERROR_REDIS_UNAVAILABLE, "Redis protocol: the reply is too large");
      return NULL;
    }
    char buffer[16 * 1024];
    gsize n = redis_socket_receive(connection->fd, buffer, sizeof buffer, deadline_us, error);
    if (n == 0)
      return NULL;
    n_received += n;
    redisReaderFeed(connection->reader, buffer, n); /* its failure shows in redisReaderGetReply */
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
    error_set(error, CCH_ERROR_REDIS_UNAVAILABLE, "Redis: %s", reply->str);
    return NULL;
  }
  return g_steal_pointer(&reply);
}

static gboolean
log_in(RedisConnection *connection, const RedisUrl *url, gint64 deadline_us, GError **error)
{
  if (url->password == NULL)
    return TRUE;
  const char *with_user[] = {"AUTH", url->user, url->password};
  const char *without_user[] = {"AUTH", url->password};
  g_autoptr(RedisReply) reply = url->user != NULL ? run_command(connection, 3, with_user, deadline_us, error)
                                                  : run_command(connection, 2, without_user, deadline_us, error);
  return reply != NULL;
}

static gboolean
select_database(RedisConnection *connection, const RedisUrl *url, gint64 deadline_us, GError **error)
{
  if (url->database == NULL)
    return TRUE;
  const char *argv[] = {"SELECT", url->database};
  g_autoptr(RedisReply) reply = run_command(connection, 2, argv, deadline_us, error);
  return reply != NULL;
}

RedisConnection *
redis_connection_open(const char *url, GError **error)
{
  g_auto(RedisUrl) parsed = {0};
  if (!redis_url_parse(url, &parsed, error))
    return NULL;
  gint64 deadline_us = deadline_from_now();
  g_autoptr(RedisConnection) connection = g_new0(RedisConnection, 1);
  connection->reader = redisReaderCreate();
  connection->fd = redis_socket_connect(&parsed, deadline_us, error);
  if (connection->fd < 0 || !log_in(connection, &parsed, deadline_us, error) ||
      !select_database(connection, &parsed, deadline_us, error))
    return NULL;
  return g_steal_pointer(&connection);
}

void
redis_connection_free(RedisConnection *connection)
{
  if (connection == NULL)
    return;
  if (connection->fd >= 0)
    close(connection->fd);
  g_clear_pointer(&connection->reader, redisReaderFree);
  g_free(connection);
}

RedisReply *
redis_commandv(RedisConnection *connection, GError **error, guint argc, const char *const *argv)
{
  return run_command(connection, argc, argv, deadline_from_now(), error);
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
