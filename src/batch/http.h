/* The endpoints of batches: /api/v1/…:batchUpdate and the like, and the names of older clients under /api/actions. */
#pragma once

#include "config/config.h"
#include "http/router.h"

typedef struct {
  const Config *config;
  const char *dsn;
} BatchHttp;

extern const HttpRoute batch_http_routes[];
extern const guint batch_http_n_routes;
