/* Invalidates the caches of a running hub after users, keys or providers were changed. The auth caches of these keys
 * and users and the circuit breakers of deleted providers are deleted in Redis; then every instance is told, on the
 * hub's own channels, to reload. */
#pragma once

#include "base/json.h"
#include "pg/connection/connection.h"

/* `changes`: [{entity, id, changes: [{column}]}], where an entity is a table in public. JSON true; false when Redis was
 * not told all of it, and the hub will notice when its caches expire; null when no Redis is configured (`redis_url` is
 * NULL). */
json_t *hub_cache_tell(const char *redis_url, PgConnection *connection, const json_t *changes);
