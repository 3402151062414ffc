/* Uploads by the tus protocol 1.0.0, below /api/admin/database/uploads: archives in pieces, so that a broken connection
 * costs a piece and not the file, and a proxy that bounds bodies does not matter. */
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

/* After IMPORT_FILE_TOO_LARGE: the reply says the limit. `size_bytes` 0: not known. */
void upload_http_explain_size(HttpRequest *request, const Config *config, guint64 size_bytes);
