/* What Redis says of providers' circuit breakers: their own, that of the endpoint they use, and that of their vendor
 * and type. What is not there is closed. */
#pragma once

#include "base/json.h"
#include "pg/connection/connection.h"

/* Rows of (provider's id, Redis key) by id: the circuit breakers of the providers with these ids, an int4[] value. A
 * database without the table of endpoints has no breakers of endpoints. */
PgResult *circuit_keys_read(PgConnection *connection, const char *ids, GError **error);

/* {"<id>": {circuitState, failureCount, lastFailureTime, circuitOpenUntil, recoveryMinutes, endpointCircuitState,
 * vendorTypeCircuitState, manualOpen, resettable}} of all providers that are not deleted, in one round trip. Times are
 * in milliseconds since 1970; recoveryMinutes counts from now; a state is null where there is no such breaker.
 * REDIS_UNAVAILABLE without Redis. */
json_t *circuit_states_read(PgConnection *connection, const char *redis_url, GError **error);

/* The ids, as an int4[] value, of the providers whose own breaker is in a state, or with "resettable" those of which a
 * reset would close some breaker; free with g_free. */
char *circuit_states_find(PgConnection *connection, const char *redis_url, const char *state, GError **error);
