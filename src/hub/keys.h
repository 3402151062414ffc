/* Names of the hub in Redis: its keys' prefixes and its channels. */
#pragma once

#define HUB_AUTH_PREFIX             "api_key_auth:v1:" /* caches of API keys and users */
#define HUB_CIRCUIT_STATE_PREFIX    "circuit_breaker:state:"
#define HUB_CIRCUIT_CONFIG_PREFIX   "circuit_breaker:config:"
#define HUB_ENDPOINT_CIRCUIT_PREFIX "endpoint_circuit_breaker:state:"

#define HUB_PROVIDERS_CHANNEL      "cch:cache:providers:updated"
#define HUB_API_KEYS_CHANNEL       "cch:cache:api_keys:updated"
#define HUB_CIRCUIT_CONFIG_CHANNEL "cch:cache:circuit_breaker_config:updated" /* {"providerIds": [1]} */
