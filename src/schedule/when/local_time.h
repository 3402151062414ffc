/* Local times of a zone, as numbers: seconds since 1970 as if the local clock showed UTC. */
#pragma once

#include <glib.h>

#define DAY_S (24 * 3600)

/* The zone with an IANA name, "" for the system's; NULL if it is unknown. Free with g_time_zone_unref. */
GTimeZone *local_time_zone(const char *name);

/* What the local clock shows at a time. */
gint64 local_time_from(GTimeZone *zone, gint64 time_s);

/* When the local clock shows a time: the first and the last such moment, which differ when a clock change repeats it.
 * If a clock change skips it, both are as much later as the change is long, and the answer is FALSE. */
gboolean local_time_to(GTimeZone *zone, gint64 local_s, gint64 *ret_first_s, gint64 *ret_last_s);

/* Days since 1970-01-01 of a date, and back. */
gint64 local_time_day(int year, int month, int day);
void local_time_date(gint64 days, int *ret_year, int *ret_month, int *ret_day);
