/* Prices over HTTP: /api/prices for the hub's older clients, and /api/v1/model-prices. The endpoints are in
 * docs/prices.md and docs/api.md. */
#pragma once

#include "config/config.h"
#include "http/handler.h"
#include "pg/pool/pool.h"
#include "prices/sync/sync.h"

typedef struct {
  const Config *config;
  PgPool *pool;
  PriceSync *sync;
} PriceHttp;

/* All endpoints; their context is a PriceHttp. */
extern const HttpRoute *const price_http_routes[];
