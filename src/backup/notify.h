/* Tells a running hub that the database was replaced or added to, so that it drops what it has cached. */
#pragma once

#include <glib.h>

/* Over Redis; NULL: there is none, and nothing to do. REDIS_UNAVAILABLE when it could not be told: its caches then expire by
 * themselves. */
gboolean hub_notify_imported(const char *redis_url, GError **error);
