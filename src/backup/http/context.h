/* Shared by the endpoints of the backup domain: their handlers' context, the event-stream reply, and the answer for
 * a held lock. */
#pragma once

#include "backup/http/running.h"
#include "backup/statistics/statistics.h"
#include "config/config.h"
#include "http/handler.h"
#include "lock/lock.h"
#include "pg/pool/pool.h"
#include "upload/uploads.h"

typedef struct {
  const Config *config;
  PgPool *pool;     /* connections for short requests; long operations open their own by its DSN */
  Uploads *uploads; /* of this process */
  Running *running; /* likewise */
  StatisticsKeeper *statistics;
} BackupHttp;

/* {operation, holder, since}; null without a holder. With `upload` if an operation of this kind follows one here. */
json_t *backup_http_holder_json(const BackupHttp *http, const BackupLockHolder *holder);
/* After LOCK_HELD: makes the reply name the holder, in the specified form. */
void backup_http_explain_lock(HttpRequest *request, const BackupHttp *http, const BackupLockHolder *holder);
