#include "base/date_time.h"

#include "base/error.h"

#include <string.h>

char *
date_time_read(const char *text)
{
  g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
  g_autofree char *midnight = strlen(text) == strlen("2026-01-31") ? g_strconcat(text, "T00:00:00Z", NULL) : NULL;
  g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(midnight != NULL ? midnight : text, utc);
  g_autoptr(GDateTime) in_utc = time != NULL ? g_date_time_to_utc(time) : NULL;
  return in_utc != NULL ? g_date_time_format_iso8601(in_utc) : NULL;
}

gboolean
date_time_parameter(const char *name, const char *text, char **ret_value, GError **error)
{
  *ret_value = text != NULL ? date_time_read(text) : NULL;
  if (text == NULL || *ret_value != NULL)
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER,
            "%s must be a date or time such as 2026-01-31 or 2026-01-31T12:00:00Z, not \"%.64s\"", name, text);
  return FALSE;
}
