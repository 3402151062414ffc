#include "schedule/catalog/job.h"

#include "base/error.h"

#include <string.h>

#define MAX_TEXT_BYTES 1024

enum {
  DEFAULT_VERIFY_DAYS = 7,
  DEFAULT_WAIT_S = 3600,
  DEFAULT_LIMIT_S = 6 * 3600,
  DEFAULT_TRIES = 3,
  MAX_DAYS = 3660,
  MAX_WAIT_S = 24 * 3600,
  MIN_LIMIT_S = 60,
  MAX_LIMIT_S = 7 * 24 * 3600,
  MAX_TRIES = 10,
  MAX_WITHIN_H = 100 * 366 * 24
};

static const char *const contents_names[JOB_N_CONTENTS] = {"full", "no-logs", "ledger-only"};

static const char *const members[] = {
    "schedule",  "timeZone",   "contents",  "excludedTables", "compression",  "destinations", "recipients",
    "retention", "verifyDays", "drillDays", "waitSeconds",    "limitSeconds", "tries",        NULL};

void
job_settings_free(JobSettings *settings)
{
  if (settings == NULL)
    return;
  g_free(settings->schedule);
  g_free(settings->zone);
  g_clear_pointer(&settings->cron, cron_free);
  g_strfreev(settings->excluded_tables);
  g_clear_pointer(&settings->destinations, g_array_unref);
  g_strfreev(settings->recipients);
  g_free(settings);
}

static gboolean
refuse(const char *member, const char *rule, GError **error)
{
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s: %s", member, rule);
  return FALSE;
}

static gboolean
check_members(const json_t *object, const char *where, const char *const *known, GError **error)
{
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)object, key, value)
    if (!g_strv_contains(known, key)) {
      error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s has no member \"%.64s\"", where, key);
      return FALSE;
    }
  return TRUE;
}

/* The member's text, or the default. */
static gboolean
parse_text(const json_t *object, const char *member, const char *fallback, char **ret_text, GError **error)
{
  const json_t *value = json_object_get(object, member);
  if (value != NULL && (!json_is_string(value) || json_string_length(value) > MAX_TEXT_BYTES ||
                        strlen(json_string_value(value)) != json_string_length(value)))
    return refuse(member, "a text", error);
  *ret_text = g_strdup(value != NULL ? json_string_value(value) : fallback);
  return TRUE;
}

static gboolean
parse_number(const json_t *object, const char *member, guint fallback, guint lowest, guint highest, guint *ret_number,
             GError **error)
{
  const json_t *value = json_object_get(object, member);
  json_int_t number = value != NULL ? json_integer_value(value) : fallback;
  if ((value != NULL && !json_is_integer(value)) || number < lowest || number > highest) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s: a whole number from %u to %u", member, lowest, highest);
    return FALSE;
  }
  *ret_number = (guint)number;
  return TRUE;
}

static gboolean
parse_texts(const json_t *object, const char *member, guint max, char ***ret_texts, GError **error)
{
  const json_t *list = json_object_get(object, member), *item;
  gsize i;
  if (list != NULL && (!json_is_array(list) || json_array_size(list) > max)) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s: a list of at most %u texts", member, max);
    return FALSE;
  }
  g_autoptr(GStrvBuilder) texts = g_strv_builder_new();
  json_array_foreach(list, i, item) {
    if (!json_is_string(item) || json_string_length(item) == 0 || json_string_length(item) > MAX_TEXT_BYTES ||
        strlen(json_string_value(item)) != json_string_length(item))
      return refuse(member, "texts that are not empty", error);
    g_strv_builder_add(texts, json_string_value(item));
  }
  *ret_texts = g_strv_builder_end(texts);
  return TRUE;
}

static gboolean
parse_contents(const json_t *object, JobContents *ret_contents, GError **error)
{
  g_autofree char *name = NULL;
  if (!parse_text(object, "contents", contents_names[JOB_CONTENTS_FULL], &name, error))
    return FALSE;
  for (guint i = 0; i < JOB_N_CONTENTS; i++)
    if (strcmp(name, contents_names[i]) == 0) {
      *ret_contents = i;
      return TRUE;
    }
  return refuse("contents", "full, no-logs or ledger-only", error);
}

static gboolean
parse_level(const json_t *object, ArchiveLevel *ret_level, GError **error)
{
  g_autofree char *name = NULL;
  if (!parse_text(object, "compression", archive_level_name(ARCHIVE_LEVEL_FAST), &name, error))
    return FALSE;
  return archive_level_from_name(name, ret_level) ||
         refuse("compression", "fast, balanced, small, none, lz4 or zstd", error);
}

static gboolean
parse_destinations(const json_t *object, GArray **ret_ids, GError **error)
{
  const json_t *list = json_object_get(object, "destinations"), *item;
  gsize i;
  g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(gint64));
  json_array_foreach(list, i, item) {
    gint64 id = json_integer_value(item);
    gboolean is_new = id > 0;
    for (guint j = 0; j < ids->len; j++)
      is_new = is_new && g_array_index(ids, gint64, j) != id;
    if (!is_new)
      return refuse("destinations", "ids of destinations, each once", error);
    g_array_append_val(ids, id);
  }
  if (ids->len == 0 || ids->len > JOB_MAX_DESTINATIONS)
    return refuse("destinations", "1 to " G_STRINGIFY(JOB_MAX_DESTINATIONS) " ids of destinations", error);
  *ret_ids = g_steal_pointer(&ids);
  return TRUE;
}

static gboolean
parse_retention(const json_t *object, RetentionRules *ret_rules, GError **error)
{
  static const char *const known[] = {"last",   "hourly",      "daily",   "weekly", "monthly",
                                      "yearly", "withinHours", "minimum", NULL};
  const json_t *rules = json_object_get(object, "retention");
  *ret_rules = (RetentionRules){.count = {[RETENTION_DAILY] = 7, [RETENTION_WEEKLY] = 4, [RETENTION_MONTHLY] = 12},
                                .minimum = 1};
  if (rules == NULL)
    return TRUE;
  if (!json_is_object(rules))
    return refuse("retention", "an object", error);
  if (!check_members(rules, "retention", known, error))
    return FALSE;
  for (guint rule = 0; rule < RETENTION_N_RULES; rule++)
    if (!parse_number(rules, retention_rule_name(rule), 0, 0, RETENTION_MAX_COUNT, &ret_rules->count[rule], error))
      return FALSE;
  return parse_number(rules, "withinHours", 0, 0, MAX_WITHIN_H, &ret_rules->within_h, error) &&
         parse_number(rules, "minimum", 1, 1, RETENTION_MAX_COUNT, &ret_rules->minimum, error);
}

JobSettings *
job_settings_parse(const json_t *object, GError **error)
{
  g_autoptr(JobSettings) settings = g_new0(JobSettings, 1);
  if (!json_is_object(object)) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "settings: an object");
    return NULL;
  }
  if (!check_members(object, "a job", members, error) ||
      !parse_text(object, "schedule", "0 4 * * *", &settings->schedule, error) ||
      !parse_text(object, "timeZone", "", &settings->zone, error) ||
      (settings->cron = cron_parse(settings->schedule, settings->zone, error)) == NULL ||
      !parse_contents(object, &settings->contents, error) ||
      !parse_texts(object, "excludedTables", JOB_MAX_TABLES, &settings->excluded_tables, error) ||
      !parse_level(object, &settings->level, error) || !parse_destinations(object, &settings->destinations, error) ||
      !parse_texts(object, "recipients", JOB_MAX_RECIPIENTS, &settings->recipients, error) ||
      !parse_retention(object, &settings->retention, error) ||
      !parse_number(object, "verifyDays", DEFAULT_VERIFY_DAYS, 0, MAX_DAYS, &settings->verify_days, error) ||
      !parse_number(object, "drillDays", 0, 0, MAX_DAYS, &settings->drill_days, error) ||
      !parse_number(object, "waitSeconds", DEFAULT_WAIT_S, 0, MAX_WAIT_S, &settings->wait_s, error) ||
      !parse_number(object, "limitSeconds", DEFAULT_LIMIT_S, MIN_LIMIT_S, MAX_LIMIT_S, &settings->limit_s, error) ||
      !parse_number(object, "tries", DEFAULT_TRIES, 1, MAX_TRIES, &settings->tries, error))
    return NULL;
  return g_steal_pointer(&settings);
}

static json_t *
texts_to_json(char *const *texts)
{
  json_t *list = json_array();
  for (char *const *text = texts; *text != NULL; text++)
    json_array_append_new(list, json_string(*text));
  return list;
}

static json_t *
retention_to_json(const RetentionRules *rules)
{
  json_t *object = json_object();
  for (guint rule = 0; rule < RETENTION_N_RULES; rule++)
    json_object_set_new(object, retention_rule_name(rule), json_integer(rules->count[rule]));
  json_object_set_new(object, "withinHours", json_integer(rules->within_h));
  json_object_set_new(object, "minimum", json_integer(rules->minimum));
  return object;
}

json_t *
job_settings_to_json(const JobSettings *settings)
{
  json_t *destinations = json_array();
  for (guint i = 0; i < settings->destinations->len; i++)
    json_array_append_new(destinations, json_integer(g_array_index(settings->destinations, gint64, i)));
  return json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:i, s:i, s:i, s:i, s:i}", "schedule", settings->schedule,
                   "timeZone", settings->zone, "contents", contents_names[settings->contents], "excludedTables",
                   texts_to_json(settings->excluded_tables), "compression", archive_level_name(settings->level),
                   "destinations", destinations, "recipients", texts_to_json(settings->recipients), "retention",
                   retention_to_json(&settings->retention), "verifyDays", (int)settings->verify_days, "drillDays",
                   (int)settings->drill_days, "waitSeconds", (int)settings->wait_s, "limitSeconds",
                   (int)settings->limit_s, "tries", (int)settings->tries);
}

gboolean
job_name_check(const char *name, GError **error)
{
  gsize length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");
  if (length > 0 && length <= JOB_MAX_NAME_BYTES && name[length] == '\0' && g_ascii_isalnum(*name))
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER,
            "name: 1 to %d of a-z, 0-9, \"-\" and \"_\", beginning with a letter or digit", JOB_MAX_NAME_BYTES);
  return FALSE;
}
