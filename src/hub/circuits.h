/* Providers' circuit breakers, which the hub keeps in Redis: those of the provider itself, of its endpoint, and of
 * its vendor and type. A missing breaker is closed. */
#pragma once

#include "base/json.h"
#include "pg/connection/connection.h"

/* Rows of (provider's id, Redis key), by id: the circuit breakers of the providers with these ids, an int4[] value.
 * Without the table of endpoints there are no breakers of endpoints. */
PgResult *hub_circuits_keys(PgConnection *connection, const char *ids, GError **error);

/* {"<id>": {circuitState, failureCount, lastFailureTime, circuitOpenUntil, recoveryMinutes, endpointCircuitState,
 * vendorTypeCircuitState, manualOpen, resettable}} of all providers that are not deleted, in one round trip. Times
 * are in milliseconds since 1970; recoveryMinutes counts from now; a state is null if there is no such breaker.
 * REDIS_UNAVAILABLE without Redis. */
json_t *hub_circuits_read(PgConnection *connection, const char *redis_url, GError **error);

/* The ids, as an int4[] value, of providers whose own breaker is in a state; with "resettable", of those with a
 * breaker that a reset would close. Free with g_free. */
char *hub_circuits_find(PgConnection *connection, const char *redis_url, const char *state, GError **error);

/* Closes the breakers of `keys` (from hub_circuits_keys()) in one step, written as the hub does: five fields of a
 * hash that expires after a day. A breaker that was opened by hand stays open. Every instance of the hub is told.
 * Returns the ids of providers with a breaker that was closed, or would be (`is_dry_run`); `ret_before` and
 * `ret_after` have the states of each breaker by its key. REDIS_UNAVAILABLE. */
json_t *hub_circuits_close(const char *redis_url, const PgResult *keys, gboolean is_dry_run, json_t **ret_before,
                           json_t **ret_after, GError **error);
