/* Health checks of the service, its database and Redis, for probes without a login. */
#pragma once

#include "http/handler.h"
#include "pg/pool/pool.h"
#include "pg/programs/client.h"

typedef struct HealthHttp HealthHttp;

/* `pool` outlives it. `redis_url` may be NULL; `client` says where exports look for pg_dump. Both are copied. */
HealthHttp *health_http_new(PgPool *pool, const char *redis_url, const PgClientOptions *client);
void health_http_free(HealthHttp *health);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HealthHttp, health_http_free)

/* GET /api/health, /api/health/ready, /api/health/live, /api/version; their context is a HealthHttp. */
extern const HttpRoute *const health_http_routes[];
