/* GET /api/v1/audit-log, and /api/v1/audit-log/{id}. */
#pragma once

#include "http/handler.h"

typedef struct {
  const char *dsn;
} AuditHttp;

extern const HttpRoute *const audit_http_routes[];
