#include "monitor/figures.h"

#include "lock/lock.h"
#include "lock/redis_lock.h"
#include "monitor_sql.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { ANSWER_TIMEOUT_MS = 15000 };

/* One group of figures, if `table` is there. */
static gboolean
add_group(Samples *samples, PgConnection *connection, const char *table, const char *sql)
{
  g_autofree char *found = NULL;
  if (!pg_connection_value(connection, &found, NULL, "SELECT pg_catalog.to_regclass($1)", 1, table))
    return FALSE;
  g_autoptr(PgResult) rows = found != NULL ? pg_connection_query(connection, NULL, sql, 0) : NULL;
  for (guint row = 0; rows != NULL && row < pg_result_rows(rows); row++) {
    Metric metric;
    const char *value = pg_result_text(rows, row, 5), *label = pg_result_text(rows, row, 1),
               *other = pg_result_text(rows, row, 3);
    if (value != NULL && samples_find_metric(pg_result_text(rows, row, 0), &metric))
      samples_add(samples, metric, g_ascii_strtod(value, NULL), label, pg_result_text(rows, row, 2),
                  label != NULL ? other : NULL, pg_result_text(rows, row, 4), NULL);
  }
  return found == NULL || rows != NULL;
}

static void
add_lock(Samples *samples, PgConnection *connection, const Config *config)
{
  g_auto(BackupLockHolder) holder = {0};
  if (!backup_lock_inspect(connection, config->redis_url, &holder, NULL))
    return;
  if (!holder.is_held) {
    samples_add(samples, METRIC_LOCK_HELD, 0, NULL);
    return;
  }
  samples_add(samples, METRIC_LOCK_HELD, 1, "operation", holder.operation != NULL ? holder.operation : "unknown", NULL);
  g_autoptr(GDateTime) since = holder.since != NULL ? g_date_time_new_from_iso8601(holder.since, NULL) : NULL;
  if (since != NULL)
    samples_add(samples, METRIC_LOCK_AGE,
                (double)MAX(g_get_real_time() / G_USEC_PER_SEC - g_date_time_to_unix(since), 0), NULL);
}

static void
add_disk(Samples *samples, const char *directory)
{
  struct statvfs room;
  if (directory == NULL || statvfs(directory, &room) != 0)
    return;
  samples_add(samples, METRIC_DISK_FREE, (double)room.f_bavail * (double)room.f_frsize, NULL);
  samples_add(samples, METRIC_DISK_SIZE, (double)room.f_blocks * (double)room.f_frsize, NULL);
}

void
figures_add_shared(Samples *samples, PgConnection *connection, const Config *config)
{
  gboolean is_up = connection != NULL;
  if (is_up) {
    pg_connection_set_answer_timeout(connection, ANSWER_TIMEOUT_MS);
    is_up = add_group(samples, connection, "cch_data.backup_jobs", monitor_backups_sql) &&
            add_group(samples, connection, "cch_data.price_held", monitor_prices_sql) &&
            add_group(samples, connection, "cch_data.notify_queue", monitor_messages_sql);
  }
  samples_add(samples, METRIC_DATABASE_UP, is_up, NULL);
  if (config->redis_url != NULL)
    samples_add(samples, METRIC_REDIS_UP, redis_lock_probe(config->redis_url, NULL), NULL);
  add_lock(samples, is_up ? connection : NULL, config);
  add_disk(samples, config->data_dir);
}

/* Pages of resident memory, from /proc/self/statm. */
static guint64
resident_pages(void)
{
  g_autofree char *text = NULL;
  unsigned long long size = 0, resident = 0;
  if (!g_file_get_contents("/proc/self/statm", &text, NULL, NULL) || sscanf(text, "%llu %llu", &size, &resident) != 2)
    return 0;
  return resident;
}

static guint
open_fds(void)
{
  guint n = 0;
  g_autoptr(GDir) directory = g_dir_open("/proc/self/fd", 0, NULL);
  while (directory != NULL && g_dir_read_name(directory) != NULL)
    n++;
  return n > 0 ? n - 1 : 0; /* without the directory itself */
}

void
figures_add_process(Samples *samples, gint64 started_us)
{
  struct rusage usage = {0};
  getrusage(RUSAGE_SELF, &usage);
  double cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  samples_add(samples, METRIC_BUILD_INFO, 1, "version", CCH_VERSION, NULL);
  samples_add(samples, METRIC_UPTIME, (double)(g_get_real_time() - started_us) / 1e6, NULL);
  samples_add(samples, METRIC_RESIDENT, (double)resident_pages() * (double)sysconf(_SC_PAGESIZE), NULL);
  samples_add(samples, METRIC_CPU, cpu_s, NULL);
  samples_add(samples, METRIC_START, (double)started_us / 1e6, NULL);
  samples_add(samples, METRIC_FDS, open_fds(), NULL);
}
