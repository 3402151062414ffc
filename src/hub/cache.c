#include "hub/cache.h"

#include "hub/keys.h"
#include "hub_sql.h"
#include "pg/connection/connection.h"
#include "redis/redis.h"

#include <string.h>

typedef struct {
  GPtrArray *keys;                      /* Redis keys to delete; owned strings */
  GString *circuits, *users, *api_keys; /* ids, separated by commas */
  gboolean has_users, has_keys, has_providers;
} News;

static void
add_key(News *news, const char *prefix, const char *value)
{
  g_ptr_array_add(news->keys, g_strconcat(prefix, value, NULL));
}

static void
append_id(GString *ids, const char *id)
{
  g_string_append_printf(ids, "%s%s", ids->len > 0 ? "," : "", id);
}

static void
collect_news(News *news, const GArray *changes)
{
  for (guint i = 0; i < changes->len; i++) {
    const HubChange *change = &g_array_index(changes, HubChange, i);
    char text[32];
    g_snprintf(text, sizeof text, "%" G_GINT64_FORMAT, change->id);
    if (strcmp(change->table, "users") == 0) {
      news->has_users = TRUE;
      append_id(news->users, text);
      add_key(news, HUB_AUTH_PREFIX "user:", text);
    } else if (strcmp(change->table, "keys") == 0) {
      news->has_keys = TRUE;
      append_id(news->api_keys, text);
    } else {
      news->has_providers = TRUE;
      if (strcmp(change->table, "provider_endpoints") == 0) {
        add_key(news, HUB_ENDPOINT_CIRCUIT_PREFIX, text);
      } else if (change->is_deletion) {
        add_key(news, HUB_CIRCUIT_STATE_PREFIX, text);
        add_key(news, HUB_CIRCUIT_CONFIG_PREFIX, text);
        append_id(news->circuits, text);
      }
    }
  }
}

/* The hub caches a key under its SHA-256. */
static gboolean
add_auth_keys(News *news, PgConnection *connection)
{
  if (news->users->len == 0 && news->api_keys->len == 0)
    return TRUE;
  g_autofree char *users = g_strdup_printf("{%s}", news->users->str);
  g_autofree char *keys = g_strdup_printf("{%s}", news->api_keys->str);
  g_autoptr(PgResult) result = pg_connection_query(connection, NULL, hub_key_digests_sql, 2, users, keys);
  for (guint i = 0; result != NULL && i < pg_result_rows(result); i++)
    add_key(news, HUB_AUTH_PREFIX "key:", pg_result_text(result, i, 0));
  return result != NULL;
}

static gboolean
publish_message(RedisConnection *connection, const char *channel, const char *message)
{
  g_autoptr(RedisReply) reply = redis_command(connection, NULL, 3, "PUBLISH", channel, message);
  return reply != NULL;
}

/* Deletes the shared caches first, so that an instance that gets the message does not reload from them. */
static gboolean
send_news(RedisConnection *connection, const News *news)
{
  g_autoptr(GPtrArray) argv = g_ptr_array_new();
  g_ptr_array_add(argv, (gpointer) "UNLINK");
  g_ptr_array_extend(argv, news->keys, NULL, NULL);
  if (argv->len > 1) {
    g_autoptr(RedisReply) reply = redis_commandv(connection, NULL, argv->len, (const char *const *)argv->pdata);
    if (reply == NULL)
      return FALSE;
  }
  g_autofree char *now_ms = g_strdup_printf("%" G_GINT64_FORMAT, g_get_real_time() / 1000);
  g_autofree char *circuits = g_strdup_printf("{\"providerIds\":[%s]}", news->circuits->str);
  return (!news->has_providers || publish_message(connection, HUB_PROVIDERS_CHANNEL, now_ms)) &&
         (!(news->has_keys || news->has_users) || publish_message(connection, HUB_API_KEYS_CHANNEL, now_ms)) &&
         (news->circuits->len == 0 || publish_message(connection, HUB_CIRCUIT_CONFIG_CHANNEL, circuits));
}

json_t *
hub_cache_tell(const char *redis_url, PgConnection *connection, const GArray *changes)
{
  if (redis_url == NULL)
    return json_null();
  if (changes->len == 0)
    return json_true();
  g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GString) circuits = g_string_new(NULL);
  g_autoptr(GString) users = g_string_new(NULL);
  g_autoptr(GString) api_keys = g_string_new(NULL);
  News news = {.keys = keys, .circuits = circuits, .users = users, .api_keys = api_keys};
  collect_news(&news, changes);
  g_autoptr(RedisConnection) redis = redis_connection_open(redis_url, NULL);
  return json_boolean(redis != NULL && add_auth_keys(&news, connection) && send_news(redis, &news));
}
