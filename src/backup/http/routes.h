/* The backup domain over HTTP, below /api/admin/database/. */
#pragma once

#include "backup/http/running.h"
#include "backup/import/import.h"
#include "config/config.h"
#include "http/router.h"
#include "upload/uploads.h"

typedef struct {
  const Config *config;
  const char *dsn;  /* the configured one, or the private cluster's */
  Uploads *uploads; /* of this process */
  Running *running; /* likewise */
} BackupHttp;

/* Their context is a BackupHttp. */
extern const HttpRoute backup_http_routes[];
extern const guint backup_http_n_routes;

/* POST …/import (http_import.c). An import takes the lock before the body is read; an answer that
 * is not the event stream leaves no lock and no file behind by the time it is sent, and neither does the last event. */
extern const HttpUpload backup_http_import;

/* GET …/operations/{id}/events (http_operations.c). */
extern const HttpRoute backup_http_operation_routes[];
extern const guint backup_http_n_operation_routes;
/* The reply that sends a queue (stolen) as it fills. */
HttpResponse *backup_http_event_stream(SseQueue *queue);

/* All that follows: their context is a BackupHttp, too. GET …/export, …/exports (http_export.c). */
extern const HttpRoute backup_http_export_routes[];
extern const guint backup_http_n_export_routes;
/* POST …/import:preview (http_preview.c). */
extern const HttpRoute backup_http_preview_routes[];
extern const guint backup_http_n_preview_routes;
/* GET …/export:estimate (http_estimate.c). */
extern const HttpRoute backup_http_estimate_routes[];
extern const guint backup_http_n_estimate_routes;
/* POST …/import:inspect (http_inspect.c). */
extern const HttpRoute backup_http_inspect_routes[];
extern const guint backup_http_n_inspect_routes;
/* …/import:undo (http_undo.c). */
extern const HttpRoute backup_http_undo_routes[];
extern const guint backup_http_n_undo_routes;
/* An array of what backup_undo_list returned. */
json_t *backup_http_describe_kept(const GPtrArray *kept);
/* …/uploads: resumable uploads by the tus protocol (http_uploads.c). */
extern const HttpRoute backup_http_upload_routes[];
extern const guint backup_http_n_upload_routes;

/* After IMPORT_FILE_TOO_LARGE: the reply says the limit. `size_bytes` 0: not known. */
void backup_http_explain_size(HttpRequest *request, const Config *config, guint64 size_bytes);
/* After LOCK_HELD: the reply says who holds the lock, in the specification's words. */
void backup_http_explain_lock(HttpRequest *request, const BackupLockHolder *holder);
