/* The whole API: every domain's routes, and the OpenAPI document that describes them (docs/openapi.json), from which
 * the pages' types are made. A unit test holds the two against each other. */
#pragma once

#include "http/router.h"

/* Whose state a table's handlers get as their context. */
typedef enum {
  API_AUTH,
  API_BACKUP,
  API_PRICES,
  API_BATCH,
  API_AUDIT,
  API_HEALTH,
  API_DOCUMENT,
  API_N_DOMAINS
} ApiDomain;

typedef struct {
  ApiDomain domain;
  const HttpRoute *routes;
  const guint *n_routes;
} ApiTable;

extern const ApiTable api_tables[];
extern const guint api_n_tables;

/* docs/openapi.json as it stands. */
extern const char api_openapi_json[];
