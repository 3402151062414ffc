/* Tells people what has become bad, and when it is good again, over the channels that an administrator has set up.
 *
 * A caller reports the state of a subject whenever it learns it. Only a change makes messages: one when the state
 * becomes bad, a reminder a day while it stays bad, one when it is good again. So nobody is flooded, however often the
 * same is reported. Messages are rows of cch_data.notify_queue, written in the caller's transaction. A thread of the
 * service sends them: they survive a restart, and of several instances one sends each. A message whose instance died
 * while sending is sent again, so a receiver may get it twice.
 *
 * A failed try is repeated after growing pauses, or when the receiver's Retry-After says; after a day the message is
 * given up and shown as failed. Messages of one channel are sent in order. Thread-safe. */
#pragma once

#include "config/config.h"
#include "notify/kinds.h"
#include "pg/pool/pool.h"

#include "base/json.h"

typedef struct Notify Notify;

/* `pool` and `config` must outlive it. */
Notify *notify_new(PgPool *pool, const Config *config);
/* Starts the thread that sends. */
void notify_start(Notify *notify);
/* Stops it; what it was sending is sent by the next start. NULL is ignored. */
void notify_free(Notify *notify);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Notify, notify_free)

/* Makes the thread look for messages soon, and for a while, because the caller's transaction may not have ended yet.
 * NULL is ignored. */
void notify_wake(Notify *notify);

/* Records the state of a subject and queues the messages that it makes. In the caller's transaction if there is one,
 * which a failure leaves usable; otherwise in its own. Does nothing where cch_data is not migrated.
 *
 * `notify` (NULL in commands) sends sooner; otherwise a running service does within a minute. `subject` names what has
 * the state: "job:daily", "destination:s3-a", "disk". NOTIFY_BACKUP_SUCCEEDED is an event without a state: every call
 * makes messages, for the channels that want them, and `is_bad` does not count.
 *
 * `details` (may be NULL; not taken over) is an object for the texts. All members are optional:
 *   name       what people call the subject; default: the subject after its colon
 *   errorCode  of base/errors.def, shown as its text
 *   reason     technical details
 *   backup, destination, holder      names
 *   hours      of NOTIFY_NO_GOOD_BACKUP_FOR_HOURS
 *   count      of held prices
 *   bytes, freeBytes, durationMs     numbers
 * Others are only in the JSON of a webhook. */
gboolean notify_state(Notify *notify, PgConnection *connection, const char *subject, NotifyKind kind, gboolean is_bad,
                      json_t *details, GError **error);

/* The outcome of one try to send. */
typedef struct {
  gboolean is_sent;
  gboolean is_final;    /* not sent, and trying again would not help */
  guint status;         /* of the receiver; 0: no answer */
  gint64 retry_after_s; /* 0: not said */
  char *problem;        /* without secrets; NULL: none */
} NotifyOutcome;

void notify_outcome_clear(NotifyOutcome *outcome);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(NotifyOutcome, notify_outcome_clear)

/* Sends a test message over a channel, also a disabled one, at once: 15 s at most. TRUE with any outcome.
 * NOTIFY_CHANNEL_UNKNOWN, SECRET_KEY_LOST, DATABASE_*, CANCELLED. */
gboolean notify_test(Notify *notify, const char *channel_id, NotifyOutcome *ret_outcome, GCancellable *cancellable,
                     GError **error);

/* The last 100 messages as JSON, the newest first; free with g_free. */
char *notify_messages(PgConnection *connection, GError **error);
