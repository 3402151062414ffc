/* The backup domain over HTTP: GET /api/admin/database/export, POST …/import, GET …/status. */
#pragma once

#include "backup/import.h"
#include "config/config.h"
#include "http/router.h"

typedef struct {
  const Config *config;
  const char *dsn; /* the configured one, or the private cluster's */
} BackupHttp;

/* Their context is a BackupHttp. */
extern const HttpRoute backup_http_routes[];
extern const guint backup_http_n_routes;

/* POST …/import (http_import.c). The lock is taken before the body is read; an answer that is not the event stream
 * leaves no lock and no file behind by the time it is sent, and neither does the last event. */
extern const HttpUpload backup_http_import;

/* After LOCK_HELD: the reply says who holds the lock, in the specification's words. */
void backup_http_explain_lock(HttpRequest *request, const BackupLockHolder *holder);
