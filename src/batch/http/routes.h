/* Batches over HTTP: changing rows, lists to choose from, and past operations. The endpoints are in docs/batches.md
 * and docs/api.md. */
#pragma once

#include "config/config.h"
#include "http/handler.h"
#include "pg/pool/pool.h"

typedef struct {
  const Config *config;
  PgPool *pool;
} BatchHttp;

/* All endpoints; their context is a BatchHttp. */
extern const HttpRoute *const batch_http_routes[];
