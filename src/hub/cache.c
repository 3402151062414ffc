#include "hub/cache.h"

#include "batch/rows/rows.h"
#include "hub_sql.h"
#include "pg/connection/connection.h"
#include "redis/redis.h"

#include <string.h>

typedef struct {
  GPtrArray *keys; /* of Redis, to delete; owned strings */
  GString *circuits;
  gboolean has_users, has_keys, has_providers;
} News;

static void
add_key(News *news, const char *format, const char *value)
{
  g_autoptr(GString) key = g_string_new(format);
  g_string_append(key, value);
  g_ptr_array_add(news->keys, g_string_free(g_steal_pointer(&key), FALSE));
}

static gboolean
sets_column(const json_t *row, const char *column)
{
  gsize i;
  const json_t *change;
  json_array_foreach(json_object_get(row, "changes"), i, change)
    if (g_strcmp0(json_string_value(json_object_get(change, "column")), column) == 0)
      return TRUE;
  return FALSE;
}

static void
collect_news(News *news, const json_t *changes, GArray *user_ids, GArray *key_ids)
{
  gsize i;
  const json_t *row;
  json_array_foreach((json_t *)changes, i, row) {
    const char *entity = json_string_value(json_object_get(row, "entity"));
    gint64 id = json_integer_value(json_object_get(row, "id"));
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, id);
    if (strcmp(entity, "users") == 0) {
      news->has_users = TRUE;
      g_array_append_val(user_ids, id);
      add_key(news, "api_key_auth:v1:user:", text);
    } else if (strcmp(entity, "keys") == 0) {
      news->has_keys = TRUE;
      g_array_append_val(key_ids, id);
    } else {
      news->has_providers = TRUE;
      if (strcmp(entity, "provider_endpoints") == 0) {
        add_key(news, "endpoint_circuit_breaker:state:", text);
      } else if (sets_column(row, "deleted_at")) {
        add_key(news, "circuit_breaker:state:", text);
        add_key(news, "circuit_breaker:config:", text);
        g_string_append_printf(news->circuits, "%s%s", news->circuits->len > 0 ? "," : "", text);
      }
    }
  }
}

/* The hub caches a key under its SHA-256. */
static gboolean
add_auth_keys(News *news, PgConnection *connection, const GArray *user_ids, const GArray *key_ids)
{
  if (user_ids->len == 0 && key_ids->len == 0)
    return TRUE;
  g_autofree char *users = batch_ids_value(user_ids);
  g_autofree char *keys = batch_ids_value(key_ids);
  g_autoptr(PgResult) result = pg_connection_query(connection, NULL, hub_key_digests_sql, 2, users, keys);
  for (guint i = 0; result != NULL && i < pg_result_rows(result); i++)
    add_key(news, "api_key_auth:v1:key:", pg_result_text(result, i, 0));
  return result != NULL;
}

static gboolean
publish_message(RedisConnection *connection, const char *channel, const char *message)
{
  g_autoptr(RedisReply) reply = redis_command(connection, NULL, 3, "PUBLISH", channel, message);
  return reply != NULL;
}

/* First what is shared, so that whoever hears the messages does not fill up from it again. */
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
  return (!news->has_providers || publish_message(connection, "cch:cache:providers:updated", now_ms)) &&
         (!(news->has_keys || news->has_users) || publish_message(connection, "cch:cache:api_keys:updated", now_ms)) &&
         (news->circuits->len == 0 ||
          publish_message(connection, "cch:cache:circuit_breaker_config:updated", circuits));
}

json_t *
hub_cache_tell(const BatchContext *context, PgConnection *connection, const json_t *changes)
{
  if (context->redis_url == NULL)
    return json_null();
  if (json_array_size(changes) == 0)
    return json_true();
  News news = {.keys = g_ptr_array_new_with_free_func(g_free), .circuits = g_string_new(NULL)};
  g_autoptr(GArray) user_ids = g_array_new(FALSE, FALSE, sizeof(gint64));
  g_autoptr(GArray) key_ids = g_array_new(FALSE, FALSE, sizeof(gint64));
  collect_news(&news, changes, user_ids, key_ids);
  g_autoptr(RedisConnection) redis = redis_connection_open(context->redis_url, NULL);
  gboolean ok = redis != NULL && add_auth_keys(&news, connection, user_ids, key_ids) && send_news(redis, &news);
  g_ptr_array_unref(news.keys);
  g_string_free(news.circuits, TRUE);
  return json_boolean(ok);
}
