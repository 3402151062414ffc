/* Retention: which backups of one job at one destination are kept, why, and until when.
 *
 * A rule "N daily" keeps the newest backup of each of the last N days that have one; likewise hours, ISO weeks, months
 * and years, all in the job's time zone. "N last" keeps the N newest, "within" those made less than so long before the
 * newest. What any rule keeps is kept. Days without a backup do not count, and neither does the clock: a job that
 * stands still, or a clock that is wrong, pushes nothing out.
 *
 * Damaged and missing backups count in no rule. The rules are applied a second time to the proven backups alone, and
 * keep what either time keeps; therefore no unproven backup pushes out a proven one. The newest good backup, and the
 * newest proven one, are always kept. */
#pragma once

#include "schedule/when/cron.h"

#include <glib.h>

typedef enum {
  RETENTION_LAST,
  RETENTION_HOURLY,
  RETENTION_DAILY,
  RETENTION_WEEKLY,
  RETENTION_MONTHLY,
  RETENTION_YEARLY,
  RETENTION_N_RULES
} RetentionRule;

#define RETENTION_MAX_COUNT 10000

typedef struct {
  guint count[RETENTION_N_RULES]; /* 0: the rule does not apply */
  guint within_h;                 /* likewise */
  guint minimum;                  /* good backups that are kept in any case */
} RetentionRules;

typedef struct {
  gint64 made_s; /* seconds since 1970 */
  gboolean is_good;
  gboolean is_proven; /* and good */
  gboolean is_pinned;
} RetentionBackup;

#define RETENTION_FOREVER G_MAXINT64

typedef struct {
  guint rank[RETENTION_N_RULES]; /* "daily 3": the third newest day; 0: the rule does not keep it */
  gboolean is_of_proven;         /* the ranks are among the proven backups */
  gboolean is_within, is_minimum, is_newest_good;
  gboolean is_kept; /* by any of these, or pinned */
  gint64 goes_s; /* when it goes at the earliest, if every run succeeds; 0: now; RETENTION_FOREVER: not foreseeable */
} RetentionVerdict;

/* The names of the rules in JSON: "last", "hourly", … */
const char *retention_rule_name(RetentionRule rule);

/* Judges n backups in any order. `cron` has the zone and foretells the runs after `now_s`; 0: `goes_s` is not needed.
 */
void retention_judge(const RetentionRules *rules, const Cron *cron, const RetentionBackup *backups, guint n,
                     gint64 now_s, RetentionVerdict *ret_verdicts);
