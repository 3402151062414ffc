/* Tells a running hub over Redis that an import has changed its database. Otherwise the hub would keep its caches, one
 * of them without limit.
 *
 * Deletes the caches in Redis: API keys (api_key_auth:v1:*) and circuit breakers' settings
 * (circuit_breaker:config:*, which never expires). Then tells every instance, on the hub's own channels, to drop its
 * caches in memory. The states of circuit breakers stay: they belong to the providers, not to the database. */
#pragma once

#include <glib.h>

/* `redis_url` may be NULL: returns TRUE and does nothing. REDIS_UNAVAILABLE, CONFIG. */
gboolean hub_notify_imported(const char *redis_url, GError **error);
