/* Routes for scheduled backups under /api/admin/backups, …/backup-jobs, …/backup-destinations, …/backup-runs and
 * …/backup-keys. The endpoints are in docs/api.md. */
#pragma once

#include "config/config.h"
#include "http/handler.h"
#include "pg/pool/pool.h"
#include "schedule/run/scheduler.h"
#include "upload/uploads.h"

typedef struct {
  const Config *config;
  PgPool *pool;
  Scheduler *scheduler;
  Uploads *uploads; /* where a fetched backup goes, to be previewed and imported */
} ScheduleHttp;

/* All endpoints; their context is a ScheduleHttp. */
extern const HttpRoute *const schedule_http_routes[];
