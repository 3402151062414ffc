#include "notify/internal.h"
#include "notify/message.h"

#include "base/error.h"
#include "base/json.h"
#include "notify_sql.h"

#define SAVEPOINT "cch_notify"

typedef struct {
  gboolean was_bad, was_told, is_reminder_due;
  char *since;
} Before;

static void
before_clear(Before *before)
{
  g_free(before->since);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Before, before_clear)

static gboolean
lock_state(PgConnection *connection, const char *subject, const char *kind, Before *before, GError **error)
{
  g_autoptr(PgResult) made =
      pg_connection_query(connection, error,
                          "INSERT INTO cch_data.notify_states (subject, kind, is_bad, since)"
                          " VALUES ($1, $2, false, pg_catalog.clock_timestamp()) ON CONFLICT DO NOTHING",
                          2, subject, kind);
  g_autoptr(PgResult) found =
      made != NULL ? pg_connection_query(connection, error, notify_state_lock_sql, 2, subject, kind) : NULL;
  if (found == NULL)
    return FALSE;
  if (pg_result_rows(found) == 0) {
    error_set(error, CCH_ERROR_INTERNAL, "the state of %s is gone", subject);
    return FALSE;
  }
  *before = (Before){pg_result_bool(found, 0, 0), pg_result_bool(found, 0, 2), pg_result_bool(found, 0, 3),
                     g_strdup(pg_result_text(found, 0, 1))};
  return TRUE;
}

static gboolean
queue(PgConnection *connection, const char *subject, const char *kind, NotifyMood mood, const char *since,
      const json_t *details, guint64 *ret_n, GError **error)
{
  g_autofree char *text = details != NULL ? json_to_text(details) : g_strdup("{}");
  g_autoptr(PgResult) queued =
      pg_connection_query(connection, error, notify_queue_sql, 6, subject, kind, notify_mood_name(mood), since,
                          notify_host(), text != NULL ? text : "{}");
  if (queued == NULL)
    return FALSE;
  *ret_n = pg_result_affected(queued);
  return TRUE;
}

/* A message that reached no channel is made again at the next report, when there may be one. */
static gboolean
report(PgConnection *connection, const char *subject, NotifyKind kind, gboolean is_bad, const json_t *details,
       guint64 *ret_n, GError **error)
{
  const char *name = notify_kind_name(kind);
  if (kind == NOTIFY_BACKUP_SUCCEEDED)
    return queue(connection, subject, name, NOTIFY_DONE, NULL, details, ret_n, error);
  g_auto(Before) before = {0};
  if (!lock_state(connection, subject, name, &before, error))
    return FALSE;
  gboolean is_told = TRUE;
  if (is_bad && !before.was_told)
    is_told = queue(connection, subject, name, NOTIFY_BAD, before.was_bad ? before.since : NULL, details, ret_n, error);
  else if (is_bad && before.is_reminder_due)
    is_told = queue(connection, subject, name, NOTIFY_REMINDER, before.since, details, ret_n, error);
  else if (!is_bad && before.was_told)
    is_told = queue(connection, subject, name, NOTIFY_RECOVERED, before.since, details, ret_n, error);
  if (!is_told)
    return FALSE;
  g_autoptr(PgResult) saved = pg_connection_query(connection, error, notify_state_set_sql, 4, subject, name,
                                                  is_bad ? "t" : "f", *ret_n > 0 ? "t" : "f");
  return saved != NULL;
}

static gboolean
is_migrated(PgConnection *connection, gboolean *ret_is, GError **error)
{
  g_autofree char *found = NULL;
  if (!pg_connection_value(connection, &found, error, "SELECT pg_catalog.to_regclass('cch_data.notify_queue')", 0))
    return FALSE;
  *ret_is = found != NULL;
  return TRUE;
}

gboolean
notify_state(Notify *notify, PgConnection *connection, const char *subject, NotifyKind kind, gboolean is_bad,
             json_t *details, GError **error)
{
  guint64 n = 0;
  gboolean is_there = FALSE, is_callers = pg_connection_in_transaction(connection);
  if (!is_migrated(connection, &is_there, error))
    return FALSE;
  if (!is_there)
    return TRUE;
  if (!pg_connection_exec(connection, is_callers ? "SAVEPOINT " SAVEPOINT : "BEGIN", error))
    return FALSE;
  if (!report(connection, subject, kind, is_bad, details, &n, error) ||
      !pg_connection_exec(connection, is_callers ? "RELEASE SAVEPOINT " SAVEPOINT : "COMMIT", error)) {
    if (is_callers)
      pg_connection_exec(connection, "ROLLBACK TO SAVEPOINT " SAVEPOINT "; RELEASE SAVEPOINT " SAVEPOINT, NULL);
    else
      pg_connection_rollback(connection);
    g_prefix_error(error, "queue a message about %s: ", subject);
    return FALSE;
  }
  if (n > 0)
    notify_wake(notify);
  return TRUE;
}

char *
notify_messages(PgConnection *connection, GError **error)
{
  g_autofree char *messages = NULL;
  if (!pg_connection_value(connection, &messages, error, notify_messages_sql, 0))
    return NULL;
  return g_strdup_printf("{\"messages\":%s}", messages);
}
