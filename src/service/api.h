/* The whole API: every domain's routes, and the OpenAPI document that describes them (docs/openapi.json), from which
 * the pages' types are made. A unit test holds the two against each other. */
#pragma once

#include "http/handler.h"

typedef enum {
  API_AUTH,
  API_UPLOADS,
  API_BACKUP,
  API_PRICES,
  API_BATCH,
  API_AUDIT,
  API_HEALTH,
  API_DOCUMENT,
  API_N_DOMAINS
} ApiDomain;

/* The tables of each domain, ended by NULL; what their handlers get as their context is the domain's. */
extern const HttpRoute *const *const api_routes[API_N_DOMAINS];

/* docs/openapi.json as it stands. */
extern const char api_openapi_json[];
