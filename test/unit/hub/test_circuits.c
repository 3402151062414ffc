#include "hub/cache.h"
#include "hub/circuits.h"
#include "redis/redis.h"
#include "servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

static TestRedis *redis;
static TestPostgres *postgres;
static PgConnection *connection;

static RedisReply *
run(guint argc, const char *const *argv)
{
  g_autoptr(RedisConnection) client = redis_connection_open(test_redis_url(redis), NULL);
  RedisReply *reply = redis_commandv(client, NULL, argc, argv);
  assert_non_null(reply);
  return reply;
}

static void
set_breaker(const char *key, const char *circuit_state, const char *failures, const char *manual)
{
  g_autoptr(RedisReply) reply = run(
      8, (const char *[]){"HSET", key, "circuitState", circuit_state, "failureCount", failures, "manualOpen", manual});
  assert_non_null(reply);
}

static void
breakers_are_read_and_closed_but_not_what_was_opened_by_hand(void **state)
{
  (void)state;
  set_breaker("circuit_breaker:state:1", "open", "9", "");
  set_breaker("circuit_breaker:state:2", "closed", "0", "");
  set_breaker("vendor_type_circuit_breaker:state:5:claude", "open", "3", "1");
  const char *url = test_redis_url(redis);
  g_autoptr(json_t) states = hub_circuits_read(connection, url, NULL);
  g_autofree char *text = json_to_text(states);
  assert_non_null(strstr(text, "\"1\":{\"circuitState\":\"open\",\"failureCount\":9,"));
  g_autofree char *open = hub_circuits_find(connection, url, "open", NULL);
  assert_string_equal(open, "{1}");

  g_autoptr(PgResult) keys = hub_circuits_keys(connection, "{1,2}", NULL);
  for (int is_dry_run = 1; is_dry_run >= 0; is_dry_run--) {
    g_autoptr(json_t) before = NULL, after = NULL;
    g_autoptr(json_t) closed = hub_circuits_close(url, keys, is_dry_run, &before, &after, NULL);
    assert_int_equal(json_array_size(closed), 1);
    assert_int_equal(json_integer_value(json_array_get(closed, 0)), 1);
    assert_string_equal(json_string_value(json_object_get(before, "circuit_breaker:state:1")), "open");
    assert_int_equal(json_object_size(after), 1);
  }
  g_autofree char *none = hub_circuits_find(connection, url, "open", NULL);
  assert_string_equal(none, "{}");
  g_autoptr(RedisReply) manual =
      run(3, (const char *[]){"HGET", "vendor_type_circuit_breaker:state:5:claude", "circuitState"});
  assert_string_equal(redis_reply_string(manual), "open");
}

static void
caches_of_what_has_changed_are_deleted(void **state)
{
  (void)state;
  const char *const names[] = {"api_key_auth:v1:user:1", "api_key_auth:v1:user:2", "circuit_breaker:config:1",
                               "endpoint_circuit_breaker:state:4"};
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autoptr(RedisReply) set = run(3, (const char *[]){"SET", names[i], "x"});
    assert_non_null(set);
  }
  static const HubChange all[] = {{"users", 1, FALSE}, {"provider_endpoints", 4, FALSE}, {"providers", 1, TRUE}};
  g_autoptr(GArray) changes = g_array_new(FALSE, FALSE, sizeof(HubChange));
  g_array_append_vals(changes, all, G_N_ELEMENTS(all));
  assert_true(json_is_true(hub_cache_tell(test_redis_url(redis), connection, changes)));
  static const gboolean stays[] = {FALSE, TRUE, FALSE, FALSE};
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autoptr(RedisReply) exists = run(2, (const char *[]){"EXISTS", names[i]});
    assert_int_equal(redis_reply_integer(exists), stays[i]);
  }
}

static void
without_redis_there_is_nobody_to_tell(void **state)
{
  (void)state;
  g_autoptr(GArray) changes = g_array_new(FALSE, FALSE, sizeof(HubChange));
  g_array_append_vals(changes, &(HubChange){"users", 1, FALSE}, 1);
  assert_true(json_is_null(hub_cache_tell(NULL, connection, changes)));
  assert_true(json_is_false(hub_cache_tell("unix:///nonexistent/redis.sock", connection, changes)));
  assert_null(hub_circuits_read(connection, NULL, NULL));
}

static int
start(void **state)
{
  (void)state;
  redis = test_redis_start(FALSE, NULL);
  postgres = test_postgres_start();
  connection = pg_connection_open(test_postgres_dsn(postgres), "test", NULL, NULL);
  assert_true(pg_connection_exec(connection,
                                 "CREATE TABLE public.providers (id int4, deleted_at timestamptz, "
                                 "provider_vendor_id int4, provider_type text, url text); "
                                 "CREATE TABLE public.keys (id int4, user_id int4, key text); "
                                 "INSERT INTO public.providers VALUES (1, NULL, 5, 'claude', 'u'), "
                                 "(2, NULL, NULL, 'claude', 'u'), (3, now(), NULL, 'claude', 'u')",
                                 NULL));
  return 0;
}

static int
stop(void **state)
{
  (void)state;
  pg_connection_free(connection);
  test_postgres_free(postgres);
  test_redis_free(redis);
  return 0;
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(breakers_are_read_and_closed_but_not_what_was_opened_by_hand),
      cmocka_unit_test(caches_of_what_has_changed_are_deleted),
      cmocka_unit_test(without_redis_there_is_nobody_to_tell),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
