/* Dates and times as people write them. */
#pragma once

#include <glib.h>

/* Parses "2026-01-31" (midnight, UTC) or ISO 8601 ("2026-01-31T12:00:00Z", "…+08:00"; UTC by default) and returns
 * ISO 8601 in UTC; free with g_free. NULL for anything else. */
char *date_time_read(const char *text);

/* The same for a request's parameter: NULL (absent) stays NULL; REQUEST_PARAMETER names the problem. */
gboolean date_time_parameter(const char *name, const char *text, char **ret_value, GError **error);
