/* GET /api/v1/audit-log, and /api/v1/audit-log/{id}. */
#pragma once

#include "http/handler.h"
#include "pg/pool/pool.h"

typedef struct {
  PgPool *pool;
} AuditHttp;

extern const HttpRoute *const audit_http_routes[];
