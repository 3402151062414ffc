#include "backup/statistics/statistics.h"
#include "base/log.h"
#include "base/wait.h"

struct StatisticsKeeper {
  char *dsn;
  LogRepeat failing;
  PeriodicThread *thread;
};

static void
complete_statistics(gpointer data, GCancellable *stopping)
{
  StatisticsKeeper *keeper = data;
  StatisticsOutcome outcome = STATISTICS_NOT_OWED;
  guint n = 0;
  g_autoptr(GError) error = NULL;
  gboolean is_done = statistics_complete(keeper->dsn, &outcome, stopping, &error);
  if (is_done && outcome != STATISTICS_LEFT)
    log_repeat_end(&keeper->failing);
  else if (!g_cancellable_is_cancelled(stopping) && log_repeat_is_due(&keeper->failing, &n))
    log_event(LOG_WARNING, is_done ? "planner statistics are still owed" : "planner statistics are not looked after",
              "reason", is_done ? "tables are locked, or the server is short of resources" : error->message, NULL);
}

StatisticsKeeper *
statistics_keeper_start(const char *dsn, guint interval_s)
{
  StatisticsKeeper *keeper = g_new0(StatisticsKeeper, 1);
  keeper->dsn = g_strdup(dsn);
  keeper->thread = periodic_thread_start("statistics", interval_s, complete_statistics, keeper);
  return keeper;
}

void
statistics_keeper_wake(StatisticsKeeper *keeper)
{
  periodic_thread_wake(keeper->thread);
}

void
statistics_keeper_free(StatisticsKeeper *keeper)
{
  if (keeper == NULL)
    return;
  periodic_thread_stop(keeper->thread);
  g_free(keeper->dsn);
  g_free(keeper);
}
