/* Checks the settings and secrets of a destination against its kind's table. Private to the room. */
#pragma once

#include "base/json.h"

typedef enum {
  SETTING_TEXT, /* one line */
  SETTING_LINES,
  SETTING_FLAG,
  SETTING_PORT,
} StorageSettingType;

typedef struct {
  const char *name;
  StorageSettingType type;
  gboolean is_required;
} StorageSetting;

#define STORAGE_MAX_SETTING_BYTES 4096
#define STORAGE_MAX_SECRET_BYTES  (16 * 1024)

/* STORAGE_SETTINGS for anything but an object of known names with values of their types. A null or "" is the same as
 * none. */
gboolean storage_settings_check(const json_t *settings, const StorageSetting *table, GError **error);
gboolean storage_secrets_check(const json_t *secrets, const char *const *names, GError **error);

/* The text of a checked setting or secret; NULL if there is none. */
const char *storage_setting_text(const json_t *object, const char *name);
/* TRUE, FALSE, or -1 if it is not set. */
int storage_setting_flag(const json_t *settings, const char *name);
guint storage_setting_port(const json_t *settings, const char *name, guint if_none);
