/* The thread that queues the jobs that are due, and runs what is queued, one run at a time.
 *
 * Every instance has one; the catalog decides which of them queues a due job and which runs it (catalog/runs.h). Missed
 * times are caught up by one run. A clock that was set back makes no job due again, and delays none: what a job has
 * handled is never in the future. */
#pragma once

#include "config/config.h"
#include "notify/notify.h"
#include "pg/pool/pool.h"

typedef struct Scheduler Scheduler;

/* `config`, `pool` and `notify` must outlive it. `is_private`: in the private cluster, jobs that are only offered are
 * switched on. */
Scheduler *scheduler_new(const Config *config, PgPool *pool, Notify *notify, gboolean is_private);
/* Starts the thread, unless the configuration says not to. */
void scheduler_start(Scheduler *scheduler);
/* Something was queued. */
void scheduler_wake(Scheduler *scheduler);
/* Stops it; a run under way is cancelled, and queued again by the next instance. NULL is ignored. */
void scheduler_free(Scheduler *scheduler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scheduler, scheduler_free)
