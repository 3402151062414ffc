#include "base/error.h"
#include "base/os/child.h"
#include "hub/notify.h"
#include "redis/redis.h"
#include "servers.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs three of the above. */
#include <cmocka.h>

enum { SOON_MS = 5000 };

static TestRedis *redis;

static void
redis_run(guint argc, const char *const *argv)
{
  g_autoptr(RedisConnection) connection = redis_connection_open(test_redis_url(redis), NULL);
  g_autoptr(RedisReply) reply = redis_commandv(connection, NULL, argc, argv);
  assert_non_null(reply);
}

static gint64
redis_number(const char *command, const char *argument)
{
  g_autoptr(RedisConnection) connection = redis_connection_open(test_redis_url(redis), NULL);
  g_autoptr(RedisReply) reply = argument != NULL ? redis_command(connection, NULL, 2, command, argument)
                                                 : redis_command(connection, NULL, 1, command);
  assert_non_null(reply);
  return redis_reply_integer(reply);
}

/* Appends what the subscriber has printed until it holds the text. */
static void
read_until(ChildProcess *subscriber, GString *output, const char *text)
{
  while (strstr(output->str, text) == NULL) {
    struct pollfd poll_fd = {.fd = child_process_stdout(subscriber), .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, SOON_MS), 1);
    char buffer[4096];
    gssize n = read(poll_fd.fd, buffer, sizeof buffer);
    assert_true(n > 0);
    g_string_append_len(output, buffer, n);
  }
}

static ChildProcess *
start_subscriber(GString *output)
{
  const char *argv[] = {"redis-cli", "-s", test_redis_socket(redis), "PSUBSCRIBE", "cch:cache:*", NULL};
  ChildOptions options = {.argv = argv, .capture_stdout = TRUE, .parent_death_signal = SIGKILL};
  ChildProcess *subscriber = child_process_spawn(&options, NULL);
  assert_non_null(subscriber);
  read_until(subscriber, output, "psubscribe\ncch:cache:*\n1\n");
  return subscriber;
}

static void
every_instance_is_told_on_every_channel(void **state)
{
  (void)state;
  redis_run(4, (const char *[]){"HSET", "circuit_breaker:config:17", "failureThreshold", "5"});
  redis_run(4, (const char *[]){"HSET", "circuit_breaker:config:junk", "failureThreshold", "5"});
  g_autoptr(GString) output = g_string_new(NULL);
  g_autoptr(ChildProcess) subscriber = start_subscriber(output);
  gint64 before_s = g_get_real_time() / G_USEC_PER_SEC;
  assert_true(hub_notify_imported(test_redis_url(redis), NULL));
  redis_run(3, (const char *[]){"PUBLISH", "cch:cache:end", "the end"});
  read_until(subscriber, output, "the end\n");

  assert_non_null(strstr(output->str, "\ncch:cache:circuit_breaker_config:updated\n{\"providerIds\":[17]}\n"));
  const char *channels[] = {"providers", "api_keys", "error_rules", "request_filters", "sensitive_words"};
  for (guint i = 0; i < G_N_ELEMENTS(channels); i++) {
    g_autofree char *expected = g_strdup_printf("\ncch:cache:%s:updated\n", channels[i]);
    const char *found = strstr(output->str, expected);
    assert_non_null(found);
    gint64 time_ms = g_ascii_strtoll(found + strlen(expected), NULL, 10);
    assert_in_range(time_ms / 1000 - before_s, 0, 10);
  }
  child_process_signal(subscriber, SIGKILL);
}

static void
caches_are_deleted_and_nothing_else_is(void **state)
{
  (void)state;
  redis_run(1, (const char *[]){"FLUSHALL"});
  for (int i = 0; i < 5000; i++) {
    g_autofree char *key = g_strdup_printf("api_key_auth:v1:key:%d", i);
    if (i % 10 == 0)
      redis_run(3, (const char *[]){"SET", key, "{}"});
  }
  redis_run(3, (const char *[]){"SET", "api_key_auth:v1:user:1", "{}"});
  redis_run(4, (const char *[]){"HSET", "circuit_breaker:config:1", "failureThreshold", "5"});
  redis_run(4, (const char *[]){"HSET", "circuit_breaker:state:1", "circuitState", "open"});
  redis_run(3, (const char *[]){"SET", "cch:session:1", "{}"});
  redis_run(3, (const char *[]){"SET", "api_key_auth:v2:key:1", "{}"});
  assert_true(hub_notify_imported(test_redis_url(redis), NULL));
  assert_int_equal(redis_number("DBSIZE", NULL), 3);
  assert_int_equal(redis_number("EXISTS", "circuit_breaker:state:1"), 1);
  assert_int_equal(redis_number("EXISTS", "cch:session:1"), 1);
  assert_int_equal(redis_number("EXISTS", "api_key_auth:v2:key:1"), 1);
}

static void
without_redis_there_is_nobody_to_tell(void **state)
{
  (void)state;
  assert_true(hub_notify_imported(NULL, NULL));
}

static void
redis_away_is_an_error(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  assert_false(hub_notify_imported("unix:///nonexistent/redis.sock", &error));
  assert_int_equal(error_code(error), CCH_ERROR_REDIS_UNAVAILABLE);
}

static int
start_redis(void **state)
{
  (void)state;
  redis = test_redis_start(FALSE, NULL);
  return 0;
}

static int
stop_redis(void **state)
{
  (void)state;
  test_redis_free(redis);
  return 0;
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_instance_is_told_on_every_channel),
      cmocka_unit_test(caches_are_deleted_and_nothing_else_is),
      cmocka_unit_test(without_redis_there_is_nobody_to_tell),
      cmocka_unit_test(redis_away_is_an_error),
  };
  return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
