/* Invalidates the caches of a running hub after changes to users, keys or providers. Deletes in Redis the auth
 * caches of these keys and users and the circuit breakers of deleted providers, then tells every instance to reload,
 * on the hub's own channels. */
#pragma once

#include "base/json.h"
#include "pg/connection/connection.h"

/* A changed row. */
typedef struct {
  const char *table; /* in public: "users", "keys", "providers", "provider_endpoints" */
  gint64 id;
  gboolean is_deletion; /* it was deleted, or is back */
} HubChange;

/* `changes` are HubChange. Returns JSON true; false if Redis did not get all of it, so that the hub notices only when
 * its caches expire; null if no Redis is configured (`redis_url` is NULL). */
json_t *hub_cache_tell(const char *redis_url, PgConnection *connection, const GArray *changes);
