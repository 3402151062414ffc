/* The channels: where messages go. In cch_data.notify_channels, the secrets sealed with the data directory's key
 * (base/os/seal.h), so another instance on the same database needs a copy of that key's file.
 *
 * As JSON: {name, type, enabled, language: "zh-CN"|"en", kinds: […], settings: {…}}. The types and their settings,
 * * required, s secret (never given out; in an answer `secrets` tells which are set):
 *
 *   wechat    url*s                                   the robot of a WeCom group
 *   feishu    url*s, secret s                         the robot of a Feishu or Lark group, with its signature
 *   dingtalk  url*s, secret s                         the robot of a DingTalk group, with its signature
 *   telegram  botToken*s, chatId*, apiUrl             apiUrl: of a Bot API server of one's own
 *   slack     url*s                                   an incoming webhook, also Mattermost's and Rocket.Chat's
 *   webhook   url*s, secret s                         our JSON, signed (notify/send.h)
 *   custom    url*s, template*, headers s             the hub's own custom kind: {{title}} … in any JSON object
 *   ping      url*s                                   called after each successful backup (a dead man's switch)
 *   email     server*, user, password s, from*, to*   smtps://…, or smtp://… with STARTTLS; "plain": true without
 *   hub       targetId*                               a row of the hub's public.webhook_targets, with its settings
 *
 * All over HTTP but hub also have proxyUrl s. */
#pragma once

#include "notify/kinds.h"
#include "pg/connection/connection.h"

#include "base/json.h"

typedef struct {
  char *id, *name, *type;
  char *language;
  json_t *settings; /* with the secrets */
} NotifyChannel;

void notify_channel_clear(NotifyChannel *channel);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(NotifyChannel, notify_channel_clear)

/* {channels: […], hubTargets: [{id, name, type, enabled}]} as JSON; free with g_free. */
char *notify_channel_list(PgConnection *connection, GError **error);
/* One as JSON; free with g_free. NOTIFY_CHANNEL_UNKNOWN. */
char *notify_channel_read(PgConnection *connection, const char *id, GError **error);

/* Checks and saves a new channel (`id` NULL), or changes the given members of one: a setting that is not given stays,
 * one that is null goes. A secret has to be given again for another server, and all of them if their key is lost,
 * unless neither the settings change nor the channel is switched on. `ret_id`: its id; free with g_free.
 * NOTIFY_CHANNEL_INVALID names what is wrong; NOTIFY_CHANNEL_UNKNOWN. */
gboolean notify_channel_save(PgConnection *connection, const char *data_directory, const char *id, json_t *given,
                             char **ret_id, GError **error);
/* NOTIFY_CHANNEL_UNKNOWN. */
gboolean notify_channel_delete(PgConnection *connection, const char *id, GError **error);

/* Opens a channel to send over it; the hub's target in the form of the type that it has. NOTIFY_CHANNEL_UNKNOWN,
 * SECRET_KEY_LOST; NOTIFY_CHANNEL_INVALID if the hub's target is gone or switched off. */
gboolean notify_channel_open(PgConnection *connection, const char *data_directory, const char *id,
                             NotifyChannel *ret_channel, GError **error);
