/* Looks every five minutes whether the backup lock is stuck and the data directory's disk is short, and has people told
 * (notify/notify.h). Every instance watches its own disk; the lock's state is one for all. */
#pragma once

#include "config/config.h"
#include "notify/notify.h"

typedef struct MonitorWatch MonitorWatch;

/* The arguments must outlive it. */
MonitorWatch *monitor_watch_start(PgPool *pool, const Config *config, Notify *notify);
/* NULL is ignored. */
void monitor_watch_stop(MonitorWatch *watch);
