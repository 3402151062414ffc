#include "monitor/watch.h"

#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"
#include "lock/lock.h"
#include "monitor/check.h"

#include <sys/statvfs.h>

enum { INTERVAL_S = 300, DATABASE_TIMEOUT_MS = 30000 };

struct MonitorWatch {
  PgPool *pool;
  const Config *config;
  Notify *notify;
  PeriodicThread *thread;
  LogRepeat away;
};

static gboolean
watch_lock(MonitorWatch *watch, PgConnection *connection, GError **error)
{
  g_auto(BackupLockHolder) holder = {0};
  if (!backup_lock_inspect(connection, watch->config->redis_url, &holder, error))
    return FALSE;
  g_autoptr(GDateTime) since = holder.since != NULL ? g_date_time_new_from_iso8601(holder.since, NULL) : NULL;
  double held_s =
      since != NULL ? (double)(g_get_real_time() / G_USEC_PER_SEC - g_date_time_to_unix(since)) : 0; /* else unknown */
  g_autoptr(json_t) details =
      json_pack("{s:s?, s:s?, s:i}", "name", holder.operation, "holder", holder.holder, "hours", (int)(held_s / 3600));
  return notify_state(watch->notify, connection, "lock", NOTIFY_LOCK_STUCK, held_s > CHECK_LOCK_LONG_S, details, error);
}

static gboolean
watch_disk(MonitorWatch *watch, PgConnection *connection, GError **error)
{
  struct statvfs room;
  const char *directory = watch->config->data_dir;
  if (statvfs(directory, &room) != 0)
    return TRUE; /* unknown */
  double free_bytes = (double)room.f_bavail * (double)room.f_frsize;
  g_autofree char *name = g_strdup_printf("%s:%s", g_get_host_name(), directory);
  g_autofree char *subject = g_strdup_printf("disk:%s", name);
  g_autoptr(json_t) details = json_pack("{s:o, s:I}", "name", json_string(name), "freeBytes", (json_int_t)free_bytes);
  gboolean is_short = check_disk(free_bytes, (double)room.f_blocks * (double)room.f_frsize) != CHECK_OK;
  return notify_state(watch->notify, connection, subject, NOTIFY_DISK_SHORT, is_short, details, error);
}

static void
look(gpointer data, GCancellable *stopping)
{
  MonitorWatch *watch = data;
  guint n = 0;
  g_autoptr(GError) error = NULL;
  g_autoptr(PgConnection) connection =
      pg_connection_open_within(pg_pool_dsn(watch->pool), "cch-data watch", DATABASE_TIMEOUT_MS, stopping, &error);
  if (connection != NULL && watch_lock(watch, connection, &error) && watch_disk(watch, connection, &error))
    log_repeat_end(&watch->away);
  else if (error_code(error) != CCH_ERROR_CANCELLED && log_repeat_is_due(&watch->away, &n))
    log_event(LOG_WARNING, "lock and disk are not watched", "code", error_info(error)->code, "reason", error->message,
              NULL);
}

MonitorWatch *
monitor_watch_start(PgPool *pool, const Config *config, Notify *notify)
{
  MonitorWatch *watch = g_new0(MonitorWatch, 1);
  *watch = (MonitorWatch){.pool = pool, .config = config, .notify = notify};
  watch->thread = periodic_thread_start("watch", INTERVAL_S, look, watch);
  return watch;
}

void
monitor_watch_stop(MonitorWatch *watch)
{
  if (watch == NULL)
    return;
  periodic_thread_stop(watch->thread);
  g_free(watch);
}
