/* The whole API: every domain's routes, and the OpenAPI document that describes them (docs/openapi.json), from which
 * the pages' types are generated. A unit test compares the two. */
#pragma once

#include "http/handler.h"

typedef enum {
  API_AUTH,
  API_UPLOADS,
  API_BACKUP,
  API_PRICES,
  API_BATCH,
  API_AUDIT,
  API_NOTIFY,
  API_SCHEDULE,
  API_HEALTH,
  API_METRICS,
  API_DOCUMENT,
  API_N_DOMAINS
} ApiDomain;

/* The route tables of each domain, NULL-terminated; their handlers' context is the domain's. */
extern const HttpRoute *const *const api_routes[API_N_DOMAINS];

/* The text of docs/openapi.json. */
extern const char api_openapi_json[];
