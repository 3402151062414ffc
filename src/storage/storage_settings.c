#include "storage/storage_settings.h"

#include "base/error.h"

#include <string.h>

/* Valid UTF-8 is jansson's; control characters would break out of a line of a configuration or a log. */
static gboolean
text_is_clean(const char *text, gboolean may_have_lines)
{
  for (const char *p = text; *p != '\0'; p++)
    if ((guchar)*p < 0x20 || *p == 0x7f) {
      gboolean is_line_end = *p == '\n' || *p == '\r' || *p == '\t';
      if (!may_have_lines || !is_line_end)
        return FALSE;
    }
  return TRUE;
}

static gboolean
text_check(const char *name, const json_t *value, gsize max_bytes, gboolean may_have_lines, GError **error)
{
  if (!json_is_string(value))
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "%s: a text is expected", name);
  else if (json_string_length(value) > max_bytes)
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "%s: longer than %zu bytes", name, max_bytes);
  else if (json_string_length(value) != strlen(json_string_value(value)) ||
           !text_is_clean(json_string_value(value), may_have_lines))
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "%s: it has control characters", name);
  else
    return TRUE;
  return FALSE;
}

static gboolean
value_check(const StorageSetting *setting, const json_t *value, GError **error)
{
  switch (setting->type) {
  case SETTING_FLAG:
    if (!json_is_boolean(value)) {
      error_set(error, CCH_ERROR_STORAGE_SETTINGS, "%s: true or false is expected", setting->name);
      return FALSE;
    }
    return TRUE;
  case SETTING_PORT:
    if (!json_is_integer(value) || json_integer_value(value) < 1 || json_integer_value(value) > 65535) {
      error_set(error, CCH_ERROR_STORAGE_SETTINGS, "%s: a number of 1 to 65535 is expected", setting->name);
      return FALSE;
    }
    return TRUE;
  case SETTING_TEXT:
  case SETTING_LINES:
    break;
  }
  return text_check(setting->name, value, STORAGE_MAX_SETTING_BYTES, setting->type == SETTING_LINES, error);
}

static const StorageSetting *
setting_find(const StorageSetting *table, const char *name)
{
  for (; table->name != NULL; table++)
    if (strcmp(table->name, name) == 0)
      return table;
  return NULL;
}

gboolean
storage_settings_check(const json_t *settings, const StorageSetting *table, GError **error)
{
  if (settings != NULL && !json_is_object(settings)) {
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "the settings must be an object");
    return FALSE;
  }
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)settings, name, value) {
    const StorageSetting *setting = setting_find(table, name);
    if (setting == NULL) {
      g_autofree char *shown = text_visible(name);
      error_set(error, CCH_ERROR_STORAGE_SETTINGS, "there is no setting %.100s", shown);
      return FALSE;
    }
    if (!json_is_null(value) && !value_check(setting, value, error))
      return FALSE;
  }
  for (; table->name != NULL; table++) {
    const json_t *given = json_object_get(settings, table->name);
    gboolean is_given =
        given != NULL && !json_is_null(given) && !(json_is_string(given) && json_string_length(given) == 0);
    if (table->is_required && !is_given) {
      error_set(error, CCH_ERROR_STORAGE_SETTINGS, "%s is missing", table->name);
      return FALSE;
    }
  }
  return TRUE;
}

gboolean
storage_secrets_check(const json_t *secrets, const char *const *names, GError **error)
{
  if (secrets != NULL && !json_is_object(secrets)) {
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "the secrets must be an object");
    return FALSE;
  }
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)secrets, name, value) {
    if (!g_strv_contains(names, name)) {
      g_autofree char *shown = text_visible(name);
      error_set(error, CCH_ERROR_STORAGE_SETTINGS, "there is no secret %.100s", shown);
      return FALSE;
    }
    if (!json_is_null(value) && !text_check(name, value, STORAGE_MAX_SECRET_BYTES, TRUE, error))
      return FALSE;
  }
  return TRUE;
}

const char *
storage_setting_text(const json_t *object, const char *name)
{
  const char *text = json_string_value(json_object_get(object, name));
  return text != NULL && *text != '\0' ? text : NULL;
}

int
storage_setting_flag(const json_t *settings, const char *name)
{
  const json_t *value = json_object_get(settings, name);
  return json_is_boolean(value) ? json_is_true(value) : -1;
}

guint
storage_setting_port(const json_t *settings, const char *name, guint if_none)
{
  const json_t *value = json_object_get(settings, name);
  return json_is_integer(value) ? (guint)json_integer_value(value) : if_none;
}
