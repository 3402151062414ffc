/* Checks that a request comes from our own pages, by headers that browsers set and pages cannot forge. */
#pragma once

#include <glib.h>

/* The headers' values, NULL if absent. An Origin must have the Host's host and port ("null" never has). Without one,
 * Sec-Fetch-Site must be same-origin or none (a typed address, a bookmark). Without either, the client is not a
 * current browser, and the cookie's SameSite=Strict must suffice. */
gboolean origin_is_own(const char *origin, const char *sec_fetch_site, const char *host);
