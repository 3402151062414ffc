/* Prices over HTTP: /api/prices as the hub's older clients know it, and /api/v1/model-prices. docs/prices.md has the
 * endpoints. */
#pragma once

#include "config/config.h"
#include "http/handler.h"
#include "prices/sync/sync.h"

typedef struct {
  const Config *config;
  const char *dsn; /* the configured one, or the private cluster's */
  PriceSync *sync;
} PriceHttp;

/* All endpoints; their context is a PriceHttp. */
extern const HttpRoute *const price_http_routes[];
