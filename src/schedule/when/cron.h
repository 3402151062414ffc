/* Cron expressions in a time zone: the times at which a job is due.
 *
 * Five fields, as in crontab(5) of Vixie cron: minute (0-59), hour (0-23), day of the month (1-31), month (1-12 or
 * JAN-DEC), day of the week (0-7 or SUN-SAT; 0 and 7 are Sunday). A field is "*", or a list of numbers and ranges,
 * each with an optional step: "0,30", "8-18/2", "MON-FRI". If both days are restricted, either of them suffices.
 * Also @hourly, @daily (@midnight), @weekly, @monthly, and @yearly (@annually).
 *
 * Clock changes, as Vixie cron treats them: a job with fixed hours is due exactly once. A time that a change skips is
 * due as much later as the change is long (02:30 becomes 03:30), a time that occurs twice only the first time. A job
 * for every hour ("*" or a step of it) follows the hours that pass. */
#pragma once

#include <glib.h>

typedef struct Cron Cron;

/* `zone` is a name of the IANA database ("Asia/Shanghai"); "" is the system's. REQUEST_PARAMETER names the problem;
 * an expression that is never due ("0 0 31 2 *") is one. */
Cron *cron_parse(const char *expression, const char *zone, GError **error);
void cron_free(Cron *cron);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cron, cron_free)

/* The first due time after `after_s`; both in seconds since 1970. */
gint64 cron_next(const Cron *cron, gint64 after_s);

/* The zone, for other rules of the same job. Owned by the expression. */
GTimeZone *cron_zone(const Cron *cron);
