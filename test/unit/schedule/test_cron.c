/* Cron expressions against a walk over every minute of several years by GLib's local times. */
#include "schedule/when/cron.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static gint64
moment(const char *text)
{
  g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, NULL);
  assert_non_null(time);
  return g_date_time_to_unix(time);
}

static void
assert_due(const char *expression, const char *zone, const char *after, const char *expected)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Cron) cron = cron_parse(expression, zone, &error);
  assert_null(error);
  g_autoptr(GDateTime) due = g_date_time_new_from_unix_utc(cron_next(cron, moment(after)));
  g_autofree char *text = g_date_time_format(due, "%Y-%m-%dT%H:%MZ");
  assert_string_equal(text, expected);
}

static void
test_due(void **state)
{
  (void)state;
  assert_due("0 4 * * *", "Asia/Shanghai", "2026-01-28T20:00:00Z", "2026-01-29T20:00Z");
  assert_due("0 4 * * *", "Asia/Shanghai", "2026-01-28T19:59:59Z", "2026-01-28T20:00Z");
  assert_due("@daily", "UTC", "2026-12-31T23:59:00Z", "2027-01-01T00:00Z");
  assert_due(" 0  0 29 FEB *", "UTC", "2096-03-01T00:00:00Z", "2104-02-29T00:00Z");
  assert_due("*/20 8-10/2 * * mon-fri", "UTC", "2026-11-27T10:40:00Z", "2026-11-30T08:00Z");
  assert_due("0 12 13 * 5", "UTC", "2026-11-09T00:00:00Z", "2026-11-13T12:00Z"); /* either day */
  assert_due("0 12 14 * 5", "UTC", "2026-11-13T12:00:00Z", "2026-11-14T12:00Z");
  assert_due("0 0 * * 7", "UTC", "2026-11-27T00:00:00Z", "2026-11-29T00:00Z");
  assert_due("5/30 * * * *", "UTC", "2026-11-27T00:05:00Z", "2026-11-27T00:35Z");
  assert_due("45 * * * *", "Asia/Kathmandu", "2026-11-27T00:00:01Z", "2026-11-27T01:00Z");
}

/* Berlin: 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00. */
static void
test_clock_changes(void **state)
{
  (void)state;
  const char *zone = "Europe/Berlin";
  assert_due("30 2 * * *", zone, "2026-03-28T12:00:00Z", "2026-03-29T01:30Z"); /* 03:30 */
  assert_due("30 2 * * *", zone, "2026-03-29T01:30:00Z", "2026-03-30T00:30Z");
  assert_due("30 2 * * *", zone, "2026-10-24T12:00:00Z", "2026-10-25T00:30Z"); /* the first 02:30 */
  assert_due("30 2 * * *", zone, "2026-10-25T00:30:00Z", "2026-10-26T01:30Z"); /* not the second one */
  assert_due("30 * * * *", zone, "2026-10-25T00:30:00Z", "2026-10-25T01:30Z"); /* the hours that pass */
  assert_due("30 * * * *", zone, "2026-03-29T00:30:00Z", "2026-03-29T01:30Z");
  assert_due("0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-04T03:00Z");    /* 00:00 is skipped */
  assert_due("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", "2026-10-03T15:45Z"); /* half an hour */
}

/* Every minute of a year, and which of them match by the broken-down local time. */
static void
test_every_minute(void **state)
{
  (void)state;
  g_autoptr(Cron) cron = cron_parse("7,38 */3 1-10,28 * *", "Europe/Berlin", NULL);
  gint64 due_s = cron_next(cron, moment("2026-01-01T00:00:00Z"));
  for (gint64 time_s = moment("2026-01-01T00:01:00Z"); time_s < moment("2027-01-01T00:00:00Z"); time_s += 60) {
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(time_s);
    g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, cron_zone(cron));
    int minute = g_date_time_get_minute(local), hour = g_date_time_get_hour(local);
    int day = g_date_time_get_day_of_month(local);
    gboolean matches = (minute == 7 || minute == 38) && hour % 3 == 0 && (day <= 10 || day == 28);
    assert_int_equal(matches, due_s == time_s);
    if (matches)
      due_s = cron_next(cron, time_s);
  }
}

static void
test_wrong(void **state)
{
  (void)state;
  static const char *const expressions[] = {
      "",           "* * * *",       "* * * * * *", "60 * * * *",  "* 24 * * *",   "* * 0 * *",  "* * * 13 *",
      "* * * * 8",  "a * * * *",     "1-0 * * * *", "*/0 * * * *", "1,, * * * *",  "0 0 31 2 *", "@reboot",
      "-1 * * * *", "1-2-3 * * * *", "+1 * * * *",  "0 0 * mon *", "1/2/3 * * * *"};
  for (gsize i = 0; i < G_N_ELEMENTS(expressions); i++) {
    g_autoptr(GError) error = NULL;
    assert_null(cron_parse(expressions[i], "UTC", &error));
    assert_int_equal(error_code(error), CCH_ERROR_REQUEST_PARAMETER);
  }
  g_autoptr(GError) error = NULL;
  assert_null(cron_parse("@daily", "Mars/Olympus", &error));
  assert_int_equal(error_code(error), CCH_ERROR_REQUEST_PARAMETER);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_due),
      cmocka_unit_test(test_clock_changes),
      cmocka_unit_test(test_every_minute),
      cmocka_unit_test(test_wrong),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
