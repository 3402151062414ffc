#include "batch/list/filter.h"

#include "base/date_time.h"
#include "base/error.h"
#include "hub/circuits.h"

#include <string.h>

enum { MAX_CONDITIONS = 9, MAX_CHARACTERS = 200, MAX_ITEMS = 500 };

typedef enum { KIND_TEXT, KIND_LIST, KIND_IDS, KIND_CHOICE, KIND_TIME, KIND_CIRCUIT } Kind;

typedef struct {
  const char *name;
  Kind kind;
  const char *choices; /* "a|b" */
} Condition;

#define STATUS "active|expired|expiringSoon|enabled|disabled"

/* In the order of the statements' parameters. */
static const Condition conditions[BATCH_N_ENTITIES][MAX_CONDITIONS] = {
    [BATCH_USERS] = {{"q", KIND_TEXT, NULL},
                     {"ids", KIND_IDS, NULL},
                     {"tags", KIND_LIST, NULL},
                     {"keyGroups", KIND_LIST, NULL},
                     {"status", KIND_CHOICE, STATUS},
                     {"expiresAfter", KIND_TIME, NULL},
                     {"expiresBefore", KIND_TIME, NULL},
                     {"role", KIND_CHOICE, "admin|user"}},
    [BATCH_KEYS] = {{"q", KIND_TEXT, NULL},
                    {"ids", KIND_IDS, NULL},
                    {"userId", KIND_IDS, NULL},
                    {"tags", KIND_LIST, NULL},
                    {"groups", KIND_LIST, NULL},
                    {"status", KIND_CHOICE, STATUS},
                    {"expiresAfter", KIND_TIME, NULL},
                    {"expiresBefore", KIND_TIME, NULL},
                    {"canLoginWebUi", KIND_CHOICE, "true|false"}},
    [BATCH_PROVIDERS] = {{"q", KIND_TEXT, NULL},
                         {"ids", KIND_IDS, NULL},
                         {"providerType", KIND_LIST, NULL},
                         {"groups", KIND_LIST, NULL},
                         {"enabled", KIND_CHOICE, "true|false"},
                         {"circuitState", KIND_CIRCUIT, "closed|open|half-open|resettable"}},
};

struct BatchFilter {
  BatchEntity entity;
  char *values[MAX_CONDITIONS]; /* as statement parameters; NULL: any */
  char *circuit_state;          /* until it is resolved to ids */
};

BatchFilter *
batch_filter_new(BatchEntity entity)
{
  BatchFilter *filter = g_new0(BatchFilter, 1);
  filter->entity = entity;
  return filter;
}

void
batch_filter_free(BatchFilter *filter)
{
  for (guint i = 0; i < MAX_CONDITIONS; i++)
    g_free(filter->values[i]);
  g_free(filter->circuit_state);
  g_free(filter);
}

BatchEntity
batch_filter_entity(const BatchFilter *filter)
{
  return filter->entity;
}

const char *
batch_filter_name(BatchEntity entity, guint index)
{
  return index < MAX_CONDITIONS ? conditions[entity][index].name : NULL;
}

/* The elements, trimmed, without empty ones. */
static char **
split_list(const char *text)
{
  g_auto(GStrv) parts = g_strsplit_set(text, ",\n", -1);
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  for (char **part = parts; *part != NULL; part++)
    if (*g_strstrip(*part) != '\0')
      g_strv_builder_add(builder, *part);
  return g_strv_builder_end(builder);
}

static gboolean
are_ids(char **items)
{
  for (char **item = items; *item != NULL; item++)
    if (!g_ascii_string_to_unsigned(*item, 10, 1, G_MAXINT32, NULL, NULL))
      return FALSE;
  return TRUE;
}

static gboolean
is_choice(const char *choices, const char *text)
{
  g_auto(GStrv) allowed = g_strsplit(choices, "|", -1);
  return g_strv_contains((const char *const *)allowed, text);
}

/* The allowed values, for "<name> must be …"; NULL: the value is valid. */
static const char *
convert_value(const Condition *condition, const char *text, char **ret_value)
{
  if (condition->kind == KIND_TEXT) {
    *ret_value = g_strdup(text);
    return g_utf8_strlen(text, -1) <= MAX_CHARACTERS ? NULL : "at most 200 characters";
  }
  if (condition->kind == KIND_TIME) {
    *ret_value = date_time_read(text);
    return *ret_value != NULL ? NULL : "a date or time such as 2026-01-31 or 2026-01-31T12:00:00Z";
  }
  if (condition->choices != NULL) {
    *ret_value = g_strdup(text);
    return is_choice(condition->choices, text) ? NULL : condition->choices;
  }
  g_auto(GStrv) items = split_list(text);
  *ret_value = items[0] != NULL ? pg_array((const char *const *)items) : NULL;
  if (g_strv_length(items) > MAX_ITEMS)
    return "at most 500 values";
  return condition->kind != KIND_IDS || are_ids(items) ? NULL : "ids, separated by commas";
}

gboolean
batch_filter_set(BatchFilter *filter, const char *name, const char *text, GError **error)
{
  guint i = 0;
  while (batch_filter_name(filter->entity, i) != NULL && strcmp(batch_filter_name(filter->entity, i), name) != 0)
    i++;
  if (batch_filter_name(filter->entity, i) == NULL) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s have no filter \"%.64s\"", batch_entity_name(filter->entity),
              name);
    return FALSE;
  }
  const Condition *condition = &conditions[filter->entity][i];
  g_autofree char *value = NULL;
  const char *wanted = !g_utf8_validate(text, -1, NULL) ? "UTF-8"
                       : *text != '\0'                  ? convert_value(condition, text, &value)
                                                        : NULL;
  if (wanted != NULL) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s must be %s", name, wanted);
    return FALSE;
  }
  char **place = condition->kind == KIND_CIRCUIT ? &filter->circuit_state : &filter->values[i];
  g_free(*place);
  *place = g_steal_pointer(&value);
  return TRUE;
}

gboolean
batch_filter_resolve(BatchFilter *filter, PgConnection *connection, const char *redis_url, GError **error)
{
  if (filter->circuit_state == NULL)
    return TRUE;
  char *ids = hub_circuits_find(connection, redis_url, filter->circuit_state, error);
  if (ids == NULL)
    return FALSE;
  for (guint i = 0; i < MAX_CONDITIONS; i++) {
    if (conditions[filter->entity][i].kind != KIND_CIRCUIT)
      continue;
    g_free(filter->values[i]);
    filter->values[i] = ids;
  }
  return TRUE;
}

const char *const *
batch_filter_values(const BatchFilter *filter, guint *ret_n)
{
  for (*ret_n = 0; batch_filter_name(filter->entity, *ret_n) != NULL;)
    (*ret_n)++;
  return (const char *const *)filter->values;
}
