#include "base/error.h"
#include "redis/redis.h"
#include "redis/redis_url.h"
#include "servers.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static void
assert_url_refused(const char *url)
{
  g_auto(RedisUrl) parsed = {0};
  g_autoptr(GError) error = NULL;
  assert_false(redis_url_parse(url, &parsed, &error));
  assert_int_equal(error_code(error), CCH_ERROR_CONFIG);
  assert_null(strstr(error->message, "s3cret"));
}

static void
a_url_is_taken_apart_and_decoded(void **state)
{
  (void)state;
  g_auto(RedisUrl) url = {0};
  assert_true(redis_url_parse("redis://us%40er:p%3A%2Fss@[::1]:7000/12", &url, NULL));
  assert_string_equal(url.address.host, "::1");
  assert_int_equal(url.address.port, 7000);
  assert_string_equal(url.user, "us@er");
  assert_string_equal(url.password, "p:/ss");
  assert_string_equal(url.database, "12");
  assert_null(url.socket_path);
}

static void
a_url_has_defaults(void **state)
{
  (void)state;
  g_auto(RedisUrl) url = {0};
  assert_true(redis_url_parse("redis://cache", &url, NULL));
  assert_string_equal(url.address.host, "cache");
  assert_int_equal(url.address.port, 6379);
  assert_null(url.user);
  assert_null(url.password);
  assert_null(url.database);
}

static void
a_url_may_name_a_socket(void **state)
{
  (void)state;
  g_auto(RedisUrl) url = {0};
  assert_true(redis_url_parse("unix://:pw@/run/my%20redis/redis.sock?db=3", &url, NULL));
  assert_string_equal(url.socket_path, "/run/my redis/redis.sock");
  assert_string_equal(url.password, "pw");
  assert_null(url.user);
  assert_string_equal(url.database, "3");
  assert_null(url.address.host);
}

static void
a_url_may_have_the_form_of_other_clients(void **state)
{
  (void)state;
  static const char *const sockets[] = {"/run/r.sock", "redis+socket:///run/r.sock?tls=true",
                                        "redis+unix:///run/r.sock"};
  for (gsize i = 0; i < G_N_ELEMENTS(sockets); i++) {
    g_auto(RedisUrl) url = {0};
    assert_true(redis_url_parse(sockets[i], &url, NULL));
    assert_string_equal(url.socket_path, "/run/r.sock");
    assert_false(url.is_tls);
  }
  static const char *const encrypted[] = {"valkeys://h",       "redis://h?tls=true", "\"redis://h?ssl=True\"",
                                          "redis://h?tls=yes", "redis://h?tls",      "rediss://h?tls=false"};
  for (gsize i = 0; i < G_N_ELEMENTS(encrypted); i++) {
    g_auto(RedisUrl) url = {0};
    assert_true(redis_url_parse(encrypted[i], &url, NULL));
    assert_string_equal(url.address.host, "h");
    assert_true(url.is_tls);
  }
  g_auto(RedisUrl) plain = {0};
  assert_true(redis_url_parse("redis://h?tls=false&db", &plain, NULL));
  assert_false(plain.is_tls);
}

static void
a_url_says_how_tls_is_checked(void **state)
{
  (void)state;
  g_auto(RedisUrl) url = {0};
  assert_true(redis_url_parse("rediss://h:7/0?tls_ca_file=/my%20ca.pem&tls_verify=no&family=6", &url, NULL));
  assert_true(url.is_tls);
  assert_true(url.is_unverified);
  assert_string_equal(url.ca_file, "/my ca.pem");
  assert_string_equal(url.address.host, "h");
}

static void
a_url_may_name_sentinels(void **state)
{
  (void)state;
  g_auto(RedisUrl) url = {0};
  assert_true(redis_url_parse("rediss+sentinel://u:p@a,[::1]:7000/the%20hub/3?sentinel_password=q", &url, NULL));
  assert_true(url.is_tls);
  assert_int_equal(url.sentinels->len, 2);
  const RedisAddress *first = &g_array_index(url.sentinels, RedisAddress, 0);
  const RedisAddress *second = &g_array_index(url.sentinels, RedisAddress, 1);
  assert_string_equal(first->host, "a");
  assert_int_equal(first->port, 26379);
  assert_string_equal(second->host, "::1");
  assert_int_equal(second->port, 7000);
  assert_string_equal(url.master_name, "the hub");
  assert_string_equal(url.database, "3");
  assert_string_equal(url.password, "p");
  assert_string_equal(url.sentinel_password, "q");
  assert_null(url.address.host);
}

static void
a_wrong_url_is_refused_without_repeating_its_password(void **state)
{
  (void)state;
  assert_url_refused("");
  assert_url_refused("localhost:6379");
  assert_url_refused("http://:s3cret@localhost");
  assert_url_refused("redis://:s3cret@localhost/one");
  assert_url_refused("redis://:s3cret@localhost:0/1");
  assert_url_refused("redis://:s3cret@localhost:70000/1");
  assert_url_refused("unix://host/path");
  assert_url_refused("redis://[::1");
  assert_true(redis_url_check("redis://:s3cret@localhost", NULL));
  static const char *const raw[] = {
      "redis://:s3cret/word@localhost", "redis://:12/s3cret@localhost",       "redis://:12#s3cret@localhost",
      "redis://:s3cret%@localhost",     "redis://:a?s3cret@localhost",        "redis+sentinel://:s3cret/w@localhost/m",
      "redis+sentinel://:s3cret@a",     "redis+sentinel://:s3cret@a:x,b:1/m",
  };
  for (guint i = 0; i < G_N_ELEMENTS(raw); i++)
    assert_url_refused(raw[i]);
  assert_false(redis_url_check("rediss://localhost?tls_ca_file=/nonexistent", NULL));
}

static void
commands_are_answered_over_ipv4_ipv6_and_a_socket(void **state)
{
  (void)state;
  TestRedis *redis = test_redis_start(TRUE, NULL);
  g_autofree char *ipv4 = g_strdup_printf("redis://127.0.0.1:%u/5", test_redis_port(redis));
  g_autofree char *ipv6 = g_strdup_printf("redis://[::1]:%u/5", test_redis_port(redis));
  g_autofree char *name = g_strdup_printf("redis://localhost:%u/5", test_redis_port(redis));
  g_autofree char *socket = g_strdup_printf("unix://%s?db=5", test_redis_socket(redis));
  const char *urls[] = {ipv4, ipv6, name, socket};
  for (guint i = 0; i < G_N_ELEMENTS(urls); i++) {
    g_autoptr(RedisConnection) connection = redis_connection_open(urls[i], NULL);
    assert_non_null(connection);
    g_autoptr(RedisReply) count = redis_command(connection, NULL, 2, "INCR", "count");
    assert_int_equal(redis_reply_integer(count), i + 1);
    g_autoptr(RedisReply) absent = redis_command(connection, NULL, 2, "GET", "no such key");
    assert_null(redis_reply_string(absent));
    g_autoptr(RedisReply) echo = redis_command(connection, NULL, 2, "ECHO", "grüße \r\n 你好");
    assert_string_equal(redis_reply_string(echo), "grüße \r\n 你好");
  }
  test_redis_free(redis);
}

static void
a_large_reply_and_an_array_arrive_whole(void **state)
{
  (void)state;
  TestRedis *redis = test_redis_start(FALSE, NULL);
  g_autoptr(RedisConnection) connection = redis_connection_open(test_redis_url(redis), NULL);
  g_autofree char *large = g_strnfill(3 * 1000 * 1000, 'x');
  g_autoptr(RedisReply) set = redis_command(connection, NULL, 3, "SET", "large", large);
  assert_string_equal(redis_reply_string(set), "OK");
  g_autoptr(RedisReply) both = redis_command(connection, NULL, 3, "MGET", "large", "absent");
  assert_int_equal(redis_reply_length(both), 2);
  assert_string_equal(redis_reply_string(redis_reply_element(both, 0)), large);
  assert_null(redis_reply_string(redis_reply_element(both, 1)));
  test_redis_free(redis);
}

static void
a_password_is_needed_and_used(void **state)
{
  (void)state;
  TestRedis *redis = test_redis_start(FALSE, "p:ss");
  g_autofree char *wrong_url = g_strdup_printf("unix://:s3cret@%s", test_redis_socket(redis));
  g_autofree char *right_url = g_strdup_printf("unix://default:p%%3Ass@%s", test_redis_socket(redis));
  g_autoptr(GError) error = NULL;
  assert_null(redis_connection_open(wrong_url, &error));
  assert_int_equal(error_code(error), CCH_ERROR_REDIS_REFUSED);
  assert_null(strstr(error->message, "s3cret"));
  g_autoptr(RedisConnection) connection = redis_connection_open(right_url, NULL);
  assert_non_null(connection);
  test_redis_free(redis);
}

static void
an_error_reply_is_an_error(void **state)
{
  (void)state;
  TestRedis *redis = test_redis_start(FALSE, NULL);
  g_autoptr(RedisConnection) connection = redis_connection_open(test_redis_url(redis), NULL);
  g_autoptr(GError) error = NULL;
  assert_null(redis_command(connection, &error, 1, "NOSUCHCOMMAND"));
  assert_int_equal(error_code(error), CCH_ERROR_REDIS_REFUSED);
  assert_non_null(strstr(error->message, "NOSUCHCOMMAND"));
  test_redis_free(redis);
}

static void
a_hanging_server_costs_two_seconds(void **state)
{
  (void)state;
  TestRedis *redis = test_redis_start(FALSE, NULL);
  g_autoptr(RedisConnection) connection = redis_connection_open(test_redis_url(redis), NULL);
  test_redis_signal(redis, SIGSTOP);
  gint64 started = g_get_monotonic_time();
  g_autoptr(GError) error = NULL;
  assert_null(redis_command(connection, &error, 1, "PING"));
  gint64 took_ms = (g_get_monotonic_time() - started) / 1000;
  assert_int_equal(error_code(error), CCH_ERROR_REDIS_UNAVAILABLE);
  assert_in_range(took_ms, REDIS_TIMEOUT_MS - 10, REDIS_TIMEOUT_MS + 1000);
  test_redis_free(redis);
}

static void
a_server_that_is_away_is_an_error_at_once(void **state)
{
  (void)state;
  TestRedis *redis = test_redis_start(FALSE, NULL);
  g_autoptr(RedisConnection) connection = redis_connection_open(test_redis_url(redis), NULL);
  test_redis_kill(redis);
  g_autoptr(GError) error = NULL;
  assert_null(redis_command(connection, &error, 1, "PING"));
  assert_int_equal(error_code(error), CCH_ERROR_REDIS_UNAVAILABLE);
  g_clear_error(&error);
  assert_null(redis_connection_open(test_redis_url(redis), &error));
  assert_int_equal(error_code(error), CCH_ERROR_REDIS_UNAVAILABLE);
  g_clear_error(&error);
  assert_null(redis_connection_open("redis://no-such-host.invalid", &error));
  assert_int_equal(error_code(error), CCH_ERROR_REDIS_UNAVAILABLE);
  test_redis_free(redis);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_url_is_taken_apart_and_decoded),
      cmocka_unit_test(a_url_has_defaults),
      cmocka_unit_test(a_url_may_name_a_socket),
      cmocka_unit_test(a_url_may_have_the_form_of_other_clients),
      cmocka_unit_test(a_url_says_how_tls_is_checked),
      cmocka_unit_test(a_url_may_name_sentinels),
      cmocka_unit_test(a_wrong_url_is_refused_without_repeating_its_password),
      cmocka_unit_test(commands_are_answered_over_ipv4_ipv6_and_a_socket),
      cmocka_unit_test(a_large_reply_and_an_array_arrive_whole),
      cmocka_unit_test(a_password_is_needed_and_used),
      cmocka_unit_test(an_error_reply_is_an_error),
      cmocka_unit_test(a_hanging_server_costs_two_seconds),
      cmocka_unit_test(a_server_that_is_away_is_an_error_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
