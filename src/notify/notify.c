#include "notify/notify.h"

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "notify/channel.h"
#include "notify/internal.h"
#include "notify/message.h"
#include "notify/send.h"
#include "notify_sql.h"

#include <math.h>
#include <string.h>

enum {
  IDLE_S = 60,       /* between looks while nothing waits */
  AWAKE_S = 30,      /* after a state was reported: its transaction has ended by then */
  AWAKE_PAUSE_S = 1, /* between looks meanwhile */
  FIRST_PAUSE_S = 2, /* after a failed try; doubles with each */
  MAX_PAUSE_S = 1800,
  DATABASE_TIMEOUT_MS = 30000
};

struct Notify {
  PgPool *pool;
  const Config *config;
  GCancellable *stopping;
  GThread *thread;
  GHashTable *unreadable; /* set of ids of channels that this look found sealed with another key; the thread's */
  GMutex mutex;           /* guards the member below */
  GCond woken;
  gint64 awake_until_us; /* monotonic */
};

Notify *
notify_new(PgPool *pool, const Config *config)
{
  Notify *notify = g_new0(Notify, 1);
  notify->pool = pool;
  notify->config = config;
  notify->stopping = g_cancellable_new();
  notify->unreadable = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_mutex_init(&notify->mutex);
  g_cond_init(&notify->woken);
  return notify;
}

void
notify_free(Notify *notify)
{
  if (notify == NULL)
    return;
  g_cancellable_cancel(notify->stopping);
  g_mutex_lock(&notify->mutex);
  g_cond_signal(&notify->woken);
  g_mutex_unlock(&notify->mutex);
  g_clear_pointer(&notify->thread, g_thread_join);
  g_hash_table_unref(notify->unreadable);
  g_object_unref(notify->stopping);
  g_cond_clear(&notify->woken);
  g_mutex_clear(&notify->mutex);
  g_free(notify);
}

void
notify_wake(Notify *notify)
{
  if (notify == NULL)
    return;
  g_mutex_lock(&notify->mutex);
  notify->awake_until_us = g_get_monotonic_time() + AWAKE_S * G_USEC_PER_SEC;
  g_cond_signal(&notify->woken);
  g_mutex_unlock(&notify->mutex);
}

const char *
notify_host(void)
{
  return g_get_host_name();
}

static PgConnection *
connect_to(Notify *notify, GCancellable *cancellable, GError **error)
{
  return pg_connection_open_within(pg_pool_dsn(notify->pool), "cch-data notify", DATABASE_TIMEOUT_MS, cancellable,
                                   error);
}

/* ---- Sending what waits ---- */

typedef struct {
  char *channel_id;
  guint tries;
  char *problem_before; /* NULL: none */
  NotifyMessage message;
} Claim;

static void
claim_clear(Claim *claim)
{
  g_free(claim->channel_id);
  g_free(claim->problem_before);
  notify_message_clear(&claim->message);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Claim, claim_clear)

static char *
unreadable_array(Notify *notify)
{
  g_autofree gpointer *ids = g_hash_table_get_keys_as_array(notify->unreadable, NULL);
  return pg_array((const char *const *)ids);
}

/* A message of a newer version, whose kind is not known here, is left to it. */
static gboolean
claim_next(Notify *notify, PgConnection *connection, Claim *claim, gboolean *ret_is_there, GError **error)
{
  g_autofree char *left_out = unreadable_array(notify);
  g_autoptr(PgResult) row = pg_connection_query(connection, error, notify_claim_sql, 1, left_out);
  if (row == NULL)
    return FALSE;
  *ret_is_there = pg_result_rows(row) > 0;
  if (!*ret_is_there)
    return TRUE;
  NotifyMessage message = {.id = g_strdup(pg_result_text(row, 0, 0)),
                           .subject = g_strdup(pg_result_text(row, 0, 2)),
                           .host = g_strdup(pg_result_text(row, 0, 5)),
                           .database = g_strdup(pg_result_text(row, 0, 6)),
                           .since_s = pg_result_int64(row, 0, 7),
                           .made_s = pg_result_int64(row, 0, 8),
                           .details = json_loads(pg_result_text(row, 0, 9), 0, NULL)};
  *claim = (Claim){g_strdup(pg_result_text(row, 0, 1)), (guint)pg_result_int64(row, 0, 10),
                   g_strdup(pg_result_text(row, 0, 11)), message};
  if (notify_kind_parse(pg_result_text(row, 0, 3), &claim->message.kind) &&
      notify_mood_parse(pg_result_text(row, 0, 4), &claim->message.mood))
    return TRUE;
  error_set(error, CCH_ERROR_INTERNAL, "message %s is of a kind that this version does not know", message.id);
  return FALSE;
}

static gint64
pause_s(guint tries)
{
  return MIN((gint64)FIRST_PAUSE_S << MIN(tries > 0 ? tries - 1 : 0, 20), MAX_PAUSE_S);
}

static gboolean
finish(Notify *notify, PgConnection *connection, const Claim *claim, const NotifyOutcome *outcome, GError **error)
{
  /* The next look may find the key, or another instance have it. */
  gboolean is_unreadable = g_hash_table_contains(notify->unreadable, claim->channel_id);
  const char *state = outcome->is_sent ? "sent" : outcome->is_final ? "failed" : "queued";
  gint64 pause = is_unreadable ? 0 : MAX(pause_s(claim->tries), outcome->retry_after_s);
  g_autofree char *wait_s = g_strdup_printf("%" G_GINT64_FORMAT, pause);
  g_autoptr(PgResult) finished = pg_connection_query(connection, error, notify_finish_sql, 5, claim->message.id, state,
                                                     outcome->problem, wait_s, is_unreadable ? "1" : "0");
  if (finished == NULL)
    return FALSE;
  gboolean is_logged = is_unreadable && g_strcmp0(outcome->problem, claim->problem_before) == 0;
  if (!outcome->is_sent && !is_logged)
    log_event(LOG_WARNING, outcome->is_final ? "message failed" : "message put off", "channel", claim->channel_id,
              "subject", claim->message.subject, "reason", outcome->problem, NULL);
  return TRUE;
}

/* Closes the connection, which a stop would end, and because sending may take half a minute. The problem of a channel
 * that cannot be opened is the outcome. FALSE with CANCELLED. */
static gboolean
try_to_send(Notify *notify, PgConnection **connection, const Claim *claim, NotifyOutcome *outcome, GError **error)
{
  g_auto(NotifyChannel) channel = {0};
  g_autoptr(GError) problem = NULL;
  if (!notify_channel_open(*connection, notify->config->data_dir, claim->channel_id, &channel, &problem)) {
    if (error_code(problem) == CCH_ERROR_CANCELLED) {
      g_clear_pointer(connection, pg_connection_free);
      g_propagate_error(error, g_steal_pointer(&problem));
      return FALSE;
    }
    if (error_code(problem) == CCH_ERROR_SECRET_KEY_LOST)
      g_hash_table_add(notify->unreadable, g_strdup(claim->channel_id));
    outcome->problem = g_strdup(problem->message);
    outcome->is_final = error_code(problem) == CCH_ERROR_NOTIFY_CHANNEL_INVALID;
    return TRUE;
  }
  g_clear_pointer(connection, pg_connection_free);
  return notify_send(&channel, &claim->message, notify->config->notify_ca_file, outcome, notify->stopping, error);
}

/* Sends one message; `ret_is_there` is FALSE if none is due. The connection is another one after a message was sent. */
static gboolean
send_next(Notify *notify, PgConnection **connection, gboolean *ret_is_there, GError **error)
{
  g_auto(Claim) claim = {0};
  g_auto(NotifyOutcome) outcome = {0};
  if (!claim_next(notify, *connection, &claim, ret_is_there, error))
    return FALSE;
  if (!*ret_is_there)
    return TRUE;
  g_autoptr(GError) stopped = NULL;
  gboolean is_tried = try_to_send(notify, connection, &claim, &outcome, &stopped);
  if (*connection == NULL && (*connection = connect_to(notify, NULL, error)) == NULL)
    return FALSE;
  if (is_tried)
    return finish(notify, *connection, &claim, &outcome, error);
  g_autoptr(PgResult) given_back = pg_connection_query(*connection, NULL, notify_give_back_sql, 1, claim.message.id);
  g_propagate_error(error, g_steal_pointer(&stopped));
  return FALSE;
}

/* Sends all that is due; `ret_wait_s`: until the next is. */
static gboolean
send_all(Notify *notify, double *ret_wait_s, GError **error)
{
  g_autofree char *is_migrated = NULL, *wait_s = NULL;
  *ret_wait_s = IDLE_S;
  g_hash_table_remove_all(notify->unreadable); /* the key may be back, or the secrets entered again */
  g_autoptr(PgConnection) connection = connect_to(notify, notify->stopping, error);
  if (connection == NULL ||
      !pg_connection_value(connection, &is_migrated, error, "SELECT pg_catalog.to_regclass('cch_data.notify_queue')",
                           0) ||
      (is_migrated != NULL && !pg_connection_exec(connection, notify_sweep_sql, error)))
    return FALSE;
  if (is_migrated == NULL)
    return TRUE;
  for (gboolean is_there = TRUE; is_there;)
    if (!send_next(notify, &connection, &is_there, error))
      return FALSE;
  g_autofree char *left_out = unreadable_array(notify);
  if (!pg_connection_value(connection, &wait_s, error, notify_next_try_sql, 1, left_out))
    return FALSE;
  if (wait_s != NULL)
    *ret_wait_s = CLAMP(ceil(g_ascii_strtod(wait_s, NULL)), AWAKE_PAUSE_S, IDLE_S);
  return TRUE;
}

/* Until the next look is due, somebody wakes us, or the service stops. */
static void
wait_until_due(Notify *notify, double wait_s)
{
  g_mutex_lock(&notify->mutex);
  gint64 now_us = g_get_monotonic_time(), awake_us = notify->awake_until_us;
  if (now_us < awake_us)
    wait_s = MIN(wait_s, AWAKE_PAUSE_S);
  gint64 until_us = now_us + (gint64)(wait_s * G_USEC_PER_SEC);
  while (!g_cancellable_is_cancelled(notify->stopping) && notify->awake_until_us == awake_us &&
         g_cond_wait_until(&notify->woken, &notify->mutex, until_us))
    continue;
  g_mutex_unlock(&notify->mutex);
}

static gpointer
notify_thread(gpointer data)
{
  Notify *notify = data;
  LogRepeat away = {0};
  while (!g_cancellable_is_cancelled(notify->stopping)) {
    double wait_s = IDLE_S;
    guint n = 0;
    g_autoptr(GError) error = NULL;
    if (send_all(notify, &wait_s, &error))
      log_repeat_end(&away);
    else if (error_code(error) != CCH_ERROR_CANCELLED && log_repeat_is_due(&away, &n))
      log_event(LOG_WARNING, "messages wait", "code", error_info(error)->code, "reason", error->message, NULL);
    wait_until_due(notify, wait_s);
  }
  return NULL;
}

void
notify_start(Notify *notify)
{
  notify->thread = g_thread_new("notify", notify_thread, notify);
}

/* ---- A test ---- */

gboolean
notify_test(Notify *notify, const char *channel_id, NotifyOutcome *ret_outcome, GCancellable *cancellable,
            GError **error)
{
  g_auto(NotifyChannel) channel = {0};
  gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
  g_auto(NotifyMessage) message = {.id = g_strdup("test"),
                                   .kind = NOTIFY_BACKUP_SUCCEEDED,
                                   .mood = NOTIFY_TEST,
                                   .subject = g_strdup("test"),
                                   .host = g_strdup(notify_host()),
                                   .since_s = now_s,
                                   .made_s = now_s,
                                   .details = json_object()};
  {
    g_autoptr(PgConnection) connection = connect_to(notify, cancellable, error);
    if (connection == NULL || !notify_channel_open(connection, notify->config->data_dir, channel_id, &channel, error) ||
        !pg_connection_value(connection, &message.database, error, "SELECT pg_catalog.current_database()", 0))
      return FALSE;
  }
  return notify_send(&channel, &message, notify->config->notify_ca_file, ret_outcome, cancellable, error);
}
