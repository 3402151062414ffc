/* One try to send one message over one channel. Private to notify.
 *
 * The kind `webhook` gets our JSON: {id, kind, mood, level, subject, title, text, advice, since, at, host, database,
 * details}. With a secret it has the headers
 *
 *   X-CCH-Timestamp: 1738146600            Unix time of this try
 *   X-CCH-Signature: sha256=<hex>          HMAC-SHA256 with the secret over "<timestamp>.<body>"
 *   X-CCH-Message: <id>                    the same in every try, so that a receiver can drop what it has had
 *
 * (the last one without a secret, too). DingTalk: base64 HMAC-SHA256 with the secret over "<ms>\n<secret>", as
 * parameters timestamp and sign of the URL. Feishu: base64 HMAC-SHA256 with the key "<s>\n<secret>" over nothing, as
 * members timestamp and sign. */
#pragma once

#include "notify/channel.h"
#include "notify/message.h"
#include "notify/notify.h"

#define NOTIFY_SEND_TIMEOUT_MS 15000 /* twice that for mail, and past a proxy that the hub may do without */

/* `ca_file`: see net/post.h. FALSE only with CANCELLED. */
gboolean notify_send(const NotifyChannel *channel, const NotifyMessage *message, const char *ca_file,
                     NotifyOutcome *ret_outcome, GCancellable *cancellable, GError **error);
