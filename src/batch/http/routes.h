/* Batches over HTTP: changing rows, lists of what there is to choose from, and what batches have done. docs/batches.md
 * has the endpoints. */
#pragma once

#include "config/config.h"
#include "http/handler.h"

typedef struct {
  const Config *config;
  const char *dsn;
} BatchHttp;

/* All endpoints; their context is a BatchHttp. */
extern const HttpRoute *const batch_http_routes[];
