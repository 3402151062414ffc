#include "schedule/when/retention.h"

#include "schedule/when/local_time.h"

#include <string.h>

#define MAX_FORETOLD_RUNS 20000 /* of an hourly job, more than two years */

static const char *const names[RETENTION_N_RULES] = {"last", "hourly", "daily", "weekly", "monthly", "yearly"};

const char *
retention_rule_name(RetentionRule rule)
{
  return names[rule];
}

/* The number of the hour, day, … that a time is in. An hour that a clock change repeats counts twice. */
static gint64
bucket_of(RetentionRule rule, GTimeZone *zone, gint64 time_s)
{
  gint64 local_s = local_time_from(zone, time_s), days = (local_s - (local_s < 0 ? DAY_S - 1 : 0)) / DAY_S;
  int year, month, day;
  local_time_date(days, &year, &month, &day);
  switch (rule) {
  case RETENTION_LAST:
    return time_s;
  case RETENTION_HOURLY:
    return time_s - local_s % 3600;
  case RETENTION_DAILY:
    return days;
  case RETENTION_WEEKLY:
    return (days + 3) / 7; /* Mondays; 1970-01-01 was a Thursday */
  case RETENTION_MONTHLY:
    return year * 12 + month;
  case RETENTION_YEARLY:
  case RETENTION_N_RULES:
    break;
  }
  return year;
}

static int
newest_first(gconstpointer a, gconstpointer b, gpointer data)
{
  const RetentionBackup *backups = data;
  guint first = *(const guint *)a, second = *(const guint *)b;
  gint64 first_s = backups[first].made_s, second_s = backups[second].made_s;
  if (first_s != second_s)
    return first_s < second_s ? 1 : -1;
  return first < second ? 1 : -1;
}

/* The coming runs, as one rule sees them. */
typedef struct {
  gint64 bucket;     /* the newest backup's at first, then the latest run's */
  gint64 replaced_s; /* the first run in the newest backup's own hour, day, …; 0: none */
  GArray *begin_s;   /* gint64: the first run in the next hour, day, …, in the one after it, … */
} Forecast;

/* The good backups, or the proven ones, newest first, and what the rules make of them. */
typedef struct {
  const RetentionRules *rules;
  const Cron *cron;
  const RetentionBackup *backups;
  GArray *order; /* guint: indexes into `backups` and `verdicts` */
  gboolean is_of_proven;
  Forecast forecasts[RETENTION_N_RULES];
  RetentionVerdict *verdicts;
} Pass;

static const RetentionBackup *
backup_at(const Pass *pass, guint i)
{
  return &pass->backups[g_array_index(pass->order, guint, i)];
}

static RetentionVerdict *
verdict_at(const Pass *pass, guint i)
{
  return &pass->verdicts[g_array_index(pass->order, guint, i)];
}

/* Among the proven alone a rank is the same or better. */
static void
rank_backups(Pass *pass, RetentionRule rule)
{
  gint64 last_bucket = 0;
  for (guint i = 0, rank = 0; i < pass->order->len; i++) {
    gint64 bucket = bucket_of(rule, cron_zone(pass->cron), backup_at(pass, i)->made_s);
    if (i > 0 && bucket == last_bucket && rule != RETENTION_LAST)
      continue;
    last_bucket = bucket;
    if (++rank > pass->rules->count[rule])
      return;
    RetentionVerdict *verdict = verdict_at(pass, i);
    if (verdict->rank[rule] == rank)
      continue;
    verdict->rank[rule] = rank;
    verdict->is_of_proven = pass->is_of_proven;
  }
}

static void
foretell_run(Pass *pass, RetentionRule rule, gint64 run_s)
{
  Forecast *forecast = &pass->forecasts[rule];
  gint64 bucket = bucket_of(rule, cron_zone(pass->cron), run_s);
  if (bucket != forecast->bucket)
    g_array_append_val(forecast->begin_s, run_s);
  else if (forecast->begin_s->len == 0 && forecast->replaced_s == 0)
    forecast->replaced_s = run_s;
  forecast->bucket = bucket;
}

static void
foretell_runs(Pass *pass, gint64 now_s)
{
  for (guint rule = 0; rule < RETENTION_N_RULES; rule++)
    pass->forecasts[rule] = (Forecast){
        .bucket = bucket_of(rule, cron_zone(pass->cron), backup_at(pass, 0)->made_s),
        .begin_s = g_array_new(FALSE, FALSE, sizeof(gint64)),
    };
  gint64 run_s = now_s;
  for (guint i = 0; now_s > 0 && i < MAX_FORETOLD_RUNS && (run_s = cron_next(pass->cron, run_s)) >= 0; i++) {
    gboolean is_enough = TRUE;
    for (guint rule = 0; rule < RETENTION_N_RULES; rule++)
      if (pass->forecasts[rule].begin_s->len < pass->rules->count[rule]) {
        foretell_run(pass, rule, run_s);
        is_enough = FALSE;
      }
    if (is_enough)
      return;
  }
}

/* When the rule drops a backup of this rank: when a run takes the newest one's place in its own hour, day, …, or when
 * so many more of them have begun. */
static gint64
drop_time(const Pass *pass, RetentionRule rule, guint rank)
{
  const Forecast *forecast = &pass->forecasts[rule];
  guint run = pass->rules->count[rule] - rank;
  if (rank == 1 && forecast->replaced_s != 0)
    return forecast->replaced_s;
  return run < forecast->begin_s->len ? g_array_index(forecast->begin_s, gint64, run) : RETENTION_FOREVER;
}

static void
judge_pass(Pass *pass, gint64 now_s)
{
  if (pass->order->len == 0)
    return;
  verdict_at(pass, 0)->is_newest_good = TRUE;
  foretell_runs(pass, now_s);
  for (guint rule = 0; rule < RETENTION_N_RULES; rule++) {
    rank_backups(pass, rule);
    for (guint i = 0; i < pass->order->len; i++) {
      RetentionVerdict *verdict = verdict_at(pass, i);
      if (verdict->rank[rule] != 0)
        verdict->goes_s = MAX(verdict->goes_s, drop_time(pass, rule, verdict->rank[rule]));
    }
    g_array_unref(pass->forecasts[rule].begin_s);
  }
}

static GArray *
newest_of(const RetentionBackup *backups, guint n, gboolean only_proven)
{
  GArray *order = g_array_new(FALSE, FALSE, sizeof(guint));
  for (guint i = 0; i < n; i++)
    if (backups[i].is_good && (backups[i].is_proven || !only_proven))
      g_array_append_val(order, i);
  g_array_sort_with_data(order, newest_first, (gpointer)backups);
  return order;
}

/* "within" and "minimum" have no ranks, and the minimum no end that could be foretold. */
static void
apply_other_rules(const Pass *good, gint64 now_s)
{
  gint64 within_s = (gint64)good->rules->within_h * 3600;
  gint64 next_s = cron_next(good->cron, now_s);
  for (guint i = 0; i < good->order->len; i++) {
    RetentionVerdict *verdict = verdict_at(good, i);
    gint64 made_s = backup_at(good, i)->made_s;
    verdict->is_within = within_s > 0 && made_s > backup_at(good, 0)->made_s - within_s;
    verdict->is_minimum = i < good->rules->minimum;
    if (verdict->is_within)
      verdict->goes_s = MAX(verdict->goes_s, MAX(made_s + within_s, next_s));
    if (verdict->is_minimum || verdict->is_newest_good)
      verdict->goes_s = MAX(verdict->goes_s, next_s);
  }
}

void
retention_judge(const RetentionRules *rules, const Cron *cron, const RetentionBackup *backups, guint n, gint64 now_s,
                RetentionVerdict *ret_verdicts)
{
  memset(ret_verdicts, 0, n * sizeof *ret_verdicts);
  g_autoptr(GArray) good = newest_of(backups, n, FALSE), proven = newest_of(backups, n, TRUE);
  Pass of_good = {rules, cron, backups, good, FALSE, {{0}}, ret_verdicts};
  Pass of_proven = {rules, cron, backups, proven, TRUE, {{0}}, ret_verdicts};
  judge_pass(&of_good, now_s);
  judge_pass(&of_proven, now_s);
  apply_other_rules(&of_good, now_s);
  for (guint i = 0; i < n; i++) {
    RetentionVerdict *verdict = &ret_verdicts[i];
    verdict->is_kept = backups[i].is_pinned || verdict->is_within || verdict->is_minimum || verdict->is_newest_good;
    for (guint rule = 0; rule < RETENTION_N_RULES; rule++)
      verdict->is_kept = verdict->is_kept || verdict->rank[rule] != 0;
    if (backups[i].is_pinned)
      verdict->goes_s = RETENTION_FOREVER;
  }
}
