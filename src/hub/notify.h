/* Tells a running hub over Redis that an import has replaced its database or added to it. Otherwise the hub would keep
 * its caches, one of them for ever.
 *
 * Deleted are the caches that live in Redis: of API keys (api_key_auth:v1:*) and of circuit breakers' settings
 * (circuit_breaker:config:*, which never expires). Then every instance is told, on the channels that its own cache
 * invalidation uses, to drop what it holds in memory. Circuit breakers' states stay: they belong to the providers, not
 * to the database. */
#pragma once

#include <glib.h>

/* `redis_url` may be NULL: TRUE, and nothing is done. REDIS_UNAVAILABLE, CONFIG. */
gboolean hub_notify_imported(const char *redis_url, GError **error);
