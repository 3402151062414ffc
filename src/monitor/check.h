/* Judges the figures, in the levels of monitoring plugins (Nagios and others). */
#pragma once

#include "base/language.h"
#include "monitor/samples.h"

typedef enum { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN } CheckLevel; /* the plugins' exit codes */

#define CHECK_MAX_AGE_H   26                 /* by default: daily, with two hours for the backup itself */
#define CHECK_LOCK_LONG_S ((double)6 * 3600) /* longer than any export of a hub's database */

typedef struct {
  const char *name; /* "database", "redis", "backup", "drill", "destinations", "lock", "prices", "disk" */
  CheckLevel level;
  char *text;
} CheckResult;

/* Of CheckResult; free with g_ptr_array_unref. */
GPtrArray *check_samples(const Samples *samples, double max_age_s, Language language);
CheckLevel check_worst(GPtrArray *results);
/* "OK", "WARNING", "CRITICAL", "UNKNOWN". */
const char *check_level_name(CheckLevel level);

/* Of the data directory. */
CheckLevel check_disk(double free_bytes, double size_bytes);
