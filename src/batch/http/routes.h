/* The endpoints of batches: /api/v1/…:batchUpdate and the like, and the names of older clients under /api/actions;
 * lists of what there is to choose from (http_list.c); and what batches have done (http_operations.c). */
#pragma once

#include "config/config.h"
#include "http/router.h"

typedef struct {
  const Config *config;
  const char *dsn;
} BatchHttp;

extern const HttpRoute batch_http_routes[];
extern const guint batch_http_n_routes;
extern const HttpRoute batch_http_list_routes[];
extern const guint batch_http_n_list_routes;
extern const HttpRoute batch_http_operation_routes[];
extern const guint batch_http_n_operation_routes;
