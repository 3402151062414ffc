/* What the endpoints of the backup domain share: the context of their handlers, the reply that is an event stream, and
 * how a held lock is told. */
#pragma once

#include "backup/http/running.h"
#include "config/config.h"
#include "http/handler.h"
#include "lock/lock.h"
#include "upload/uploads.h"

typedef struct {
  const Config *config;
  const char *dsn;  /* the configured one, or the private cluster's */
  Uploads *uploads; /* of this process */
  Running *running; /* likewise */
} BackupHttp;

/* {operation, holder, since}; null where nobody holds it. */
json_t *backup_http_holder_json(const BackupLockHolder *holder);
/* After LOCK_HELD: the reply says who holds the lock, in the specification's words. */
void backup_http_explain_lock(HttpRequest *request, const BackupLockHolder *holder);
