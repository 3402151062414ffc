/* GET /api/v1/audit-log, and /api/v1/audit-log/{id}. */
#pragma once

#include "http/router.h"

typedef struct {
  const char *dsn;
} AuditHttp;

extern const HttpRoute audit_http_routes[];
extern const guint audit_http_n_routes;
