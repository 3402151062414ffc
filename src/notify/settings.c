#include "notify/settings.h"

#include "base/error.h"
#include "net/post.h"

#include <string.h>

enum { MAX_TEXT_BYTES = 2048, MAX_ADDRESSES = 20, MAX_HEADERS = 20, MAX_TEMPLATE_BYTES = 16384 };

#define URL_TYPE(type)                                                                                                 \
  {type, "url", SETTING_URL, TRUE, TRUE},                                                                              \
  {                                                                                                                    \
    type, "proxyUrl", SETTING_PROXY, FALSE, TRUE                                                                       \
  }

static const Setting all[] = {
    URL_TYPE("wechat"),
    URL_TYPE("feishu"),
    {"feishu", "secret", SETTING_TEXT, FALSE, TRUE},
    URL_TYPE("dingtalk"),
    {"dingtalk", "secret", SETTING_TEXT, FALSE, TRUE},
    {"telegram", "botToken", SETTING_TEXT, TRUE, TRUE},
    {"telegram", "chatId", SETTING_TEXT, TRUE, FALSE},
    {"telegram", "apiUrl", SETTING_URL, FALSE, FALSE},
    {"telegram", "proxyUrl", SETTING_PROXY, FALSE, TRUE},
    URL_TYPE("slack"),
    URL_TYPE("webhook"),
    {"webhook", "secret", SETTING_TEXT, FALSE, TRUE},
    URL_TYPE("custom"),
    {"custom", "template", SETTING_OBJECT, TRUE, FALSE},
    {"custom", "headers", SETTING_HEADERS, FALSE, TRUE},
    URL_TYPE("ping"),
    {"email", "server", SETTING_SERVER, TRUE, FALSE},
    {"email", "plain", SETTING_BOOLEAN, FALSE, FALSE},
    {"email", "user", SETTING_TEXT, FALSE, FALSE},
    {"email", "password", SETTING_TEXT, FALSE, TRUE},
    {"email", "from", SETTING_ADDRESS, TRUE, FALSE},
    {"email", "to", SETTING_ADDRESSES, TRUE, FALSE},
    {"hub", "targetId", SETTING_ID, TRUE, FALSE},
};

gboolean
settings_type_is_known(const char *type)
{
  for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
    if (strcmp(all[i].type, type) == 0)
      return TRUE;
  return FALSE;
}

static const Setting *
settings_find(const char *type, const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
    if (strcmp(all[i].type, type) == 0 && strcmp(all[i].name, name) == 0)
      return &all[i];
  return NULL;
}

const Setting *
settings_nth(const char *type, guint n)
{
  for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
    if (strcmp(all[i].type, type) == 0 && n-- == 0)
      return &all[i];
  return NULL;
}

static gboolean
text_is_clean(const char *text, gsize size)
{
  for (gsize i = 0; i < size; i++)
    if ((guchar)text[i] < 0x20 || text[i] == 0x7f)
      return FALSE;
  return size > 0 && size <= MAX_TEXT_BYTES;
}

static gboolean
url_has_scheme(const char *text, const char *const *schemes)
{
  g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_NONE, NULL);
  const char *host = uri != NULL ? g_uri_get_host(uri) : NULL;
  return host != NULL && *host != '\0' && strchr(text, ' ') == NULL && g_strv_contains(schemes, g_uri_get_scheme(uri));
}

/* A mailbox as SMTP takes it. */
static gboolean
address_is_valid(const char *text)
{
  const char *at = strchr(text, '@');
  return at != NULL && at != text && at[1] != '\0' && strchr(at + 1, '@') == NULL && strlen(text) <= 254 &&
         strpbrk(text, " <>,;:\"()[]\\") == NULL;
}

static gboolean
headers_are_valid(const json_t *value)
{
  const char *name;
  const json_t *header;
  json_object_foreach((json_t *)value, name, header) {
    gsize length = strlen(name);
    if (!json_is_string(header) || !text_is_clean(json_string_value(header), json_string_length(header)) ||
        length == 0 || length > 100 ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != length)
      return FALSE;
  }
  return json_is_object(value) && json_object_size(value) <= MAX_HEADERS;
}

static gboolean
addresses_are_valid(const json_t *value)
{
  gsize i;
  const json_t *address;
  json_array_foreach(value, i, address) {
    if (!json_is_string(address) || !text_is_clean(json_string_value(address), json_string_length(address)) ||
        !address_is_valid(json_string_value(address)))
      return FALSE;
  }
  return json_is_array(value) && i > 0 && i <= MAX_ADDRESSES;
}

static gboolean
object_is_valid(const json_t *value)
{
  g_autofree char *text = json_is_object(value) ? json_dumps(value, JSON_COMPACT) : NULL;
  return text != NULL && strlen(text) <= MAX_TEMPLATE_BYTES;
}

/* A setting that is not secret is stored unencrypted, so its URL must not contain "user:password@". */
static gboolean
setting_is_clear(const Setting *setting, const char *url)
{
  g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
  return setting->is_secret || (uri != NULL && g_uri_get_userinfo(uri) == NULL);
}

/* NULL if the value has the form; otherwise what it should be. */
static const char *
setting_problem(const Setting *setting, const json_t *value)
{
  static const char *const web[] = {"http", "https", NULL};
  static const char *const mail[] = {"smtp", "smtps", NULL};
  static const char *const proxies[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h", NULL};
  const char *text = json_string_value(value);
  gboolean is_text = text != NULL && text_is_clean(text, json_string_length(value));
  switch (setting->form) {
  case SETTING_URL:
    if (!is_text || !url_has_scheme(text, web))
      return "an address http://… or https://…";
    return setting_is_clear(setting, text) ? NULL : "an address without user and password";
  case SETTING_PROXY:
    return is_text && url_has_scheme(text, proxies) ? NULL : "an address http://…, https://… or socks5://…";
  case SETTING_SERVER:
    if (!is_text || !url_has_scheme(text, mail))
      return "smtps://host or smtp://host:587";
    return setting_is_clear(setting, text) ? NULL : "without user and password, which are settings of their own";
  case SETTING_TEXT:
    return is_text ? NULL : "a text of 2048 bytes at most, without control characters";
  case SETTING_ADDRESS:
    return is_text && address_is_valid(text) ? NULL : "an address name@host";
  case SETTING_ADDRESSES:
    return addresses_are_valid(value) ? NULL : "1 to 20 addresses name@host";
  case SETTING_HEADERS:
    return headers_are_valid(value) ? NULL : "an object of at most 20 headers, as {\"X-Token\": \"…\"}";
  case SETTING_OBJECT:
    return object_is_valid(value) ? NULL : "a JSON object of 16 KB at most";
  case SETTING_BOOLEAN:
    return json_is_boolean(value) ? NULL : "true or false";
  case SETTING_ID:
    return json_integer_value(value) > 0 && json_integer_value(value) <= G_MAXINT32 ? NULL : "a number";
  }
  return NULL;
}

/* "a@x, b@y" as an array. */
static json_t *
split_addresses(const char *text)
{
  json_t *array = json_array();
  g_auto(GStrv) parts = g_strsplit_set(text, ",; \n", MAX_ADDRESSES * 2);
  for (char **part = parts; *part != NULL; part++)
    if (**part != '\0')
      json_array_append_new(array, json_string(*part));
  return array;
}

static gboolean
merge_one(const Setting *setting, json_t *value, json_t *plain, json_t *secrets, GError **error)
{
  json_t *into = setting->is_secret ? secrets : plain;
  const char *text = json_string_value(value);
  if (json_is_null(value) || (text != NULL && *text == '\0'))
    return json_object_del(into, setting->name), TRUE;
  json_t *kept = setting->form == SETTING_ADDRESSES && text != NULL ? split_addresses(text) : json_incref(value);
  const char *problem = setting_problem(setting, kept);
  json_object_set_new(into, setting->name, kept);
  if (problem == NULL)
    return TRUE;
  error_set(error, CCH_ERROR_NOTIFY_CHANNEL_INVALID, "settings.%s is %s", setting->name, problem);
  return FALSE;
}

/* A password in the clear may only go to this machine. */
static gboolean
check_mail(const json_t *plain, const json_t *secrets, GError **error)
{
  if (!json_is_true(json_object_get(plain, "plain")) || json_object_get(secrets, "password") == NULL)
    return TRUE;
  g_autoptr(GUri) uri = g_uri_parse(json_string_value(json_object_get(plain, "server")), G_URI_FLAGS_NONE, NULL);
  static const char *const loopback[] = {"localhost", "127.0.0.1", "::1", NULL};
  if (g_strv_contains(loopback, g_uri_get_host(uri)))
    return TRUE;
  error_set(error, CCH_ERROR_NOTIFY_CHANNEL_INVALID,
            "settings.plain: a password is not sent without TLS, except to this machine");
  return FALSE;
}

/* Secrets that are sent as they are, and where to. */
typedef struct {
  const char *type;
  const char *address, *secret;
} SentSecret;

static const SentSecret *
sent_secret_find(const char *type)
{
  static const SentSecret sent[] = {
      {"email", "server", "password"}, {"telegram", "apiUrl", "botToken"}, {"custom", "url", "headers"}};
  for (gsize i = 0; i < G_N_ELEMENTS(sent); i++)
    if (strcmp(sent[i].type, type) == 0)
      return &sent[i];
  return NULL;
}

/* The server that it is sent to: scheme, host and port. NULL: the usual one. */
static char *
sent_secret_server(const SentSecret *sent, const json_t *plain, const json_t *secrets)
{
  const char *url = sent != NULL ? json_string_value(json_object_get(plain, sent->address)) : NULL;
  if (url == NULL && sent != NULL)
    url = json_string_value(json_object_get(secrets, sent->address));
  return url != NULL ? post_url_display(url) : NULL;
}

gboolean
settings_merge(const char *type, const json_t *given, json_t *plain, json_t *secrets, GError **error)
{
  const SentSecret *sent = sent_secret_find(type);
  g_autofree char *server_before = sent_secret_server(sent, plain, secrets);
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)given, name, value) {
    const Setting *setting = settings_find(type, name);
    if (setting == NULL) {
      error_set(error, CCH_ERROR_NOTIFY_CHANNEL_INVALID, "a channel of the type %s has no settings.%s", type, name);
      return FALSE;
    }
    if (!merge_one(setting, value, plain, secrets, error))
      return FALSE;
  }
  for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
    if (strcmp(all[i].type, type) == 0 && all[i].is_required &&
        json_object_get(all[i].is_secret ? secrets : plain, all[i].name) == NULL) {
      error_set(error, CCH_ERROR_NOTIFY_CHANNEL_INVALID, "settings.%s is missing", all[i].name);
      return FALSE;
    }
  /* Otherwise whoever may change a channel could have its secret sent to a server of his own. */
  g_autofree char *server = sent_secret_server(sent, plain, secrets);
  if (g_strcmp0(server, server_before) != 0 && json_object_get(secrets, sent->secret) != NULL &&
      json_object_get(given, sent->secret) == NULL) {
    error_set(error, CCH_ERROR_NOTIFY_CHANNEL_INVALID, "settings.%s is missing: it has to be given again for %s",
              sent->secret, server != NULL ? server : "another server");
    return FALSE;
  }
  return strcmp(type, "email") != 0 || check_mail(plain, secrets, error);
}

char *
settings_target(const char *type, const json_t *plain, const json_t *secrets)
{
  const char *url = json_string_value(json_object_get(secrets, "url"));
  if (url != NULL)
    return post_url_display(url);
  if (strcmp(type, "telegram") == 0)
    return g_strdup_printf("Telegram %s", json_string_value(json_object_get(plain, "chatId")));
  if (strcmp(type, "email") == 0) {
    g_autoptr(GString) all_addresses = g_string_new(NULL);
    gsize i;
    const json_t *address;
    json_array_foreach(json_object_get(plain, "to"), i, address)
      g_string_append_printf(all_addresses, "%s%s", i > 0 ? ", " : "", json_string_value(address));
    return g_string_free(g_steal_pointer(&all_addresses), FALSE);
  }
  return g_strdup_printf("webhook_targets %" JSON_INTEGER_FORMAT,
                         json_integer_value(json_object_get(plain, "targetId")));
}
