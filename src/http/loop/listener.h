/* The listening socket: any address that the system can resolve, IPv4 and IPv6. */
#pragma once

#include <glib.h>

/* Returns the descriptor, or -1 with CONFIG. `ret_url` is what a browser on this machine opens
 * ("http://127.0.0.1:23100"; free with g_free). `port` 0: any free one. */
int http_listen(const char *address, guint16 port, char **ret_url, GError **error);
