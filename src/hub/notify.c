#include "hub/notify.h"

#include "base/error.h"
#include "hub/keys.h"
#include "redis/redis.h"

#include <string.h>

enum {
  SCAN_MAX_ROUNDS = 1000 * 1000, /* of about a thousand keys each */
  IDS_PER_MESSAGE = 500
};

/* Subscribers reload on any message; the hub sends the time in ms. */
static const char *const channels[] = {
    HUB_PROVIDERS_CHANNEL,
    "cch:cache:provider_groups:updated",
    HUB_API_KEYS_CHANNEL,
    "cch:cache:error_rules:updated",
    "cch:cache:request_filters:updated",
    "cch:cache:sensitive_words:updated",
    "cch:cache:system_settings:updated",
};

static gboolean
publish(RedisConnection *connection, const char *channel, const char *message, GError **error)
{
  g_autoptr(RedisReply) reply = redis_command(connection, error, 3, "PUBLISH", channel, message);
  return reply != NULL;
}

/* Deletes a batch of keys in the background (UNLINK); adds the names to a list if requested. */
static gboolean
unlink_keys(RedisConnection *connection, const RedisReply *keys, GPtrArray *names, GError **error)
{
  guint n = redis_reply_length(keys);
  if (n == 0)
    return TRUE;
  g_autoptr(GPtrArray) argv = g_ptr_array_sized_new(n + 1);
  g_ptr_array_add(argv, (gpointer) "UNLINK");
  for (guint i = 0; i < n; i++) {
    const char *key = redis_reply_string(redis_reply_element(keys, i));
    if (key == NULL)
      continue;
    g_ptr_array_add(argv, (gpointer)key);
    if (names != NULL)
      g_ptr_array_add(names, g_strdup(key));
  }
  if (argv->len == 1)
    return TRUE;
  g_autoptr(RedisReply) reply = redis_commandv(connection, error, argv->len, (const char *const *)argv->pdata);
  return reply != NULL;
}

/* Deletes all keys that match the pattern, in batches, so that Redis serves others in between. */
static gboolean
unlink_pattern(RedisConnection *connection, const char *pattern, GPtrArray *names, GError **error)
{
  g_autofree char *cursor = g_strdup("0");
  for (guint round = 0; round < SCAN_MAX_ROUNDS; round++) {
    g_autoptr(RedisReply) reply =
        redis_command(connection, error, 6, "SCAN", cursor, "MATCH", pattern, "COUNT", "1000");
    if (reply == NULL)
      return FALSE;
    const char *next = redis_reply_length(reply) == 2 ? redis_reply_string(redis_reply_element(reply, 0)) : NULL;
    if (next == NULL) {
      error_set(error, CCH_ERROR_REDIS_UNAVAILABLE, "Redis protocol: unexpected reply to SCAN");
      return FALSE;
    }
    if (!unlink_keys(connection, redis_reply_element(reply, 1), names, error))
      return FALSE;
    if (strcmp(next, "0") == 0)
      return TRUE;
    g_free(cursor);
    cursor = g_strdup(next);
  }
  error_set(error, CCH_ERROR_REDIS_UNAVAILABLE, "Redis holds too many keys to look through");
  return FALSE;
}

/* The provider's id at the end of a key, or NULL. */
static const char *
provider_id(const char *key)
{
  const char *id = key + strlen(HUB_CIRCUIT_CONFIG_PREFIX);
  gsize length = strlen(id);
  return length > 0 && length <= 9 && *id != '0' && strspn(id, "0123456789") == length ? id : NULL;
}

/* The hub reloads settings by provider, and ignores a message without ids. An instance's settings in memory come
 * from these keys or are stored in them, so their names have the ids. */
static gboolean
publish_circuit_configs(RedisConnection *connection, const GPtrArray *keys, GError **error)
{
  for (guint start = 0; start < keys->len; start += IDS_PER_MESSAGE) {
    g_autoptr(GString) ids = g_string_new(NULL);
    for (guint i = start; i < MIN(keys->len, start + IDS_PER_MESSAGE); i++) {
      const char *id = provider_id(g_ptr_array_index(keys, i));
      if (id != NULL)
        g_string_append_printf(ids, "%s%s", ids->len > 0 ? "," : "", id);
    }
    g_autofree char *message = g_strdup_printf("{\"providerIds\":[%s]}", ids->str);
    if (ids->len > 0 && !publish(connection, HUB_CIRCUIT_CONFIG_CHANNEL, message, error))
      return FALSE;
  }
  return TRUE;
}

/* Deletes the shared caches first, so that an instance that gets the message does not reload from them. */
static gboolean
notify(RedisConnection *connection, GError **error)
{
  g_autoptr(GPtrArray) circuit_configs = g_ptr_array_new_with_free_func(g_free);
  if (!unlink_pattern(connection, HUB_AUTH_PREFIX "*", NULL, error) ||
      !unlink_pattern(connection, HUB_CIRCUIT_CONFIG_PREFIX "*", circuit_configs, error) ||
      !publish_circuit_configs(connection, circuit_configs, error))
    return FALSE;
  g_autofree char *now_ms = g_strdup_printf("%" G_GINT64_FORMAT, g_get_real_time() / 1000);
  for (guint i = 0; i < G_N_ELEMENTS(channels); i++)
    if (!publish(connection, channels[i], now_ms, error))
      return FALSE;
  return TRUE;
}

gboolean
hub_notify_imported(const char *redis_url, GError **error)
{
  if (redis_url == NULL)
    return TRUE;
  g_autoptr(RedisConnection) connection = redis_connection_open(redis_url, error);
  return connection != NULL && notify(connection, error);
}
