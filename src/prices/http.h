/* Prices over HTTP: /api/prices as the hub's older clients know it, and /api/v1/model-prices. docs/api.md has them. */
#pragma once

#include "config/config.h"
#include "http/router.h"

typedef struct {
  const Config *config;
  const char *dsn; /* the configured one, or the private cluster's */
} PriceHttp;

/* Their context is a PriceHttp. */
extern const HttpRoute price_http_routes[];
extern const guint price_http_n_routes;

/* POST …:upload (http_upload.c). */
extern const HttpUpload price_http_upload;
