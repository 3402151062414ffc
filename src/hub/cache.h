/* Tells a running hub, over the Redis it uses, which of its cached users, keys and providers have changed: the auth
 * caches of the keys and users concerned are deleted, circuit breakers of deleted providers forgotten, and every
 * instance is told on its own channels to load anew. */
#pragma once

#include "base/json.h"
#include "pg/connection/connection.h"

/* `changes`: [{entity, id, changes: [{column}]}], where an entity is a table in public. JSON true; false when Redis was
 * not told all of it, and the hub will notice when its caches expire; null when no Redis is configured (`redis_url` is
 * NULL). */
json_t *hub_cache_tell(const char *redis_url, PgConnection *connection, const json_t *changes);
