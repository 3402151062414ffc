/* The settings of each type of channel, and their check. Private to notify. */
#pragma once

#include <glib.h>
#include <jansson.h>

typedef enum {
  SETTING_URL, /* http or https with a host */
  SETTING_TEXT,
  SETTING_PROXY,
  SETTING_SERVER, /* smtp:// or smtps:// */
  SETTING_ADDRESS,
  SETTING_ADDRESSES, /* an array, or one text with commas; stored as an array */
  SETTING_HEADERS,   /* an object of texts */
  SETTING_OBJECT,
  SETTING_BOOLEAN,
  SETTING_ID
} SettingForm;

typedef struct {
  const char *type; /* of the channel */
  const char *name;
  SettingForm form;
  gboolean is_required, is_secret;
} Setting;

gboolean settings_type_is_known(const char *type);
/* The type's settings one after the other; NULL after the last. */
const Setting *settings_nth(const char *type, guint n);

/* Merges `given` (null: removes) into the channel's settings, of which secrets are separate, and checks the whole. A
 * password, token or header that another server would get has to be given again. NOTIFY_CHANNEL_INVALID. */
gboolean settings_merge(const char *type, const json_t *given, json_t *plain, json_t *secrets, GError **error);

/* What is shown of where messages go, without secrets; free with g_free. */
char *settings_target(const char *type, const json_t *plain, const json_t *secrets);
