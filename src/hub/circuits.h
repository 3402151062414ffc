/* Providers' circuit breakers, which the hub keeps in Redis: their own, that of the endpoint they use, and that of
 * their vendor and type. What is not there is closed. */
#pragma once

#include "base/json.h"
#include "pg/connection/connection.h"

/* Rows of (provider's id, Redis key) by id: the circuit breakers of the providers with these ids, an int4[] value. A
 * database without the table of endpoints has no breakers of endpoints. */
PgResult *hub_circuits_keys(PgConnection *connection, const char *ids, GError **error);

/* {"<id>": {circuitState, failureCount, lastFailureTime, circuitOpenUntil, recoveryMinutes, endpointCircuitState,
 * vendorTypeCircuitState, manualOpen, resettable}} of all providers that are not deleted, in one round trip. Times are
 * in milliseconds since 1970; recoveryMinutes counts from now; a state is null where there is no such breaker.
 * REDIS_UNAVAILABLE without Redis. */
json_t *hub_circuits_read(PgConnection *connection, const char *redis_url, GError **error);

/* The ids, as an int4[] value, of the providers whose own breaker is in a state, or with "resettable" those of which a
 * reset would close some breaker; free with g_free. */
char *hub_circuits_find(PgConnection *connection, const char *redis_url, const char *state, GError **error);

/* Closes the breakers of `keys` (as hub_circuits_keys() has them), all in one step and as the hub writes them: five
 * fields of a hash, a day's life. One that somebody opened by hand stays. Every instance of the hub is told. The ids of
 * the providers of which something was closed, or would be (`is_dry_run`); `ret_before` and `ret_after` say what each
 * breaker was and is, by its key. REDIS_UNAVAILABLE. */
json_t *hub_circuits_close(const char *redis_url, const PgResult *keys, gboolean is_dry_run, json_t **ret_before,
                           json_t **ret_after, GError **error);
