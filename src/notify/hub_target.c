#include "notify/hub_target.h"

#include "base/error.h"
#include "base/json.h"
#include "notify/settings.h"
#include "notify_sql.h"

#include <string.h>

static gboolean
has_hub_targets(PgConnection *connection, gboolean *ret_has, GError **error)
{
  g_autofree char *found = NULL;
  if (!pg_connection_value(connection, &found, error, "SELECT pg_catalog.to_regclass('public.webhook_targets')", 0))
    return FALSE;
  *ret_has = found != NULL;
  return TRUE;
}

json_t *
hub_target_list(PgConnection *connection, GError **error)
{
  gboolean has_targets = FALSE;
  g_autofree char *targets = NULL;
  if (!has_hub_targets(connection, &has_targets, error) ||
      (has_targets && !pg_connection_value(connection, &targets, error, notify_hub_targets_sql, 0)))
    return NULL;
  return targets != NULL ? json_loads(targets, 0, NULL) : json_array();
}

/* The hub's names of the members that we call otherwise. */
static json_t *
hub_settings(const json_t *target)
{
  static const char *const names[][2] = {
      {"webhook_url", "url"},          {"telegram_bot_token", "botToken"},
      {"telegram_chat_id", "chatId"},  {"dingtalk_secret", "secret"},
      {"custom_template", "template"}, {"custom_headers", "headers"},
      {"proxy_url", "proxyUrl"},       {"proxy_fallback_to_direct", "proxyFallback"},
  };
  json_t *settings = json_object();
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    json_t *value = json_object_get(target, names[i][0]);
    const char *text = json_string_value(value);
    if (value != NULL && !json_is_null(value) && (text == NULL || *text != '\0'))
      json_object_set(settings, names[i][1], value);
  }
  return settings;
}

gboolean
hub_target_open(PgConnection *connection, NotifyChannel *channel, GError **error)
{
  gboolean has_targets = FALSE;
  g_autofree char *id =
      g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(channel->settings, "targetId")));
  g_autofree char *text = NULL;
  if (!has_hub_targets(connection, &has_targets, error) ||
      (has_targets && !pg_connection_value(connection, &text, error,
                                           "SELECT pg_catalog.to_jsonb(t) FROM public.webhook_targets t"
                                           " WHERE (pg_catalog.to_jsonb(t) ->> 'id') = $1",
                                           1, id)))
    return FALSE;
  g_autoptr(json_t) target = text != NULL ? json_loads(text, 0, NULL) : NULL;
  const char *type = json_string_value(json_object_get(target, "provider_type"));
  const char *problem = target == NULL                                         ? "the hub no longer has this target"
                        : json_is_false(json_object_get(target, "is_enabled")) ? "the hub's target is switched off"
                        : type == NULL || !settings_type_is_known(type) || strcmp(type, "hub") == 0
                            ? "the hub's target is of a kind that is not known here"
                            : NULL;
  if (problem != NULL) {
    error_set(error, CCH_ERROR_NOTIFY_CHANNEL_INVALID, "%s", problem);
    return FALSE;
  }
  g_free(channel->type);
  channel->type = g_strdup(type);
  json_decref(channel->settings);
  channel->settings = hub_settings(target);
  return TRUE;
}
