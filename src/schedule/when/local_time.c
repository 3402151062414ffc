#include "schedule/when/local_time.h"

GTimeZone *
local_time_zone(const char *name)
{
  if (*name == '\0')
    return g_time_zone_new_local();
  return g_time_zone_new_identifier(name);
}

static gint64
offset_at(GTimeZone *zone, gint64 time_s)
{
  return g_time_zone_get_offset(zone, g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, time_s));
}

gint64
local_time_from(GTimeZone *zone, gint64 time_s)
{
  return time_s + offset_at(zone, time_s);
}

/* No zone changes its clock twice within two days. */
gboolean
local_time_to(GTimeZone *zone, gint64 local_s, gint64 *ret_first_s, gint64 *ret_last_s)
{
  gint64 before = offset_at(zone, local_s - DAY_S), after = offset_at(zone, local_s + DAY_S);
  gint64 by_before = local_s - before, by_after = local_s - after;
  gboolean is_before = offset_at(zone, by_before) == before, is_after = offset_at(zone, by_after) == after;
  *ret_first_s = is_before || !is_after ? by_before : by_after;
  *ret_last_s = is_after ? by_after : by_before;
  return is_before || is_after;
}

/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": days_from_civil and civil_from_days. */
gint64
local_time_day(int year, int month, int day)
{
  gint64 y = month <= 2 ? year - 1 : year;
  gint64 era = (y >= 0 ? y : y - 399) / 400, year_of_era = y - era * 400;
  gint64 day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

void
local_time_date(gint64 days, int *ret_year, int *ret_month, int *ret_day)
{
  gint64 z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, day_of_era = z - era * 146097;
  gint64 year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  gint64 day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  gint64 shifted = (5 * day_of_year + 2) / 153; /* months since March */
  *ret_day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
  *ret_month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
  *ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2));
}
