/* Whether a request comes from our own pages, judged by headers that browsers set and pages cannot forge. */
#pragma once

#include <glib.h>

/* The header's values, NULL where absent. An Origin must name the Host's host and port ("null" never does); without
 * one, Sec-Fetch-Site must be same-origin or none (typed in, a bookmark); without either the client is no browser of
 * today, and the cookie's SameSite=Strict must do. */
gboolean origin_is_own(const char *origin, const char *sec_fetch_site, const char *host);
