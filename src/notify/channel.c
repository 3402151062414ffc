#include "notify/channel.h"

#include "base/error.h"
#include "base/json.h"
#include "base/os/seal.h"
#include "notify/hub_target.h"
#include "notify/settings.h"
#include "notify_sql.h"

#include <string.h>

enum { MAX_NAME_BYTES = 100, MAX_CHANNELS = 50, ID_DIGITS = 9 };

/* A row of notify_channels while it is changed. */
typedef struct {
  char *name, *type, *language;
  gboolean is_enabled;
  json_t *kinds;
  json_t *plain, *secrets;
  /* As stored; NULL of a new channel. */
  char *target, *sealed;
  json_t *secret_names;
  gboolean is_key_lost; /* the secrets were sealed with another key: `secrets` is empty */
  gboolean keeps_sealed;
} Row;

static void
row_clear(Row *row)
{
  g_free(row->name);
  g_free(row->type);
  g_free(row->language);
  json_decref(row->kinds);
  json_decref(row->plain);
  json_decref(row->secrets);
  g_free(row->target);
  g_free(row->sealed);
  json_decref(row->secret_names);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Row, row_clear)

void
notify_channel_clear(NotifyChannel *channel)
{
  g_free(channel->id);
  g_free(channel->name);
  g_free(channel->type);
  g_free(channel->language);
  json_decref(channel->settings);
  *channel = (NotifyChannel){0};
}

static gboolean
invalid(GError **error, const char *problem)
{
  error_set(error, CCH_ERROR_NOTIFY_CHANNEL_INVALID, "%s", problem);
  return FALSE;
}

static gboolean
check_id(const char *id, GError **error)
{
  if (*id != '\0' && strlen(id) <= ID_DIGITS && strspn(id, "0123456789") == strlen(id))
    return TRUE;
  error_set(error, CCH_ERROR_NOTIFY_CHANNEL_UNKNOWN, "an id is a number");
  return FALSE;
}

/* The secrets' names become {url: true, …}, with false for those that could be set. */
static void
describe_secrets(json_t *channel)
{
  const char *type = json_string_value(json_object_get(channel, "type"));
  g_autoptr(json_t) names = json_incref(json_object_get(channel, "secrets"));
  json_t *set = json_object();
  const Setting *setting;
  for (guint i = 0; (setting = settings_nth(type, i)) != NULL; i++)
    if (setting->is_secret)
      json_object_set_new(set, setting->name, json_false());
  gsize i;
  const json_t *name;
  json_array_foreach(names, i, name)
    json_object_set_new(set, json_string_value(name), json_true());
  json_object_set_new(channel, "secrets", set);
}

static json_t *
read_channels(PgConnection *connection, const char *id, GError **error)
{
  g_autofree char *text = NULL;
  if (!pg_connection_value(connection, &text, error, notify_channels_sql, 1, id))
    return NULL;
  json_t *channels = json_loads(text, 0, NULL);
  gsize i;
  json_t *channel;
  json_array_foreach(channels, i, channel)
    describe_secrets(channel);
  return channels;
}

char *
notify_channel_list(PgConnection *connection, GError **error)
{
  g_autoptr(json_t) channels = read_channels(connection, NULL, error);
  g_autoptr(json_t) targets = channels != NULL ? hub_target_list(connection, error) : NULL;
  if (targets == NULL)
    return NULL;
  g_autoptr(json_t) list = json_pack("{s:O, s:O}", "channels", channels, "hubTargets", targets);
  return json_to_text(list);
}

char *
notify_channel_read(PgConnection *connection, const char *id, GError **error)
{
  g_autoptr(json_t) channels = check_id(id, error) ? read_channels(connection, id, error) : NULL;
  if (channels == NULL)
    return NULL;
  if (json_array_size(channels) > 0)
    return json_to_text(json_array_get(channels, 0));
  error_set(error, CCH_ERROR_NOTIFY_CHANNEL_UNKNOWN, "there is no channel %s", id);
  return NULL;
}

/* "\x00ff" of a bytea. */
static GBytes *
bytes_of_hex(const char *hex)
{
  gsize size = (strlen(hex) - 2) / 2;
  guint8 *data = g_malloc(size);
  for (gsize i = 0; i < size; i++)
    data[i] = (guint8)(g_ascii_xdigit_value(hex[2 + 2 * i]) << 4 | g_ascii_xdigit_value(hex[3 + 2 * i]));
  return g_bytes_new_take(data, size);
}

static char *
hex_of_bytes(GBytes *bytes)
{
  gsize size = 0;
  const guint8 *data = g_bytes_get_data(bytes, &size);
  GString *hex = g_string_new("\\x");
  for (gsize i = 0; i < size; i++)
    g_string_append_printf(hex, "%02x", data[i]);
  return g_string_free(hex, FALSE);
}

static json_t *
open_secrets(const char *data_directory, const char *hex, GError **error)
{
  if (hex == NULL)
    return json_object();
  g_autoptr(SealKey) key = seal_key_load(data_directory, FALSE, error);
  g_autoptr(GBytes) sealed = bytes_of_hex(hex);
  g_autofree char *text = key != NULL ? seal_open(key, sealed, error) : NULL;
  json_t *secrets = text != NULL ? json_loads(text, 0, NULL) : NULL;
  if (text != NULL && secrets == NULL)
    error_set(error, CCH_ERROR_INTERNAL, "the channel's secrets are no JSON");
  return secrets;
}

/* Locks the row until the end of the transaction. `secrets` is left to open_secrets. */
static gboolean
row_load(PgConnection *connection, const char *id, Row *row, GError **error)
{
  g_autoptr(PgResult) found =
      check_id(id, error) ? pg_connection_query(connection, error, notify_channel_secrets_sql, 1, id) : NULL;
  if (found == NULL)
    return FALSE;
  if (pg_result_rows(found) == 0) {
    error_set(error, CCH_ERROR_NOTIFY_CHANNEL_UNKNOWN, "there is no channel %s", id);
    return FALSE;
  }
  row->name = g_strdup(pg_result_text(found, 0, 0));
  row->type = g_strdup(pg_result_text(found, 0, 1));
  row->is_enabled = pg_result_bool(found, 0, 2);
  row->language = g_strdup(pg_result_text(found, 0, 3));
  row->kinds = json_loads(pg_result_text(found, 0, 4), 0, NULL);
  row->plain = json_loads(pg_result_text(found, 0, 5), 0, NULL);
  row->target = g_strdup(pg_result_text(found, 0, 6));
  row->secret_names = json_loads(pg_result_text(found, 0, 7), 0, NULL);
  row->sealed = g_strdup(pg_result_text(found, 0, 8));
  return TRUE;
}

/* Also succeeds if the key is lost, because the secrets can be entered again. */
static gboolean
row_load_to_change(PgConnection *connection, const char *data_directory, const char *id, Row *row, GError **error)
{
  if (!row_load(connection, id, row, error))
    return FALSE;
  g_autoptr(GError) problem = NULL;
  row->secrets = open_secrets(data_directory, row->sealed, &problem);
  row->is_key_lost = row->secrets == NULL && error_code(problem) == CCH_ERROR_SECRET_KEY_LOST;
  if (row->is_key_lost)
    row->secrets = json_object();
  else if (row->secrets == NULL)
    g_propagate_error(error, g_steal_pointer(&problem));
  return row->secrets != NULL;
}

static json_t *
default_kinds(const char *type)
{
  json_t *kinds = json_array();
  if (strcmp(type, "ping") == 0)
    json_array_append_new(kinds, json_string(notify_kind_name(NOTIFY_BACKUP_SUCCEEDED)));
  else
    for (NotifyKind kind = 0; kind < NOTIFY_N_KINDS; kind++)
      if (notify_kind_is_by_default(kind))
        json_array_append_new(kinds, json_string(notify_kind_name(kind)));
  return kinds;
}

static gboolean
row_start(const json_t *given, Row *row, GError **error)
{
  const char *type = json_string_value(json_object_get(given, "type"));
  if (type == NULL || !settings_type_is_known(type))
    return invalid(error,
                   "type is one of wechat, feishu, dingtalk, telegram, slack, webhook, custom, ping, email, hub");
  *row = (Row){.type = g_strdup(type),
               .language = g_strdup("zh-CN"),
               .is_enabled = TRUE,
               .kinds = default_kinds(type),
               .plain = json_object(),
               .secrets = json_object()};
  return TRUE;
}

static gboolean
kinds_are_known(const json_t *kinds)
{
  gsize i;
  const json_t *kind;
  NotifyKind known;
  json_array_foreach(kinds, i, kind) {
    if (!json_is_string(kind) || !notify_kind_parse(json_string_value(kind), &known))
      return FALSE;
  }
  return json_is_array(kinds) && i <= NOTIFY_N_KINDS;
}

/* Its receiver takes every call for a success. */
static gboolean
kinds_are_for_ping(const json_t *kinds)
{
  gsize i;
  const json_t *kind;
  json_array_foreach(kinds, i, kind) {
    if (strcmp(json_string_value(kind), notify_kind_name(NOTIFY_BACKUP_SUCCEEDED)) != 0)
      return FALSE;
  }
  return TRUE;
}

static gboolean
name_is_valid(const json_t *value)
{
  const char *name = json_string_value(value);
  if (name == NULL || strlen(name) != json_string_length(value) || strlen(name) > MAX_NAME_BYTES)
    return FALSE;
  for (const char *at = name; *at != '\0'; at++)
    if ((guchar)*at < 0x20 || *at == 0x7f)
      return FALSE;
  return name[strspn(name, " ")] != '\0';
}

static gboolean
row_set_member(Row *row, const char *member, json_t *value, GError **error)
{
  if (strcmp(member, "name") == 0) {
    if (!name_is_valid(value))
      return invalid(error, "name is a text of 1 to 100 bytes");
    g_free(row->name);
    row->name = g_strdup(json_string_value(value));
  } else if (strcmp(member, "type") == 0) {
    if (g_strcmp0(json_string_value(value), row->type) != 0)
      return invalid(error, "the type of a channel does not change: make another one");
  } else if (strcmp(member, "enabled") == 0) {
    if (!json_is_boolean(value))
      return invalid(error, "enabled is true or false");
    row->is_enabled = json_is_true(value);
  } else if (strcmp(member, "language") == 0) {
    const char *language = json_string_value(value);
    if (g_strcmp0(language, "zh-CN") != 0 && g_strcmp0(language, "en") != 0)
      return invalid(error, "language is zh-CN or en");
    g_free(row->language);
    row->language = g_strdup(language);
  } else if (strcmp(member, "kinds") == 0) {
    if (!kinds_are_known(value))
      return invalid(error, "kinds is an array of names of messages, as [\"backup_failed\"]");
    json_decref(row->kinds);
    row->kinds = json_incref(value);
  } else if (strcmp(member, "settings") == 0) {
    if (!json_is_object(value))
      return invalid(error, "settings is an object");
  } else {
    error_set(error, CCH_ERROR_NOTIFY_CHANNEL_INVALID, "%s is not known", member);
    return FALSE;
  }
  return TRUE;
}

/* Whether `settings` names every secret that cannot be opened any more, if only to remove it. */
static gboolean
check_given_again(const Row *row, const json_t *settings, GError **error)
{
  gsize i;
  const json_t *name;
  json_array_foreach(row->secret_names, i, name) {
    if (json_object_get(settings, json_string_value(name)) == NULL) {
      error_set(error, CCH_ERROR_NOTIFY_CHANNEL_INVALID, "settings.%s is missing: the key that sealed it is lost",
                json_string_value(name));
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
row_set(Row *row, const json_t *given, GError **error)
{
  const char *member;
  json_t *value;
  json_object_foreach((json_t *)given, member, value) {
    if (!row_set_member(row, member, value, error))
      return FALSE;
  }
  if (row->name == NULL)
    return invalid(error, "name is missing");
  if (strcmp(row->type, "ping") == 0 && !kinds_are_for_ping(row->kinds))
    return invalid(error, "a ping tells of successful backups only: kinds is [\"backup_succeeded\"]");
  const json_t *settings = json_object_get(given, "settings");
  /* Without the key a channel can still be named and switched off; what is sealed stays, as the key may come back. */
  row->keeps_sealed = row->is_key_lost && settings == NULL && !json_is_true(json_object_get(given, "enabled"));
  return row->keeps_sealed || (settings_merge(row->type, settings, row->plain, row->secrets, error) &&
                               (!row->is_key_lost || check_given_again(row, settings, error)));
}

/* The value of a text[] parameter; `names` are the texts of an array, or an object's names. */
static char *
text_array(json_t *names)
{
  g_autoptr(GPtrArray) texts = g_ptr_array_new();
  gsize i;
  const char *name;
  json_t *value;
  json_array_foreach(names, i, value)
    g_ptr_array_add(texts, (gpointer)json_string_value(value));
  if (json_is_object(names))
    json_object_foreach(names, name, value)
      g_ptr_array_add(texts, (gpointer)name);
  return pg_array_n((const char *const *)texts->pdata, texts->len);
}

static char *
seal_secrets(const char *data_directory, const json_t *secrets, GError **error)
{
  g_autoptr(SealKey) key = seal_key_load(data_directory, TRUE, error);
  if (key == NULL)
    return NULL;
  g_autofree char *text = json_to_text(secrets);
  g_autoptr(GBytes) sealed = seal(key, text);
  return hex_of_bytes(sealed);
}

static gboolean
row_save(PgConnection *connection, const char *data_directory, const char *id, const Row *row, char **ret_id,
         GError **error)
{
  g_autofree char *sealed = row->keeps_sealed ? g_strdup(row->sealed) : NULL;
  if (json_object_size(row->secrets) > 0 && (sealed = seal_secrets(data_directory, row->secrets, error)) == NULL)
    return FALSE;
  g_autofree char *kinds = text_array(row->kinds);
  g_autofree char *settings = json_to_text(row->plain);
  g_autofree char *target =
      row->keeps_sealed ? g_strdup(row->target) : settings_target(row->type, row->plain, row->secrets);
  g_autofree char *secret_names = text_array(row->keeps_sealed ? row->secret_names : row->secrets);
  const char *values[] = {
      row->name, row->type, row->is_enabled ? "t" : "f", row->language, kinds, settings, target, secret_names,
      sealed,    id};
  return pg_connection_value(connection, ret_id, error,
                             id != NULL ? notify_channel_update_sql : notify_channel_insert_sql, id != NULL ? 10 : 9,
                             values[0], values[1], values[2], values[3], values[4], values[5], values[6], values[7],
                             values[8], values[9]);
}

static gboolean
check_room(PgConnection *connection, GError **error)
{
  g_autofree char *count = NULL;
  if (!pg_connection_value(connection, &count, error, "SELECT pg_catalog.count(*) FROM cch_data.notify_channels", 0))
    return FALSE;
  return g_ascii_strtoull(count, NULL, 10) < MAX_CHANNELS || invalid(error, "there are 50 channels already");
}

static gboolean
save_in_transaction(PgConnection *connection, const char *data_directory, const char *id, json_t *given, char **ret_id,
                    GError **error)
{
  g_auto(Row) row = {0};
  if (!(id != NULL ? row_load_to_change(connection, data_directory, id, &row, error)
                   : check_room(connection, error) && row_start(given, &row, error)))
    return FALSE;
  return row_set(&row, given, error) && row_save(connection, data_directory, id, &row, ret_id, error);
}

gboolean
notify_channel_save(PgConnection *connection, const char *data_directory, const char *id, json_t *given, char **ret_id,
                    GError **error)
{
  g_autofree char *saved_id = NULL;
  if (!pg_connection_exec(connection, "BEGIN", error))
    return FALSE;
  if (!save_in_transaction(connection, data_directory, id, given, &saved_id, error) ||
      !pg_connection_exec(connection, "COMMIT", error)) {
    pg_connection_rollback(connection);
    return FALSE;
  }
  *ret_id = g_steal_pointer(&saved_id);
  return TRUE;
}

gboolean
notify_channel_delete(PgConnection *connection, const char *id, GError **error)
{
  g_autoptr(PgResult) gone =
      check_id(id, error)
          ? pg_connection_query(connection, error,
                                "DELETE FROM cch_data.notify_channels WHERE id = $1::pg_catalog.int4", 1, id)
          : NULL;
  if (gone == NULL)
    return FALSE;
  if (pg_result_affected(gone) > 0)
    return TRUE;
  error_set(error, CCH_ERROR_NOTIFY_CHANNEL_UNKNOWN, "there is no channel %s", id);
  return FALSE;
}

gboolean
notify_channel_open(PgConnection *connection, const char *data_directory, const char *id, NotifyChannel *ret_channel,
                    GError **error)
{
  g_auto(Row) row = {0};
  if (!row_load(connection, id, &row, error) || (row.secrets = open_secrets(data_directory, row.sealed, error)) == NULL)
    return FALSE;
  g_auto(NotifyChannel) channel = {g_strdup(id), g_steal_pointer(&row.name), g_steal_pointer(&row.type),
                                   g_steal_pointer(&row.language), json_object()};
  json_object_update(channel.settings, row.plain);
  json_object_update(channel.settings, row.secrets);
  if (strcmp(channel.type, "hub") == 0 && !hub_target_open(connection, &channel, error))
    return FALSE;
  *ret_channel = channel;
  channel = (NotifyChannel){0};
  return TRUE;
}
