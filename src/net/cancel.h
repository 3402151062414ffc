/* Lets a GCancellable end a transfer of libcurl. Private to the room. */
#pragma once

#include <curl/curl.h>
#include <gio/gio.h>

/* From now on the transfer ends with CURLE_ABORTED_BY_CALLBACK, within a second, once `cancellable` (may be NULL) is
 * triggered. */
void net_set_cancellable(CURL *curl, GCancellable *cancellable);
