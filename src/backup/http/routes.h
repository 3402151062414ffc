/* Routes for export, import, preview, undo and related requests under /api/admin/database/. The endpoints are in
 * docs/api.md. */
#pragma once

#include "backup/http/context.h"
#include "http/handler.h"

/* All endpoints; their context is a BackupHttp. */
extern const HttpRoute *const backup_http_routes[];
