#include "backup/statistics/statistics.h"
#include "base/wait.h"

struct StatisticsKeeper {
  char *dsn;
  PeriodicThread *thread;
};

static void
complete_statistics(gpointer data, GCancellable *stopping)
{
  StatisticsKeeper *keeper = data;
  StatisticsOutcome outcome;
  statistics_complete(keeper->dsn, &outcome, stopping, NULL); /* what is still owed is tried again next time */
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
