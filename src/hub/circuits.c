#include "hub/circuits.h"

#include "base/error.h"
#include "hub/keys.h"
#include "hub_sql.h"
#include "redis/redis.h"

#include <string.h>

/* For each of KEYS: {circuitState, failureCount, lastFailureTime, circuitOpenUntil, manualOpen}; nothing for a key
 * that is not a hash. */
static const char read_script[] =
    "local result = {} "
    "for i, key in ipairs(KEYS) do "
    "  local h = redis.pcall('HMGET', key, 'circuitState', 'failureCount', 'lastFailureTime', 'circuitOpenUntil', "
    "                        'manualOpen') "
    "  result[i] = h.err and {} or h "
    "end "
    "return result";

/* Closes each of KEYS, and returns the former state of each breaker that was not closed, otherwise "". ARGV[1] is
 * "1" for a dry run. A breaker of a vendor and type has other fields and expires after 30 days, and may have been
 * opened by hand. */
static const char close_script[] =
    "local result = {} "
    "for i, key in ipairs(KEYS) do "
    "  local h = redis.call('HMGET', key, 'circuitState', 'failureCount', 'manualOpen') "
    "  local open = (h[1] and h[1] ~= 'closed') or (h[2] and h[2] ~= '0' and h[2] ~= '') "
    "  if open and h[3] ~= '1' then "
    "    result[i] = h[1] or 'closed' "
    "    if ARGV[1] ~= '1' then "
    "      if string.sub(key, 1, 12) == 'vendor_type_' then "
    "        redis.call('HSET', key, 'circuitState', 'closed', 'circuitOpenUntil', '', 'lastFailureTime', '') "
    "        redis.call('EXPIRE', key, 2592000) "
    "      else "
    "        redis.call('HSET', key, 'failureCount', '0', 'lastFailureTime', '', 'circuitState', 'closed', "
    "                   'circuitOpenUntil', '', 'halfOpenSuccessCount', '0') "
    "        redis.call('EXPIRE', key, 86400) "
    "      end "
    "    end "
    "  else result[i] = '' end "
    "end "
    "return result";

enum { STATE, FAILURES, LAST_FAILURE, OPEN_UNTIL, MANUAL, N_VALUES };
enum { MS_PER_MINUTE = 60000 };

PgResult *
hub_circuits_keys(PgConnection *connection, const char *ids, GError **error)
{
  g_autofree char *endpoints = NULL;
  if (!pg_connection_value(connection, &endpoints, error, "SELECT pg_catalog.to_regclass('public.provider_endpoints')",
                           0))
    return NULL;
  return pg_connection_query(connection, error,
                             endpoints != NULL ? hub_circuit_keys_sql : hub_circuit_keys_without_endpoints_sql, 1, ids);
}

/* Runs a script over the keys in the second column; `argument` may be NULL. */
static RedisReply *
run_script(RedisConnection *connection, const char *script, const PgResult *keys, const char *argument, GError **error)
{
  char n_keys[12];
  guint n = pg_result_rows(keys);
  g_snprintf(n_keys, sizeof n_keys, "%u", n);
  g_autoptr(GPtrArray) argv = g_ptr_array_sized_new(n + 4);
  g_ptr_array_add(argv, (gpointer) "EVAL");
  g_ptr_array_add(argv, (gpointer)script);
  g_ptr_array_add(argv, n_keys);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add(argv, (gpointer)pg_result_text(keys, i, 1));
  if (argument != NULL)
    g_ptr_array_add(argv, (gpointer)argument);
  return redis_commandv(connection, error, argv->len, (const char *const *)argv->pdata);
}

/* A value of a hash; "" if missing. */
static const char *
value_of(const RedisReply *hash, guint index)
{
  const char *text = index < redis_reply_length(hash) ? redis_reply_string(redis_reply_element(hash, index)) : NULL;
  return text != NULL ? text : "";
}

static const char *
state_of(const RedisReply *hash)
{
  const char *state = value_of(hash, STATE);
  return strcmp(state, "open") == 0 || strcmp(state, "half-open") == 0 ? state : "closed";
}

/* The same test as in a reset. */
static gboolean
is_resettable(const RedisReply *hash)
{
  const char *state = value_of(hash, STATE), *failures = value_of(hash, FAILURES);
  gboolean has_failed = *failures != '\0' && strcmp(failures, "0") != 0;
  return ((*state != '\0' && strcmp(state, "closed") != 0) || has_failed) && strcmp(value_of(hash, MANUAL), "1") != 0;
}

static json_t *
time_or_null(const char *text)
{
  guint64 ms = 0;
  return g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT64, &ms, NULL) ? json_integer((json_int_t)ms) : json_null();
}

static json_t *
minutes_until(const char *text)
{
  gint64 now = g_get_real_time() / 1000;
  guint64 ms = 0;
  if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT64, &ms, NULL) || (gint64)ms <= now)
    return json_null();
  return json_integer((json_int_t)(((gint64)ms - now - 1) / MS_PER_MINUTE + 1));
}

static json_t *
own_state(const RedisReply *hash)
{
  gboolean is_open = strcmp(state_of(hash), "open") == 0;
  return json_pack("{s:s, s:I, s:o, s:o, s:o, s:n, s:n, s:b, s:b}", "circuitState", state_of(hash), "failureCount",
                   (json_int_t)g_ascii_strtoll(value_of(hash, FAILURES), NULL, 10), "lastFailureTime",
                   time_or_null(value_of(hash, LAST_FAILURE)), "circuitOpenUntil",
                   time_or_null(value_of(hash, OPEN_UNTIL)), "recoveryMinutes",
                   is_open ? minutes_until(value_of(hash, OPEN_UNTIL)) : json_null(), "endpointCircuitState",
                   "vendorTypeCircuitState", "manualOpen", 0, "resettable", 0);
}

/* A provider's own key comes first ("circuit_breaker:…" sorts before the others). */
static json_t *
collect_states(const PgResult *keys, const RedisReply *reply)
{
  json_t *states = json_object();
  for (guint i = 0; i < MIN(pg_result_rows(keys), redis_reply_length(reply)); i++) {
    const char *id = pg_result_text(keys, i, 0), *key = pg_result_text(keys, i, 1);
    const RedisReply *hash = redis_reply_element(reply, i);
    if (g_str_has_prefix(key, HUB_CIRCUIT_STATE_PREFIX))
      json_object_set_new(states, id, own_state(hash));
    json_t *state = json_object_get(states, id);
    if (g_str_has_prefix(key, HUB_ENDPOINT_CIRCUIT_PREFIX))
      json_object_set_new(state, "endpointCircuitState", json_string(state_of(hash)));
    if (g_str_has_prefix(key, "vendor_type_"))
      json_object_set_new(state, "vendorTypeCircuitState", json_string(state_of(hash)));
    if (strcmp(value_of(hash, MANUAL), "1") == 0)
      json_object_set_new(state, "manualOpen", json_true());
    if (is_resettable(hash))
      json_object_set_new(state, "resettable", json_true());
  }
  return states;
}

json_t *
hub_circuits_read(PgConnection *connection, const char *redis_url, GError **error)
{
  if (redis_url == NULL) {
    error_set(error, CCH_ERROR_REDIS_UNAVAILABLE, "REDIS_URL is not set");
    return NULL;
  }
  g_autofree char *ids = NULL;
  if (!pg_connection_value(connection, &ids, error,
                           "SELECT coalesce(array_agg(id), '{}') FROM public.providers WHERE deleted_at IS NULL", 0))
    return NULL;
  g_autoptr(PgResult) keys = hub_circuits_keys(connection, ids, error);
  if (keys == NULL)
    return NULL;
  g_autoptr(RedisConnection) redis = redis_connection_open(redis_url, error);
  g_autoptr(RedisReply) reply = redis != NULL ? run_script(redis, read_script, keys, NULL, error) : NULL;
  return reply != NULL ? collect_states(keys, reply) : NULL;
}

char *
hub_circuits_find(PgConnection *connection, const char *redis_url, const char *state, GError **error)
{
  g_autoptr(json_t) states = hub_circuits_read(connection, redis_url, error);
  if (states == NULL)
    return NULL;
  GString *ids = g_string_new("{");
  const char *id;
  json_t *one;
  json_object_foreach(states, id, one) {
    gboolean is_wanted = strcmp(state, "resettable") == 0
                             ? json_is_true(json_object_get(one, "resettable"))
                             : strcmp(state, json_string_value(json_object_get(one, "circuitState"))) == 0;
    if (is_wanted)
      g_string_append_printf(ids, "%s%s", ids->len > 1 ? "," : "", id);
  }
  g_string_append_c(ids, '}');
  return g_string_free(ids, FALSE);
}

/* The providers with a reset breaker, each once: keys are sorted by provider. */
static json_t *
reset_ids(const PgResult *keys, const RedisReply *reply)
{
  json_t *ids = json_array();
  for (guint i = 0; i < MIN(pg_result_rows(keys), redis_reply_length(reply)); i++) {
    gint64 id = pg_result_int64(keys, i, 0);
    json_t *last = json_array_get(ids, json_array_size(ids) - 1);
    const char *state = redis_reply_string(redis_reply_element(reply, i));
    if (state != NULL && *state != '\0' && (last == NULL || json_integer_value(last) != id))
      json_array_append_new(ids, json_integer(id));
  }
  return ids;
}

static gboolean
tell_closed(RedisConnection *connection, const json_t *ids, GError **error)
{
  g_autoptr(json_t) message = json_pack("{s:O}", "providerIds", ids);
  g_autofree char *text = json_to_text(message);
  g_autoptr(RedisReply) reply = redis_command(connection, error, 3, "PUBLISH", HUB_CIRCUIT_CONFIG_CHANNEL, text);
  return reply != NULL;
}

json_t *
hub_circuits_close(const char *redis_url, const PgResult *keys, gboolean is_dry_run, json_t **ret_before,
                   json_t **ret_after, GError **error)
{
  g_autoptr(RedisConnection) redis = redis_connection_open(redis_url, error);
  g_autoptr(RedisReply) reply =
      redis != NULL ? run_script(redis, close_script, keys, is_dry_run ? "1" : "0", error) : NULL;
  g_autoptr(json_t) closed = reply != NULL ? reset_ids(keys, reply) : NULL;
  if (closed == NULL || (!is_dry_run && json_array_size(closed) > 0 && !tell_closed(redis, closed, error)))
    return NULL;
  *ret_before = json_object();
  *ret_after = json_object();
  for (guint i = 0; i < MIN(pg_result_rows(keys), redis_reply_length(reply)); i++) {
    const char *state = redis_reply_string(redis_reply_element(reply, i));
    if (state == NULL || *state == '\0')
      continue;
    json_object_set_new(*ret_before, pg_result_text(keys, i, 1), json_string(state));
    json_object_set_new(*ret_after, pg_result_text(keys, i, 1), json_string("closed"));
  }
  return g_steal_pointer(&closed);
}
