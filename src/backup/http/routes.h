/* Export, import, preview, undo and what goes with them over HTTP, below /api/admin/database/. docs/api.md has the
 * endpoints. */
#pragma once

#include "backup/http/context.h"
#include "http/handler.h"

/* All endpoints; their context is a BackupHttp. */
extern const HttpRoute *const backup_http_routes[];
