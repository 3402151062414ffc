/* The hub's own targets, in its table public.webhook_targets. Private to notify. */
#pragma once

#include "notify/channel.h"

/* [{id, name, type, enabled}]; empty if this hub has no such table. */
json_t *hub_target_list(PgConnection *connection, GError **error);

/* The channel of the type `hub` gets the type and settings of its target. NOTIFY_CHANNEL_INVALID if that is gone or
 * switched off. */
gboolean hub_target_open(PgConnection *connection, NotifyChannel *channel, GError **error);
