/* The settings of a scheduled backup: what is made when, where it goes, how long it is kept, and how it is proven.
 *
 * Stored as JSON in cch_data.backup_jobs; the API takes and gives the same members:
 *
 *   schedule, timeZone        cron expression and zone (when/cron.h); "" is the system's zone
 *   contents                  "full", "no-logs", "ledger-only"
 *   excludedTables            further tables whose rows are left out
 *   compression               archive_level_name
 *   destinations              ids, 1 to JOB_MAX_DESTINATIONS
 *   recipients                age public keys; none: not encrypted
 *   retention                 last, hourly, daily, weekly, monthly, yearly, withinHours, minimum (when/retention.h)
 *   verifyDays, drillDays     days between proofs; 0: none
 *   waitSeconds               for the backup lock
 *   limitSeconds              for a whole run
 *   tries                     of an export, and of each upload */
#pragma once

#include "archive/write/packer.h"
#include "schedule/when/cron.h"
#include "schedule/when/retention.h"

#include <jansson.h>

#define JOB_MAX_NAME_BYTES   32
#define JOB_MAX_DESTINATIONS 8
#define JOB_MAX_TABLES       32 /* excluded ones */
#define JOB_MAX_RECIPIENTS   20 /* as age takes them (storage/age.h) */

typedef enum { JOB_CONTENTS_FULL, JOB_CONTENTS_NO_LOGS, JOB_CONTENTS_LEDGER_ONLY, JOB_N_CONTENTS } JobContents;

typedef struct {
  char *schedule, *zone;
  Cron *cron;
  JobContents contents;
  char **excluded_tables;
  ArchiveLevel level;
  GArray *destinations; /* gint64 */
  char **recipients;
  RetentionRules retention;
  guint verify_days, drill_days;
  guint wait_s, limit_s;
  guint tries;
} JobSettings;

/* Absent members have their defaults. REQUEST_PARAMETER names the member that is wrong or unknown. Whether destinations
 * exist and recipients are keys is the caller's question. */
JobSettings *job_settings_parse(const json_t *object, GError **error);
void job_settings_free(JobSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JobSettings, job_settings_free)

/* With all members. */
json_t *job_settings_to_json(const JobSettings *settings);

/* The name of a job, and of its folder: 1 to 32 of a-z, 0-9, "-" and "_", beginning with a letter or digit.
 * REQUEST_PARAMETER. */
gboolean job_name_check(const char *name, GError **error);
