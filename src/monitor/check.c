#include "monitor/check.h"

#include "base/text.h"

#include <stdarg.h>
#include <string.h>

#define MIB (1024.0 * 1024)

enum { STALE_FAILURES = 3 /* of the price sync in a row; the service calls the prices stale then */ };

static void
result_free(gpointer data)
{
  CheckResult *result = data;
  g_free(result->text);
  g_free(result);
}

static void
add(GPtrArray *results, const char *name, CheckLevel level, Language language, int id, ...)
{
  va_list args;
  va_start(args, id);
  CheckResult *result = g_new0(CheckResult, 1);
  *result = (CheckResult){name, level, text_vformat((TextId)id, language, args)};
  g_ptr_array_add(results, result);
  va_end(args);
}

static gboolean
find(const Samples *samples, Metric metric, double *ret_value)
{
  for (guint i = 0; i < samples_n(samples); i++)
    if (samples_nth(samples, i)->metric == metric) {
      *ret_value = samples_nth(samples, i)->value;
      return TRUE;
    }
  return FALSE;
}

static gboolean
find_least(const Samples *samples, Metric metric, double *ret_value)
{
  gboolean is_found = FALSE;
  for (guint i = 0; i < samples_n(samples); i++) {
    const Sample *sample = samples_nth(samples, i);
    if (sample->metric != metric || (is_found && sample->value >= *ret_value))
      continue;
    *ret_value = sample->value;
    is_found = TRUE;
  }
  return is_found;
}

/* The labels of those samples that are 0, joined; NULL: there is none. Free with g_free. */
static char *
zeros(const Samples *samples, Metric metric, const char *label)
{
  g_autoptr(GString) names = g_string_new(NULL);
  for (guint i = 0; i < samples_n(samples); i++) {
    const Sample *sample = samples_nth(samples, i);
    g_autofree char *name = sample->metric == metric && sample->value == 0 ? sample_label(sample, label) : NULL;
    if (name != NULL)
      g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", name);
  }
  return names->len > 0 ? g_string_free(g_steal_pointer(&names), FALSE) : NULL;
}

static double
sum(const Samples *samples, Metric metric, const char *label, const char *value)
{
  double total = 0;
  for (guint i = 0; i < samples_n(samples); i++) {
    const Sample *sample = samples_nth(samples, i);
    g_autofree char *has = sample->metric == metric && label != NULL ? sample_label(sample, label) : NULL;
    if (sample->metric == metric && (label == NULL || g_strcmp0(has, value) == 0))
      total += sample->value;
  }
  return total;
}

static void
check_backups(GPtrArray *results, const Samples *samples, double max_age_s, Language language)
{
  double age_s = 0, n_enabled = sum(samples, METRIC_JOB_ENABLED, NULL, NULL), value = 0;
  if (!find(samples, METRIC_JOB_ENABLED, &value)) {
    add(results, "backup", CHECK_WARNING, language, TEXT_CHECK_NO_JOB);
    return;
  }
  if (find_least(samples, METRIC_GOOD_AGE, &age_s))
    add(results, "backup", age_s > max_age_s ? CHECK_CRITICAL : CHECK_OK, language, TEXT_CHECK_BACKUP, age_s / 3600,
        max_age_s / 3600);
  else
    add(results, "backup", n_enabled > 0 ? CHECK_CRITICAL : CHECK_WARNING, language,
        n_enabled > 0 ? TEXT_CHECK_NO_BACKUP : TEXT_CHECK_NO_JOB);
  g_autofree char *failed = zeros(samples, METRIC_RUN_SUCCESS, "job_name");
  if (failed != NULL)
    add(results, "backup", CHECK_WARNING, language, TEXT_CHECK_RUN_FAILED, failed);
  double n_damaged = sum(samples, METRIC_BACKUPS, "state", "damaged");
  if (n_damaged > 0)
    add(results, "backup", CHECK_CRITICAL, language, TEXT_CHECK_DAMAGED, n_damaged);
  g_autofree char *undrilled = zeros(samples, METRIC_DRILL_SUCCESS, "job_name");
  g_autofree char *unverified = zeros(samples, METRIC_VERIFY_SUCCESS, "job_name");
  if (unverified != NULL)
    add(results, "verify", CHECK_CRITICAL, language, TEXT_CHECK_VERIFY_FAILED, unverified);
  if (undrilled != NULL)
    add(results, "drill", CHECK_CRITICAL, language, TEXT_CHECK_DRILL_FAILED, undrilled);
  else if (find(samples, METRIC_DRILL_SUCCESS, &value))
    add(results, "drill", CHECK_OK, language, TEXT_CHECK_DRILL);
  g_autofree char *away = zeros(samples, METRIC_DESTINATION_UP, "destination");
  if (away != NULL)
    add(results, "destinations", CHECK_WARNING, language, TEXT_CHECK_DESTINATIONS, away);
}

CheckLevel
check_disk(double free_bytes, double size_bytes)
{
  if (free_bytes < 256 * MIB || free_bytes < size_bytes * 0.01)
    return CHECK_CRITICAL;
  return free_bytes < 1024 * MIB || free_bytes < size_bytes * 0.05 ? CHECK_WARNING : CHECK_OK;
}

GPtrArray *
check_samples(const Samples *samples, double max_age_s, Language language)
{
  GPtrArray *results = g_ptr_array_new_with_free_func(result_free);
  double value = 0, size = 0;
  gboolean is_up = find(samples, METRIC_DATABASE_UP, &value) && value > 0;
  add(results, "database", is_up ? CHECK_OK : CHECK_CRITICAL, language,
      is_up ? TEXT_CHECK_DATABASE : TEXT_CHECK_DATABASE_AWAY);
  if (find(samples, METRIC_REDIS_UP, &value) && value == 0)
    add(results, "redis", CHECK_WARNING, language, TEXT_CHECK_REDIS_AWAY);
  if (is_up)
    check_backups(results, samples, max_age_s, language);
  if (find(samples, METRIC_LOCK_AGE, &value) && value > CHECK_LOCK_LONG_S)
    add(results, "lock", CHECK_WARNING, language, TEXT_CHECK_LOCK, value / 3600);
  if (find(samples, METRIC_PRICE_FAILURES, &value) && value >= STALE_FAILURES)
    add(results, "prices", CHECK_WARNING, language, TEXT_CHECK_PRICES, value);
  if (find(samples, METRIC_DISK_FREE, &value) && find(samples, METRIC_DISK_SIZE, &size)) {
    g_autofree char *room = g_format_size_full((guint64)value, G_FORMAT_SIZE_IEC_UNITS);
    add(results, "disk", check_disk(value, size), language, TEXT_CHECK_DISK, room);
  }
  return results;
}

CheckLevel
check_worst(GPtrArray *results)
{
  CheckLevel worst = CHECK_OK;
  for (guint i = 0; i < results->len; i++)
    worst = MAX(worst, ((const CheckResult *)results->pdata[i])->level);
  return worst;
}

const char *
check_level_name(CheckLevel level)
{
  static const char *const names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
  return names[level];
}
