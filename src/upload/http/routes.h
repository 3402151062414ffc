/* Uploads by the tus protocol 1.0.0, under /api/admin/database/uploads: archives in pieces. A broken connection
 * costs a piece and not the file, and a proxy's limit on bodies does not matter. */
#pragma once

#include "config/config.h"
#include "http/handler.h"
#include "upload/uploads.h"

typedef struct {
  const Config *config;
  Uploads *uploads; /* of this process */
} UploadHttp;

/* All endpoints; their context is an UploadHttp. */
extern const HttpRoute *const upload_http_routes[];

/* After IMPORT_FILE_TOO_LARGE: adds the limit to the reply. `size_bytes` 0: unknown. */
void upload_http_explain_size(HttpRequest *request, const Config *config, guint64 size_bytes);
