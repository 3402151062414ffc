#include "schedule/when/cron.h"

#include "base/error.h"
#include "schedule/when/local_time.h"

#include <string.h>

#define MAX_EXPRESSION_BYTES 255
#define MAX_ZONE_BYTES       63
#define MAX_CHANGE_S         (3 * 3600)
#define SEARCH_DAYS          (9 * 366) /* 29 February is missing for eight years around 2100 */

typedef enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, N_FIELDS } FieldId;

typedef struct {
  const char *name;
  guint minimum, maximum;
  const char *const *words; /* the first stands for `minimum` */
} FieldRule;

static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                     "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const FieldRule rules[N_FIELDS] = {
    [MINUTE] = {"minute", 0, 59, NULL},
    [HOUR] = {"hour", 0, 23, NULL},
    [DAY] = {"day of the month", 1, 31, NULL},
    [MONTH] = {"month", 1, 12, months},
    [WEEKDAY] = {"day of the week", 0, 7, weekdays},
};

static const struct {
  const char *name, *expression;
} nicknames[] = {
    {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
};

struct Cron {
  guint64 bits[N_FIELDS]; /* bit n: the number n matches */
  gboolean is_every_hour; /* follows the hours that pass */
  gboolean is_any_day, is_any_weekday;
  GTimeZone *zone;
};

void
cron_free(Cron *cron)
{
  if (cron == NULL)
    return;
  g_clear_pointer(&cron->zone, g_time_zone_unref);
  g_free(cron);
}

GTimeZone *
cron_zone(const Cron *cron)
{
  return cron->zone;
}

static gboolean
has(const Cron *cron, FieldId field, guint number)
{
  return (cron->bits[field] >> number & 1) != 0;
}

/* A number, or a word where the field has them. */
static gboolean
parse_number(const FieldRule *rule, const char *text, guint *ret_number)
{
  for (guint i = 0; rule->words != NULL && rule->words[i] != NULL; i++)
    if (g_ascii_strcasecmp(text, rule->words[i]) == 0) {
      *ret_number = rule->minimum + i;
      return TRUE;
    }
  guint64 number = 0;
  if (strlen(text) > 2 || !g_ascii_string_to_unsigned(text, 10, rule->minimum, rule->maximum, &number, NULL))
    return FALSE;
  *ret_number = (guint)number;
  return TRUE;
}

/* "*", "5", "1-5", "MON-FRI", each with "/2". */
static gboolean
parse_item(const FieldRule *rule, const char *item, guint64 *bits)
{
  g_auto(GStrv) parts = g_strsplit(item, "/", 3);
  guint n_parts = g_strv_length(parts);
  guint64 step = 1;
  if (n_parts == 0 || n_parts > 2 || (n_parts == 2 && !g_ascii_string_to_unsigned(parts[1], 10, 1, 59, &step, NULL)))
    return FALSE;
  guint from = rule->minimum, to = rule->maximum;
  if (strcmp(parts[0], "*") != 0) {
    g_auto(GStrv) ends = g_strsplit(parts[0], "-", 3);
    guint n_ends = g_strv_length(ends);
    if (n_ends == 0 || n_ends > 2 || !parse_number(rule, ends[0], &from))
      return FALSE;
    to = from;
    if ((n_ends == 2 && !parse_number(rule, ends[1], &to)) || to < from)
      return FALSE;
    if (n_ends == 1 && n_parts == 2)
      to = rule->maximum; /* "5/10": from 5 on */
  }
  for (guint number = from; number <= to; number += (guint)step)
    *bits |= G_GUINT64_CONSTANT(1) << number;
  return TRUE;
}

static gboolean
parse_field(Cron *cron, FieldId field, const char *text, GError **error)
{
  g_auto(GStrv) items = g_strsplit(text, ",", -1);
  for (char **item = items; *item != NULL; item++)
    if (!parse_item(&rules[field], *item, &cron->bits[field])) {
      error_set(error, CCH_ERROR_REQUEST_PARAMETER,
                "cron: the %s is \"*\" or numbers from %u to %u, with \",\", \"-\" and \"/\" between them, not \"%s\"",
                rules[field].name, rules[field].minimum, rules[field].maximum, text);
      return FALSE;
    }
  return TRUE;
}

static gboolean
parse_fields(Cron *cron, const char *expression, GError **error)
{
  g_auto(GStrv) words = g_strsplit_set(expression, " \t", -1);
  const char *fields[N_FIELDS];
  guint n = 0;
  for (char **word = words; *word != NULL; word++) {
    if (**word == '\0')
      continue;
    if (n < N_FIELDS)
      fields[n] = *word;
    n++;
  }
  if (n != N_FIELDS) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER,
              "cron: five fields (minute, hour, day, month, day of the week) or a name such as @daily, not \"%s\"",
              expression);
    return FALSE;
  }
  for (guint field = 0; field < N_FIELDS; field++)
    if (!parse_field(cron, field, fields[field], error))
      return FALSE;
  cron->is_every_hour = *fields[HOUR] == '*';
  cron->is_any_day = *fields[DAY] == '*';
  cron->is_any_weekday = *fields[WEEKDAY] == '*';
  if (has(cron, WEEKDAY, 7))
    cron->bits[WEEKDAY] |= 1;
  return TRUE;
}

static gboolean
matches_day(const Cron *cron, gint64 days)
{
  int year, month, day;
  local_time_date(days, &year, &month, &day);
  gboolean is_day = has(cron, DAY, (guint)day);
  gboolean is_weekday = has(cron, WEEKDAY, (guint)((days + 4) % 7)); /* 1970-01-01 was a Thursday */
  /* "*" with a step is a restriction, but never an alternative (crontab(5)). */
  return has(cron, MONTH, (guint)month) &&
         (cron->is_any_day || cron->is_any_weekday ? is_day && is_weekday : is_day || is_weekday);
}

/* The due moment of a local time after `after_s`; -1: there is none. */
static gint64
due_moment(const Cron *cron, gint64 local_s, gint64 after_s)
{
  gint64 first_s, last_s;
  gboolean exists = local_time_to(cron->zone, local_s, &first_s, &last_s);
  if (!exists && cron->is_every_hour)
    return -1;
  if (first_s > after_s)
    return first_s;
  return cron->is_every_hour && last_s > after_s ? last_s : -1;
}

/* Local times are in the order of their moments, but for those within a clock change of each other. */
static gint64
due_on_day(const Cron *cron, gint64 days, gint64 after_s)
{
  gint64 earliest = -1, from_s = local_time_from(cron->zone, after_s) - MAX_CHANGE_S, to_s = G_MAXINT64;
  for (guint hour = 0; hour < 24; hour++)
    for (guint minute = 0; has(cron, HOUR, hour) && minute < 60; minute++) {
      gint64 local_s = days * DAY_S + hour * 3600 + minute * 60;
      if (!has(cron, MINUTE, minute) || local_s < from_s)
        continue;
      if (local_s > to_s)
        return earliest;
      gint64 due = due_moment(cron, local_s, after_s);
      if (due >= 0 && earliest < 0)
        to_s = local_s + MAX_CHANGE_S;
      if (due >= 0 && (earliest < 0 || due < earliest))
        earliest = due;
    }
  return earliest;
}

/* A local day's moments can be later than those of the next day when a clock change repeats or skips an hour around
 * midnight, therefore both are looked at. */
gint64
cron_next(const Cron *cron, gint64 after_s)
{
  gint64 today = local_time_from(cron->zone, after_s) / DAY_S;
  for (gint64 days = today - 1; days < today + SEARCH_DAYS; days++) {
    gint64 due = matches_day(cron, days) ? due_on_day(cron, days, after_s) : -1;
    if (due < 0)
      continue;
    gint64 other = matches_day(cron, days + 1) ? due_on_day(cron, days + 1, after_s) : -1;
    return other >= 0 ? MIN(due, other) : due;
  }
  return -1;
}

Cron *
cron_parse(const char *expression, const char *zone, GError **error)
{
  g_autoptr(Cron) cron = g_new0(Cron, 1);
  if (strlen(expression) > MAX_EXPRESSION_BYTES || strlen(zone) > MAX_ZONE_BYTES) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "cron: an expression has at most %d bytes, a time zone %d",
              MAX_EXPRESSION_BYTES, MAX_ZONE_BYTES);
    return NULL;
  }
  cron->zone = local_time_zone(zone);
  if (cron->zone == NULL) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER,
              "time zone: a name such as Asia/Shanghai, which this system knows (package tzdata), not \"%s\"", zone);
    return NULL;
  }
  g_autofree char *trimmed = g_strstrip(g_strdup(expression));
  const char *fields = trimmed;
  for (gsize i = 0; i < G_N_ELEMENTS(nicknames); i++)
    if (g_ascii_strcasecmp(trimmed, nicknames[i].name) == 0)
      fields = nicknames[i].expression;
  if (!parse_fields(cron, fields, error))
    return NULL;
  if (cron_next(cron, 0) < 0) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "cron: \"%s\" is never due", expression);
    return NULL;
  }
  return g_steal_pointer(&cron);
}
